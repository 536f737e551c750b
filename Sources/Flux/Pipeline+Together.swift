import Diffusion
import Models
import NN
import Torch

extension GenerationRequest {
  /// Whether images of both requests can be denoised in one batch: only prompts and seeds differ, prompts are plain, and
  /// images begin with the noise of their seeds alone.
  public func canShareBatch(with other: GenerationRequest) -> Bool {
    guard edit == nil, variation == nil, promptSyntax == .plain else { return false }
    var same = other
    (same.prompt, same.negativePrompt, same.seed) = (prompt, negativePrompt, seed)
    return same == self
  }
}

extension Pipeline {
  /// The steps of requests that can share a batch, one image each: row k of every latent belongs to request k.
  ///
  /// Together or alone, an image is the same up to rounding in the last bits of its latents. Traps if the requests cannot
  /// share a batch; throws where the model cannot draw them, or where the text encoder or the adapter gives NaN or infinity.
  public func denoise(together requests: [GenerationRequest]) throws -> Denoising {
    try denoise(requests, encodeTexts(of: requests, tokens: nil).rows)
  }

  /// All stages, for requests that can share a batch: image k is that of request k.
  ///
  /// Texts are padded to the longest of them, or to `tokens` tokens if that is more: the last bits depend on it, and images
  /// name it. With the `state` of an unfinished call with the same requests only the other steps are done. `onStep` sees
  /// every step and stops the run by throwing. Traps and throws as `denoise(together:)`, and throws where a network gives
  /// NaN or infinity or the state cannot be one of that call.
  public func generate(
    together requests: [GenerationRequest], tokens: Int? = nil, from state: DenoisingState? = nil,
    onStep: (DenoisingStep) throws -> Void = { _ in }
  ) throws -> [GeneratedImage] {
    let text = try encodeTexts(of: requests, tokens: tokens)
    let latents = try allSteps(from: state, onStep) { try denoise(requests, text.rows) }
    defer { model.release(.autoencoder) }
    let (grid, size) = (try timeGrid(requests[0]), try outputSize(requests[0]))
    return zip(try decodeLatents(latents, size: size), requests).enumerated().map { index, one in
      GeneratedImage(
        image: one.0, request: one.1.effective(along: grid, at: size), source: source,
        run: GenerationRun(on: device, precision, image: index, of: requests.count, tokens: text.tokens))
    }
  }

  func denoise(_ requests: [GenerationRequest], _ text: TextConditioning) throws -> Denoising {
    guard let first = requests.first, requests.allSatisfy({ first.canShareBatch(with: $0) }) else {
      fatalError("requests of one batch differ in prompts and seeds only")
    }
    let (shape, grid, count) = (try latentShape(first), try timeGrid(first), requests.count)
    try prepare(.denoiser)
    let noise = NoiseSource(seeds: requests.map(\.seed), shape: shape)
    let network: BranchedDenoiser = { [predict] x, time, branches in
      let rows = branches.map { $0 == .conditional ? text[count..<2 * count] : text[0..<count] }
      return predict(x, time, .cat(rows), first.guidance)
    }
    return Denoising(
      grid.initial(noise.next()).to(device), along: grid, sampler: first.sampler.makeSampler(eta: first.eta),
      prediction: model.schedule.configuration.predictionType, cleanRange: model.cleanRange, noise: noise,
      denoiser: guided(network, by: first.guidance))
  }

  /// One row for each negative prompt, then one for each prompt, and the tokens that they are padded to.
  func encodeTexts(
    of requests: [GenerationRequest], tokens: Int?
  ) throws(GenerationError) -> (rows: TextConditioning, tokens: Int) {
    let texts = requests.map(\.negativePrompt) + requests.map(\.prompt)
    let ids = texts.map(conditioner.ids)
    let width = max(ids.map(\.count).max() ?? 0, min(tokens ?? 0, conditioner.maxTokens))
    let rows = try rows(of: ids, padTo: width)
    let negatives = conditioner.negatives(rows[0..<requests.count], of: requests.map(\.negativePrompt))
    return (.cat([negatives, rows[requests.count..<texts.count]]), width)
  }
}
