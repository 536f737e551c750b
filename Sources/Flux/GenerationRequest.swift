import Diffusion
import Support
import Torch

/// All settings of a generated image except the model.
public struct GenerationRequest: Codable, Sendable, Equatable {
  /// A description of the image, in English; may be empty.
  public var prompt: String
  /// The prompt that guidance leads away from; may be empty.
  public var negativePrompt: String
  /// The seed of the initial noise, and of the noise of stochastic samplers.
  public var seed: UInt64
  /// Number of sampling steps, 1 … the model's training timesteps.
  public var steps: Int
  /// The sampling algorithm.
  public var sampler: SamplerKind
  /// The timestep spacing; nil is the sampler's default.
  public var spacing: Spacing?
  /// The share of ancestral noise in DDIM, 0…1; other samplers ignore it.
  public var eta: Double
  /// Classifier-free guidance.
  public var guidance: Guidance
  /// Width in pixels; nil is the model's image size, or with a mask or an extension that of the init image.
  ///
  /// Up to the model's image size, width and height are multiples of the model's latent cell. A larger image is denoised at
  /// the model's size and rendered larger (`OutputSize`).
  public var width: Int?
  /// Height in pixels; nil as for `width`.
  public var height: Int?
  /// How an image above the model's size is made; nil is the best way that the model has.
  public var upscaler: Upscaler?
  /// Denoise an image above the model's size at its full size, where objects repeat.
  ///
  /// Its sides are then multiples of the model's latent cell.
  public var largeLatents: Bool
  /// A second seed whose noise the initial noise is led towards; nil for the seed's own noise.
  public var variation: Variation?
  /// The image that this one is made from; nil for noise alone.
  public var edit: ImageEdit?
  /// How prompt and negative prompt are read.
  public var promptSyntax: PromptSyntax

  /// The defaults suit the bundled models.
  public init(
    prompt: String, negativePrompt: String = "", seed: UInt64 = 42, steps: Int = 20,
    sampler: SamplerKind = .dpmpp_2m,
    spacing: Spacing? = nil, eta: Double = 0, guidance: Guidance = Guidance(scale: 3), width: Int? = nil,
    height: Int? = nil, upscaler: Upscaler? = nil, largeLatents: Bool = false, variation: Variation? = nil,
    edit: ImageEdit? = nil, promptSyntax: PromptSyntax = .plain
  ) {
    self.prompt = prompt
    self.negativePrompt = negativePrompt
    self.seed = seed
    self.steps = steps
    self.sampler = sampler
    self.spacing = spacing
    self.eta = eta
    self.guidance = guidance
    self.width = width
    self.height = height
    self.upscaler = upscaler
    self.largeLatents = largeLatents
    self.variation = variation
    self.edit = edit
    self.promptSyntax = promptSyntax
  }
}

/// An error during generation.
public enum GenerationError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The model cannot generate this width or height.
  ///
  /// Sides up to `own` are multiples of `multiple`.
  case size(name: String, value: Int, multiple: Int, own: Int, largest: Int)
  /// The model cannot render larger in this way.
  case upscaler(Upscaler)
  /// The request's edit of an image is not possible.
  case edit(EditError)
  /// The strength of a variation is outside 0…1.
  case variationStrength(Double)
  /// The pixel-space example cannot do what the request asks, for this reason.
  case pixelSpace(String)
  /// There is no such device; `found` is the number of CUDA devices.
  case noDevice(String, found: Int)
  /// A network's output is NaN or infinite; `loras` are those merged into the U-Net.
  case notFinite(NetworkPart, step: Int?, loras: [String])
  /// The weights of a network cannot be read when they are needed.
  case weights(CheckpointError)

  /// The networks of the pipeline.
  public enum NetworkPart: String, Sendable {
    /// The pretrained encoder of prompts.
    case textEncoder = "text encoder"
    /// The adapter from the text encoder's states to the U-Net's context.
    case textAdapter = "text adapter"
    /// The denoising network.
    case unet = "U-Net"
    /// The encoder of init images.
    case encoder = "encoder"
    /// The decoder up to the base size.
    case decoder = "decoder"
    /// The levels above the base size.
    case superResolution = "super-resolution"
  }

  public var description: String {
    switch self {
    case .size(let name, let value, let multiple, let own, let largest):
      "\(name) \(value): this model generates multiples of \(multiple) from \(multiple) to \(own)"
        + (1...own ~= value ? ", such as \(max(1, (value + multiple / 2) / multiple) * multiple)" : "")
        + (largest > own ? ", and larger images up to \(largest)" : "")
    case .upscaler(let upscaler):
      "upscaler \(upscaler.rawValue): this model's decoder has one size; use lanczos"
    case .edit(let error): error.description
    case .variationStrength(let strength): "variation strength \(strength.shown) is outside 0…1"
    case .weights(let error): error.description
    case .pixelSpace(let reason): "this is a model of the pixel-space example: \(reason)"
    case .noDevice(let name, let found):
      name == "mps"
        ? "device mps: Flux supports cpu and cuda"
        : found == 0
          ? "device \(name): this libtorch has no CUDA device; use cpu, or point FLUX_TORCH at a PyTorch with CUDA"
          : "device \(name): there are \(found) CUDA devices, numbered from 0"
    case .notFinite(let part, let step, let loras):
      "the output of the \(part.rawValue) is not finite"
        + (step.map { ", at step \($0 + 1)" } ?? "") + ": its weights are damaged"
        + (loras.isEmpty ? "" : ", or the LoRA scale is too high (\(loras.joined(separator: ", ")))")
    }
  }
}

extension Device {
  /// Throws if this machine does not have the device, or if networks cannot run there.
  public func checkPresence() throws(GenerationError) {
    let isThere =
      switch self {
      case .cpu: true
      case .cuda(let index): index < Device.cudaCount
      case .mps: false
      }
    guard isThere else { throw .noDevice(description, found: Device.cudaCount) }
  }
}

extension GenerationRequest {
  /// The request without settings that have no effect along `grid`; it gives the same image.
  ///
  /// Eta only affects DDIM. Negative prompt, rescale and interval only matter with guidance; there is none at a scale of 1,
  /// or if the interval contains no noise level that is visited. Settings of inpainting only matter with a mask or an
  /// extension, and a variation of strength 0 is none. A spacing that the model's files decided is stated.
  public func effective(along grid: TimeGrid) -> GenerationRequest {
    var request = self
    if sampler != .ddim { request.eta = 0 }
    if spacing == nil, grid.spacing != sampler.defaultSpacing { request.spacing = grid.spacing }
    if variation?.strength == 0 { request.variation = nil }
    if edit?.isInpainting == false { request.edit?.inpainting = Inpainting() }
    let start = edit.flatMap { try? grid.start(strength: $0.strength) } ?? 0
    if !grid.times[start...].dropLast().contains(where: guidance.applies) {
      (request.guidance, request.negativePrompt) = (Guidance(scale: 1), "")
    }
    return request
  }

  /// The same at a size: upscaler and large latents only matter above the model's.
  public func effective(along grid: TimeGrid, at size: OutputSize) -> GenerationRequest {
    var request = effective(along: grid)
    request.upscaler = size.upscaler
    request.largeLatents = largeLatents && size.isLarge
    return request
  }
}
