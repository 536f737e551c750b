import Diffusion
import Foundation
import Images
import Models
import NN
import Support
import Tokenizers
import Torch

/// From prompt to picture, in three stages that can be called apart.
///
/// Not `Sendable`: a pipeline belongs to one thread at a time; requests and pictures may go anywhere.
public final class Pipeline {
  public let model: ModelBundle
  public let prompts: PromptEncoder
  public let device: Device
  public let source: ModelSource
  /// The few-step student whose change is in the weights; its `request` says how it draws.
  public let student: FastStudent?

  /// Reads a model directory and the directory of the pretrained text encoder.
  ///
  /// With `fast` the model's few-step student is merged into its weights; so are LoRA files, each times its scale, except
  /// those times 0.
  public init(
    model directory: URL, textEncoder: URL, fast: Bool = false, loras: [(file: URL, scale: Double)] = [],
    device: Device = .cpu
  ) throws {
    let isThere =
      switch device {
      case .cpu: true
      case .cuda(let index): index < Device.cudaCount
      case .mps: false
      }
    guard isThere else {
      throw GenerationError.noDevice(device.description, found: Device.cudaCount)
    }
    self.device = device
    var source = try ModelSource(directory: directory)
    student =
      fast ? try FastStudent(directory.appendingPathComponent(FastStudent.folderName), of: source) : nil
    model = try ModelBundle(directory: directory)
    try student?.merge(into: model.unet)
    source.fast = student?.hash
    for lora in loras where lora.scale != 0 {
      try LoRA.load(lora.file, for: model.unet).merge(into: model.unet, scale: lora.scale)
      source.loras.append(try LoRASource(file: lora.file, scale: lora.scale))
    }
    self.source = source
    prompts = try PromptEncoder(directory: textEncoder)
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

  /// A prompt beside the one that guidance leads away from, as the U-Net reads them.
  public struct TextConditioning {
    public let context: Tensor  // [2, N, D]: unconditional, conditional
    public let mask: Tensor  // [2, N]
    public let pooled: Tensor  // [2, D]
    public let dropped: [String]  // words of the prompt that did not fit
    public let droppedNegative: [String]  // words of the other one that did not fit
  }

  /// Reads the prompts; the texts are cut at the adapter's longest.
  public func encodeText(_ prompt: String, negative: String = "") -> TextConditioning {
    withInference {
      let text = prompts([negative, prompt], maxTokens: model.configuration.adapter.maxTokens)
      let mask = text.mask.to(device)
      let (context, pooled) = model.adapter(text.states.to(device), mask: mask)
      return TextConditioning(
        context: context, mask: mask, pooled: pooled, dropped: text.dropped[1], droppedNegative: text.dropped[0])
    }
  }

  /// How a prompt is cut into tokens, with the words that do not fit and those that the vocabulary lacks.
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
  /// Picture k of `count` that are drawn together begins with the noise of seed + k.
  public func denoise(_ text: TextConditioning, _ request: GenerationRequest, count: Int = 1) throws -> Denoising {
    let shape = try latentShape(request)
    let grid = try timeGrid(request)
    let noise = NoiseSource(seeds: NoiseSource.seeds(from: request.seed, count: count), shape: shape)
    let network: BranchedDenoiser = { [model] x, time, branches in
      let rows = branches.map { $0 == .conditional ? 1 : 0 }
      func pick(_ tensor: Tensor) -> Tensor {
        let shape = [count] + tensor.shape.dropFirst()
        return Tensor.cat(rows.map { tensor.narrowed(0, $0, 1).expanded(shape) }, dim: 0)
      }
      let timesteps = Tensor.full([x.shape[0]], time.timestep, device: x.device)
      return model.unet(
        x.channelsLast(), timesteps: timesteps, context: pick(text.context), contextMask: pick(text.mask),
        classLabels: pick(text.pooled))
    }
    return Denoising(
      grid.initial(noise.next()).to(device), along: grid,
      sampler: request.sampler.makeSampler(eta: request.eta),
      prediction: model.schedule.configuration.predictionType, cleanRange: Self.cleanRange, noise: noise,
      denoiser: request.guidance(network))
  }

  /// Paints latents `[B, 64, h, w]`; throws where the decoder gives NaN or infinity, which no picture shows.
  public func decodeLatents(_ latents: Tensor) throws(GenerationError) -> [Image] {
    let images: [Image]? = withInference {
      let pixels = model.autoencoder.decode(latents)
      return pixels.allFinite ? TensorImage.images(pixels.to(.cpu)) : nil
    }
    if let images { return images }
    let isCoreFinite = withInference { model.autoencoder.decoder(latents.channelsLast()).pixels.allFinite }
    throw .notFinite(isCoreFinite ? .superResolution : .decoder, step: nil, loras: [])
  }

  /// All stages.
  ///
  /// `onStep` sees every step and stops the run by throwing. The picture's request is without settings that change
  /// nothing. Throws where a network gives NaN or infinity, and names it.
  public func generate(_ request: GenerationRequest, onStep: (DenoisingStep) throws -> Void = { _ in }) throws
    -> Picture
  {
    let grid = try timeGrid(request)
    let text = encodeText(request.prompt, negative: request.negativePrompt)
    guard text.context.allFinite, text.pooled.allFinite else {
      let tokens = model.configuration.adapter.maxTokens
      let states = withInference { prompts([request.negativePrompt, request.prompt], maxTokens: tokens).states }
      throw GenerationError.notFinite(states.allFinite ? .textAdapter : .textEncoder, step: nil, loras: [])
    }
    var latent: Tensor?
    for step in try denoise(text, request) {
      guard step.latent.allFinite else {
        throw GenerationError.notFinite(.unet, step: step.index, loras: source.loras.map(\.name))
      }
      latent = step.latent
      try onStep(step)
    }
    guard let latent else { fatalError("a time grid has at least one step") }
    return Picture(image: try decodeLatents(latent)[0], request: request.effective(along: grid), source: source)
  }

  /// Latents are normalised, so that no true one lies outside; far estimates at high noise are pulled in.
  public static let cleanRange = -6.0...6.0

  /// `[C, h, w]` of a request; throws for sizes that are no multiple of a latent cell.
  func latentShape(_ request: GenerationRequest) throws(GenerationError) -> [Int] {
    let cell = model.configuration.autoencoder.downsample
    let largest = 4 * model.configuration.imageSize
    func cells(_ name: String, _ value: Int?) throws(GenerationError) -> Int {
      let pixels = value ?? model.configuration.imageSize
      guard pixels % cell == 0, (cell...largest).contains(pixels) else {
        throw .size(name: name, value: pixels, multiple: cell, largest: largest)
      }
      return pixels / cell
    }
    return [
      model.configuration.autoencoder.latentChannels, try cells("height", request.height),
      try cells("width", request.width),
    ]
  }
}
