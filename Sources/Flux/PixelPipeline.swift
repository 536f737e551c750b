import Diffusion
import Foundation
import Images
import Models
import NN
import Support
import Tokenizers
import Torch

/// From prompt to image with a model of the pixel-space example: `Pipeline` without latents, and without guidance, for
/// which the example's captions would have to be dropped now and then in training.
///
/// Not `Sendable`: a pipeline belongs to one thread at a time; requests and images may go anywhere.
public final class PixelPipeline {
  /// The network and its schedule, on `device`.
  public let model: PixelModel
  /// The tokenizer; its ids are the rows of the network's embeddings.
  public let tokenizer: WordPieceTokenizer
  /// The identity of the model, for the metadata of images.
  public let source: ModelSource
  /// The device of the network.
  public let device: Device

  /// Reads a model directory and the tokenizer's `vocab.txt`.
  public convenience init(model directory: URL, vocabulary: URL, device: Device = .cpu) throws {
    try device.checkPresence()
    let source = try ModelSource(model: directory)
    let model = try PixelModel(directory: directory)
    let tokenizer = try WordPieceTokenizer(vocabulary: vocabulary)
    let embeddings = model.network.configuration.vocabSize
    guard tokenizer.count <= embeddings else {
      throw CheckpointError.configuration(
        file: directory.appendingPathComponent("unet/config.json").path,
        reason: "vocab_size is \(embeddings), expected \(tokenizer.count) or more: as vocab.txt has")
    }
    if device != .cpu { model.network.move(to: device) }
    self.init(model: model, tokenizer: tokenizer, source: source, device: device)
  }

  /// A pipeline over a network that is on `device` already; its vocabulary has to hold the tokenizer's ids.
  public init(model: PixelModel, tokenizer: WordPieceTokenizer, source: ModelSource, device: Device = .cpu) {
    self.model = model
    self.tokenizer = tokenizer
    self.source = source
    self.device = device
  }

  /// The tokens of a prompt, with the words that do not fit and those that the vocabulary lacks.
  public func tokens(of prompt: String) -> TokenEncoding {
    tokenizer.encode(prompt, maxLength: model.network.configuration.maxTokens)
  }

  /// The mean embedding of a prompt's tokens, `[1, embeddingWidth]`.
  public func encodeText(_ prompt: String) -> Tensor {
    let batch = TokenBatch([tokens(of: prompt).ids], padding: tokenizer.padID)
    return withInference { model.network.encodeText(batch.ids.to(device), mask: batch.mask.to(device)) }
  }

  /// The times that a request visits; throws where this model cannot draw it.
  @discardableResult
  public func timeGrid(_ request: GenerationRequest) throws -> TimeGrid {
    let side = model.network.configuration.sampleSize
    guard [request.width ?? side, request.height ?? side] == [side, side] else {
      throw GenerationError.pixelSpace("its images have \(side)×\(side) pixels")
    }
    guard request.guidance.scale == 1, request.negativePrompt.isEmpty else {
      throw GenerationError.pixelSpace(
        "it was trained without dropping captions, so it has no guidance: use a scale of 1 and no negative prompt")
    }
    guard request.edit == nil, request.variation == nil else {
      throw GenerationError.pixelSpace("it makes images from noise alone: no init image and no variation")
    }
    return try TimeGrid(model.schedule, kind: request.sampler, steps: request.steps, spacing: request.spacing)
  }

  /// The steps from noise to images `[count, 3, H, W]` in −1…1, each made when it is asked for.
  ///
  /// Image k of `count` that are drawn together begins with the noise of seed + k.
  public func denoise(_ text: Tensor, _ request: GenerationRequest, count: Int = 1) throws -> Denoising {
    let grid = try timeGrid(request)
    let side = model.network.configuration.sampleSize
    let noise = NoiseSource(seeds: NoiseSource.seeds(from: request.seed, count: count), shape: [3, side, side])
    let texts = text.expanded([count, text.shape[1]])
    return Denoising(
      grid.initial(noise.next()).to(device), along: grid,
      sampler: request.sampler.makeSampler(eta: request.eta),
      prediction: model.schedule.configuration.predictionType, cleanRange: -1...1, noise: noise,
      denoiser: { [model] x, time in
        model.network(x, at: Tensor.full([x.shape[0]], time.timestep, device: x.device), texts)
      })
  }

  /// All stages, for `count` images that are denoised together: image k has the seed `request.seed + k`.
  ///
  /// `text` is what `encodeText` made of the prompt, if it is known already. `onStep` sees every step and stops the run by
  /// throwing. Throws where the network gives NaN or infinity.
  public func generate(
    _ request: GenerationRequest, count: Int = 1, text: Tensor? = nil,
    onStep: (DenoisingStep) throws -> Void = { _ in }
  ) throws -> [GeneratedImage] {
    guard count > 0 else { fatalError("a batch of \(count) images") }
    var images: Tensor?
    for step in try denoise(text ?? encodeText(request.prompt), request, count: count) {
      guard step.latent.allFinite else {
        throw GenerationError.notFinite(.unet, step: step.index, loras: [])
      }
      images = step.latent
      try onStep(step)
    }
    guard let images else { fatalError("a time grid has at least one step") }
    return zip(TensorImage.images(images.to(.cpu)), request.batch(count)).enumerated().map { index, one in
      let image = one.0
      var request = one.1  // without settings that change nothing
      if request.sampler != .ddim { request.eta = 0 }
      request.guidance = Guidance(scale: 1)
      (request.upscaler, request.largeLatents) = (nil, false)
      return GeneratedImage(
        image: image, request: request, source: source,
        run: GenerationRun(on: device, .float32, image: index, of: count))
    }
  }
}

/// Prompts as tensors: ids `[B, N]` (int64), padded to the longest, and their mask `[B, N]` (float, 1 at tokens).
public struct TokenBatch {
  /// The ids, with those of padding at the end.
  public let ids: Tensor
  /// 1 at tokens, 0 at padding.
  public let mask: Tensor

  /// The tensors of prompts that are ids already, on the CPU.
  public init(_ prompts: [[Int32]], padding: Int32) {
    let width = prompts.map(\.count).max() ?? 0
    let rows = prompts.map { $0.map(Int64.init) + [Int64](repeating: Int64(padding), count: width - $0.count) }
    ids = Tensor(rows.flatMap { $0 }, shape: [prompts.count, width])
    mask = Tensor(
      prompts.flatMap { [Float](repeating: 1, count: $0.count) + [Float](repeating: 0, count: width - $0.count) },
      shape: [prompts.count, width])
  }
}
