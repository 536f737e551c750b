import Diffusion
import Foundation
import Images
import Models
import NN
import Support
import Tokenizers
import Torch

/// From prompt to image, in three stages that can be called apart.
///
/// Not `Sendable`: a pipeline belongs to one thread at a time; requests and images may go anywhere.
public final class Pipeline {
  /// The networks, on `device`, with the student and LoRAs merged.
  public let model: ModelBundle
  /// The tokenizer and the text encoder.
  public let prompts: PromptEncoder
  /// The device of U-Net, adapter and autoencoder.
  public let device: Device
  /// The identity of the model, for the metadata of images.
  public let source: ModelSource
  /// The few-step student whose change is in the weights; its `request` says how it draws.
  public let student: FastStudent?

  /// Reads a model directory and, unless the model has a text encoder of its own, the directory of the shared one.
  ///
  /// With `fast` the model's few-step student is merged into its weights; so are LoRA files, each times its scale, except
  /// those times 0.
  public init(
    model directory: URL, textEncoder: URL, fast: Bool = false, loras: [(file: URL, scale: Double)] = [],
    device: Device = .cpu
  ) throws {
    try device.checkPresence()
    self.device = device
    var source = try ModelSource(directory: directory)
    student =
      fast ? try FastStudent(directory.appendingPathComponent(FastStudent.folderName), of: source) : nil
    model = try ModelBundle(directory: directory)
    try student?.merge(into: model.unet)
    source.fast = student?.hash
    prompts = try model.prompts ?? PromptEncoder(directory: textEncoder)
    for lora in loras where lora.scale != 0 {
      try LoRAFile(lora.file, unet: model.unet, textEncoder: prompts.encoder)
        .merge(unet: model.unet, textEncoder: prompts.encoder, scale: lora.scale)
      source.loras.append(try LoRASource(file: lora.file, scale: lora.scale))
    }
    self.source = source
    do throws(ConfigurationError) {
      try prompts.check(model.configuration.adapter)
    } catch {
      let file = directory.appendingPathComponent("text_adapter/config.json")
      throw CheckpointError.configuration(file: file.path, reason: error.description)
    }
    model.move(to: device)
  }

  /// A pipeline over networks that are in memory already, all on one device.
  public init(model: ModelBundle, prompts: PromptEncoder, source: ModelSource) {
    self.model = model
    self.prompts = prompts
    self.source = source
    student = nil
    device = prompts.device
  }

  /// A prompt and the one that guidance leads away from, as the U-Net reads them: one row each, equally long.
  public struct PromptConditioning {
    /// The prompt, one row.
    public let conditional: TextConditioning
    /// The negative or the empty prompt, one row.
    public let unconditional: TextConditioning
    /// Words of the prompt that did not fit.
    public let dropped: [String]
    /// Words of the negative prompt that did not fit.
    public let droppedNegative: [String]
    /// The prompts whose guidance is added; empty for a single one, which is `conditional`.
    var composed: [Part] = []

    /// The rows of a batch that holds `count` images for each branch.
    func rows(_ branches: [Branch], count: Int) -> TextConditioning {
      .cat(branches.map { ($0 == .conditional ? conditional : unconditional).expanded(to: count) })
    }
  }

  /// Encodes the prompts; they are cut at the adapter's longest.
  ///
  /// Throws where the text encoder or the adapter gives NaN or infinity, and names it.
  public func encodeText(_ prompt: String, negative: String = "") throws(GenerationError) -> PromptConditioning {
    let (text, both) = withInference {
      let text = prompts([negative, prompt], maxTokens: model.configuration.adapter.maxTokens)
      return (text, model.adapter(text.states.to(device), mask: text.mask.to(device)))
    }
    guard both.allFinite else {
      throw text.states.allFinite
        ? .notFinite(.textAdapter, step: nil, loras: [])
        : .notFinite(.textEncoder, step: nil, loras: source.loras.map(\.name))
    }
    return PromptConditioning(
      conditional: both[1..<2], unconditional: both[0..<1], dropped: text.dropped[1], droppedNegative: text.dropped[0])
  }

