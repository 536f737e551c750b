import Diffusion

/// Everything that decides one picture, beside the model.
public struct GenerationRequest: Codable, Sendable, Equatable {
  public var prompt: String
  public var negativePrompt: String  // what guidance leads away from; the empty prompt when empty
  public var seed: UInt64  // all 64 bits count
  public var steps: Int
  public var sampler: SamplerKind
  public var spacing: Spacing?  // the sampler's own when nil
  public var eta: Double  // DDIM's share of ancestral noise, 0…1
  public var guidance: Guidance
  public var width: Int?  // pixels; the model's own size when nil
  public var height: Int?

  /// The defaults draw the shipped models well in few steps.
  public init(
    prompt: String, negativePrompt: String = "", seed: UInt64 = 42, steps: Int = 20,
    sampler: SamplerKind = .dpmpp_2m,
    spacing: Spacing? = nil, eta: Double = 0, guidance: Guidance = Guidance(scale: 3), width: Int? = nil,
    height: Int? = nil
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
  }

  /// The requests of a batch: picture k is what this request gives with seed + k.
  public func batch(_ count: Int) -> [GenerationRequest] {
    NoiseSource.seeds(from: seed, count: count).map { seed in
      var request = self
      request.seed = seed
      return request
    }
  }
}

/// Why a request cannot be drawn.
public enum GenerationError: Error, CustomStringConvertible, Sendable, Equatable {
  case size(name: String, value: Int, multiple: Int, largest: Int)
  case noDevice(String, found: Int)
  /// A network gave NaN or infinity; `loras` are those whose change is in the U-Net's weights.
  case notFinite(NetworkPart, step: Int?, loras: [String])

  /// The networks that a prompt passes on its way to a picture.
  public enum NetworkPart: String, Sendable {
    case textEncoder = "text encoder"
    case textAdapter = "text adapter"
    case unet = "U-Net"
    case decoder = "decoder"
    case superResolution = "super-resolution"
  }

  public var description: String {
    switch self {
    case .size(let name, let value, let multiple, let largest):
      "\(name) \(value): this model draws multiples of \(multiple) from \(multiple) to \(largest)"
        + (1...largest ~= value ? ", such as \(max(1, (value + multiple / 2) / multiple) * multiple)" : "")
    case .noDevice(let name, let found):
      name == "mps"
        ? "device mps: Flux computes on cpu and cuda"
        : found == 0
          ? "device \(name): this libtorch has no CUDA device; use cpu, or point FLUX_TORCH at a PyTorch with CUDA"
          : "device \(name): there are \(found) CUDA devices, numbered from 0"
    case .notFinite(let part, let step, let loras):
      "the \(part.rawValue) gives numbers that are not finite"
        + (step.map { ", at step \($0 + 1)" } ?? "") + ": its weights are damaged"
        + (loras.isEmpty ? "" : ", or changed too much by the LoRA \(loras.joined(separator: ", "))")
    }
  }
}
