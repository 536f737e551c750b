import Diffusion
import Foundation
import Support

/// The `parameters` text of AUTOMATIC1111's web UI, which most tools can read.
///
///     a red apple
///     Negative prompt: blurry
///     Steps: 20, Sampler: DPM++ 2M, Schedule type: SGM Uniform, CFG scale: 3, Seed: 42, Size: 512x512, …
public enum ParametersText {
  static func write(_ request: GenerationRequest, _ source: ModelSource, width: Int, height: Int) -> String {
    var fields: [(String, String)] = [
      ("Steps", "\(request.steps)"), ("Sampler", request.sampler.displayName),
    ]
    if let spacing = request.spacing ?? request.sampler.defaultSpacing {
      fields.append(("Schedule type", spacing.displayName))
    }
    fields += [
      ("CFG scale", number(request.guidance.scale)), ("Seed", "\(request.seed)"),
      ("Size", "\(width)x\(height)"),
      ("Model hash", String(source.hash.prefix(10))), ("Model", source.name),
    ]
    if let upscaler = request.upscaler { fields.append(("Upscaler", upscaler.displayName)) }
    if request.largeLatents { fields.append(("Large latents", "true")) }
    if request.guidance.rescale != 0 { fields.append(("CFG rescale", number(request.guidance.rescale))) }
    if let interval = request.guidance.interval {
      fields.append(("CFG interval", "\(number(interval.lowerBound))-\(number(interval.upperBound))"))
    }
    if request.eta != 0 { fields.append(("Eta", number(request.eta))) }
    if request.promptSyntax != .plain { fields.append(("Prompt syntax", request.promptSyntax.rawValue)) }
    fields += editFields(request)
    if let fast = source.fast { fields.append(("Fast", String(fast.prefix(10)))) }
    if !source.loras.isEmpty {  // one field, since readers keep only the last of several with one name
      let list = source.loras.map { "\($0.name):\(number($0.scale)):\($0.hash.prefix(10))" }
      fields.append(("LoRA", list.joined(separator: ", ")))
    }
    // Clip skip counts from 1, as there.
    if let skipped = source.clipSkip { fields.append(("Clip skip", "\(skipped + 1)")) }
    if let prediction = source.prediction { fields.append(("Prediction", prediction.rawValue)) }
    if let autoencoder = source.autoencoder {
      fields += [("VAE hash", String(autoencoder.hash.prefix(10))), ("VAE", autoencoder.name)]
    }
    // "CPU" means that PyTorch's CPU generator gives this noise; PyTorch uses 32 bits of a seed.
    fields.append(("RNG", request.seed <= UInt64(UInt32.max) ? "CPU" : "CPU 64-bit"))
    fields.append(("Version", "flux \(Version.current)"))
    var lines = [PromptSyntax.withoutTags(request.prompt)]
    if !request.negativePrompt.isEmpty {
      lines.append("Negative prompt: \(PromptSyntax.withoutTags(request.negativePrompt))")
    }
    lines.append(fields.map { "\($0.0): \(quoted($0.1))" }.joined(separator: ", "))
    return lines.joined(separator: "\n").trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Quotes a value as a JSON string if it could be mistaken for another field.
  static func quoted(_ value: String) -> String {
    guard value.contains(where: { $0 == "," || $0 == ":" || $0.isNewline }) else { return value }
    return JSONValue.quoted(value)
  }

  static func number(_ value: Double) -> String {
    value == value.rounded() && abs(value) < 1e15 ? String(Int(value)) : "\(value)"
  }
}

/// The version of this library and program.
public enum Version {
  /// Version in the form MAJOR.MINOR.PATCH.
  public static let current = "0.2.0"
}

extension Spacing {
  /// The name in AUTOMATIC1111's web UI.
  public var displayName: String {
    switch self {
    case .leading: "DDIM Uniform"
    case .trailing: "SGM Uniform"
    case .linspace: "Uniform"
    case .karras: "Karras"
    case .exponential: "Exponential"
    }
  }
}