  /// The tokens of a prompt, with the words that do not fit and those that the vocabulary lacks.
  public func tokens(of prompt: String) -> WordPieceTokenizer.Encoding {
    prompts.tokenizer.encode(prompt, maxLength: model.configuration.adapter.maxTokens)
  }

  /// The times that a request visits; throws where this model cannot draw it, for its size or its steps.
  @discardableResult
  public func timeGrid(_ request: GenerationRequest) throws -> TimeGrid {
    _ = try latentShape(request)
    return try TimeGrid(model.schedule, kind: request.sampler, steps: request.steps, spacing: request.spacing)
  }

  /// The steps from noise to clean latents, each made when it is asked for.
  ///
  /// Image k of `count` that are drawn together begins with the noise of seed + k.
  public func denoise(_ text: PromptConditioning, _ request: GenerationRequest, count: Int = 1) throws -> Denoising {
    let shape = try latentShape(request)
    let grid = try timeGrid(request)
    let noise = NoiseSource(seeds: NoiseSource.seeds(from: request.seed, count: count), shape: shape)
    let network: BranchedDenoiser = { [model] x, time, branches in
      text.predict(x, branches, count: count) { x, rows in
        model.predict(x, at: Tensor.full([x.shape[0]], time.timestep, device: x.device), rows)
      }
    }
    return Denoising(
      grid.initial(noise.next()).to(device), along: grid,
      sampler: request.sampler.makeSampler(eta: request.eta),
      prediction: model.schedule.configuration.predictionType, cleanRange: Self.cleanRange, noise: noise,
      denoiser: request.guidance(network))
  }

  /// All stages, for one image.
  ///
  /// `onStep` sees every step and stops the run by throwing. The image's request is without settings that change
  /// nothing. Throws where a network gives NaN or infinity, and names it.
  public func generate(_ request: GenerationRequest, onStep: (DenoisingStep) throws -> Void = { _ in }) throws
    -> GeneratedImage
  {
    try generate(request, count: 1, onStep: onStep)[0]
  }

  /// All stages, for `count` images that are denoised together: image k has the seed `request.seed + k`.
  ///
  /// The prompt is encoded once, or not at all where `text` is what `encodeText` made of it. Together or alone, an image
  /// is the same up to rounding in the last bits of its latents.
  public func generate(
    _ request: GenerationRequest, count: Int, text: PromptConditioning? = nil,
    onStep: (DenoisingStep) throws -> Void = { _ in }
  ) throws -> [GeneratedImage] {
    guard count > 0 else { fatalError("a batch of \(count) images") }
    let (grid, size) = (try timeGrid(request), try outputSize(request))
    let text =
      try text
      ?? encodeText(request.prompt, negative: request.negativePrompt, syntax: request.promptSyntax)
    var latents: Tensor?
    for step in try denoise(text, request, count: count) {
      guard step.latent.allFinite else {
        throw GenerationError.notFinite(.unet, step: step.index, loras: source.loras.map(\.name))
      }
      latents = step.latent
      try onStep(step)
    }
    guard let latents else { fatalError("a time grid has at least one step") }
    return zip(try decodeLatents(latents, size: size), request.batch(count)).enumerated().map { index, one in
      GeneratedImage(
        image: one.0, request: one.1.effective(along: grid, at: size), source: source,
        run: GenerationRun(on: device, image: index, of: count))
    }
  }

  /// Latents are normalized, so that no true one lies outside; far estimates at high noise are pulled in.
  public static let cleanRange = -6.0...6.0

  /// The sizes between a request and its image; throws for those that the model cannot make.
  public func outputSize(_ request: GenerationRequest) throws(GenerationError) -> OutputSize {
    try OutputSize(request, model.configuration)
  }

  /// `[C, h, w]` of a request's latents.
  func latentShape(_ request: GenerationRequest) throws(GenerationError) -> [Int] {
    let (height, width) = try outputSize(request).latent
    return [model.configuration.autoencoder.latentChannels, height, width]
  }
}
