import Diffusion
import Flux
import Foundation
import Images

/// What `flux draw` draws with, from one line to the next.
struct DrawSettings: Equatable {
  var model: FilePath?
  var isFast = false
  var prompt: String?
  var negativePrompt = ""
  var seed: UInt64 = 42
  var count = 1
  var steps: Int?
  var cfg: Double?
  var sampler: SamplerKind?
  var spacing: Spacing?
  var width: Int?
  var height: Int?
  var initImage: (name: String, image: Image)?
  var mask: (name: String, image: Image)?
  var strength = 0.75
  var variation = 0.0

  static func == (a: DrawSettings, b: DrawSettings) -> Bool {
    a.lines.map { [$0.name, $0.value] } == b.lines.map { [$0.name, $0.value] } && a.prompt == b.prompt
      && a.initImage?.image == b.initImage?.image
      && a.mask?.image == b.mask?.image
  }

  /// The request of the first image; `other` is the second seed of a variation.
  func request(_ prompt: String, defaults: SamplingDefaults, other: UInt64) throws -> GenerationRequest {
    var edit: ImageEdit?
    if let initImage {
      edit = ImageEdit(image: initImage.image, strength: strength, mask: mask?.image)
      try edit?.validate()
    } else if let mask {
      throw Failure("the mask \(mask.name) needs an init image: /i FILE or /i last, or /mask none")
    }
    return GenerationRequest(
      prompt: prompt, negativePrompt: negativePrompt, seed: seed, steps: steps ?? defaults.steps,
      sampler: sampler ?? defaults.sampler ?? .dpmpp_2m, spacing: spacing, guidance: defaults.guidance(scale: cfg),
      width: width, height: height,
      variation: variation > 0 ? Variation(seed: other, strength: variation) : nil, edit: edit)
  }

  /// Throws if the student draws and a setting is given that it fixes.
  func checkStudent() throws(Failure) {
    if !isFast || fixedByStudent.isEmpty { return }
    throw Failure(
      "the student has steps, sampler and guidance of its own: \(fixedByStudent.joined(separator: ", ")) "
        + "would have no effect; give them without a value, or /fast off")
  }

  /// The settings that the student fixes and that were given, by their commands.
  private var fixedByStudent: [String] {
    [
      ("/steps", steps != nil), ("/cfg", cfg != nil), ("/sampler", sampler != nil || spacing != nil),
      ("/n", !negativePrompt.isEmpty),
    ].filter(\.1).map(\.0)
  }

  /// The settings as `/set` prints them.
  var lines: [(name: String, value: String)] {
    let chosen = sampler?.rawValue ?? "the model's"
    var lines: [(name: String, value: String)] = [
      ("model", (model?.text ?? Installation.defaultModel) + (isFast ? ", fast" : "")), ("seed", "\(seed)"),
      ("images", "\(count)"), ("steps", steps.map(String.init) ?? "the model's"),
      ("guidance scale", cfg?.shown ?? "the model's"),
      ("sampler", chosen + (spacing.map { ", \($0.rawValue)" } ?? "")),
      ("size", width.map { "\($0)×\(height ?? $0)" } ?? "the model's"),
    ]
    if !negativePrompt.isEmpty { lines.append(("negative prompt", negativePrompt)) }
    if let initImage { lines.append(("init image", "\(initImage.name), strength \(strength.shown)")) }
    if let mask { lines.append(("mask", mask.name)) }
    if variation > 0 { lines.append(("variation strength", variation.shown)) }
    return lines
  }
}
