import Foundation
import Scenes

/// The verdicts on prompts with combinations that training never used, fact by fact.
public struct HeldOutReport: Sendable, Encodable {
  /// One generated image.
  public struct Judged: Sendable, Encodable {
    /// The caption of the scene.
    public let prompt: String
    /// The verdicts by templates, fact by fact.
    public let verdicts: [Judge.Verdict]
    /// The verdicts of the learned judge on the same facts; nil without one.
    public let learned: [Judge.Verdict]?
  }

  /// Denoising error at a timestep: mean square error of the clean latents of renders, which have variance 1.
  public struct Denoising: Sendable, Encodable {
    /// The network's timestep.
    public let timestep: Int
    /// Error under the image's own caption.
    public let own: Double
    /// Error under another caption; a model that reads captions has a higher one.
    public let other: Double

    /// The errors at a timestep, from `Pipeline.denoisingErrors`.
    public init(timestep: Int, own: Double, other: Double) {
      self.timestep = timestep
      self.own = own
      self.other = other
    }
  }

  /// Name of the model.
  public let model: String
  /// `ModelSource.hash` of the model.
  public let modelHash: String
  /// The world of the scenes.
  public let world: World
  /// Version of the renderer.
  public let scenesVersion: Int
  /// Seed of the scenes and of the first image.
  public let seed: UInt64
  /// Number of prompts, each with one image.
  public let prompts: Int
  /// Number of sampling steps.
  public let steps: Int
  /// Verdicts on the generated images.
  public private(set) var generated = Scorecard()
  /// Verdicts on the reconstructed renders.
  public private(set) var reconstructions = Scorecard()
  /// Verdicts on the renders, which measure the judge's own errors.
  public private(set) var rendered = Scorecard()
  /// Verdicts on the generated images against other prompts, which measure chance.
  public private(set) var shuffled = Scorecard()
  /// Verdicts of the learned judge on the generated images.
  public private(set) var learnedGenerated = Scorecard()
  /// Verdicts of the learned judge on the renders.
  public private(set) var learnedRendered = Scorecard()
  /// Sharpness of the generated images, relative to their scenes' renders.
  public private(set) var sharpness = Sharpness()
  /// Sharpness of the reconstructed renders.
  public private(set) var reconstructionSharpness = Sharpness()
  /// The verdicts on each generated image, in the order of the scenes.
  public private(set) var images: [Judged] = []
  /// Denoising errors by timestep; empty if none were measured.
  public var denoising: [Denoising] = []
  private var readings: [ImageReading] = []

  enum CodingKeys: String, CodingKey {
    case model, modelHash, world, scenesVersion, seed, prompts, steps, generated, reconstructions, rendered, shuffled
    case learnedGenerated, learnedRendered, sharpness, reconstructionSharpness, images, denoising
  }

  /// An empty report for a model and its prompts.
  public init(
    model: String, modelHash: String, world: World, version: RenderingVersion, seed: UInt64, prompts: Int, steps: Int
  ) {
    self.model = model
    self.modelHash = modelHash
    self.world = world
    scenesVersion = version.rawValue
    self.seed = seed
    self.prompts = prompts
    self.steps = steps
  }

  /// The first scenes of a seed with a held-out combination and without a look: looks are not judged.
  public static func scenes(world: World, seed: UInt64, count: Int) -> [CaptionedScene] {
    let source = Scenes(seed: seed, split: .heldOut, world: world)
    var scenes: [CaptionedScene] = []
    var index = 0
    while scenes.count < count {
      let scene = source[index]
      if scene.scene.look == .flat { scenes.append(scene) }
      index += 1
    }
    return scenes
  }

  /// Adds the readings of a scene's generated image, of its render and of the reconstructed render; the first two also by
  /// the learned judge, if there is one.
  public mutating func add(
    _ scene: CaptionedScene, generated image: ImageReading, rendered render: ImageReading, reconstructed: ImageReading?,
    learned: (generated: ImageReading, rendered: ImageReading)? = nil
  ) {
    let verdicts = Judge.judge(image, against: scene)
    let others = learned.map { Judge.judge($0.generated, against: scene) }
    images.append(Judged(prompt: scene.caption, verdicts: verdicts, learned: others))
    learnedGenerated.add(others ?? [])
    if let learned { learnedRendered.add(Judge.judge(learned.rendered, against: scene)) }
    generated.add(verdicts)
    rendered.add(Judge.judge(render, against: scene))
    if let reconstructed { reconstructions.add(Judge.judge(reconstructed, against: scene)) }
    readings.append(image)
  }

  /// Adds the sharpness of a generated image and of a reconstructed render.
  public mutating func add(generated: SharpnessSample, reconstruction: SharpnessSample) {
    sharpness.add(generated)
    reconstructionSharpness.add(reconstruction)
  }

  /// Judges every image against the prompt half the list away.
  public mutating func shuffle(_ scenes: [CaptionedScene]) {
    guard scenes.count > 1, readings.count == scenes.count else { return }
    for (index, scene) in scenes.enumerated() {
      shuffled.add(Judge.judge(readings[(index + (scenes.count + 1) / 2) % scenes.count], against: scene))
    }
  }

  /// The report as JSON.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// The agreement of the judges on whether all facts of an image are right.
  public var agreement: Agreement? {
    let pairs = images.compactMap { image in
      image.learned.map { (image.verdicts.allSatisfy(\.isRight), $0.allSatisfy(\.isRight)) }
    }
    return pairs.isEmpty ? nil : Agreement(pairs)
  }

  /// The report as text, without aspects that no prompt states.
  public var table: String {
    func percent(_ value: Double) -> String { String(format: "%5.1f", 100 * value) }
    let agreement = agreement
    func row(_ aspect: Judge.Aspect) -> String {
      let tally = generated[aspect]
      let interval = "(\(percent(tally.interval.lowerBound))–\(percent(tally.interval.upperBound)))"
      let others = [reconstructions, rendered, shuffled].map { percent($0[aspect].share) }
      let learned = [learnedGenerated, learnedRendered].map { percent($0[aspect].share) }
      let name = aspect.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
      return
        "\(name) \(percent(tally.share)) \(interval)   \(others[0])          \(others[1])    \(others[2])     "
        + (agreement == nil ? "" : "\(learned[0])              \(learned[1])    ") + "\(tally.count)"
    }
    let head =
      "% right   generated (95 % int.)  reconstructed  renders  shuffled  "
      + (agreement == nil ? "" : "learned: generated  renders  ") + "facts"
    let rows = Judge.Aspect.allCases.filter { generated[$0].count > 0 }.map(row)
    let sentence = agreement?.sentence ?? Agreement.none(in: world)
    return ([head] + rows + sharpnessLines + ["", sentence] + denoisingLines).joined(separator: "\n")
  }

  private var sharpnessLines: [String] {
    guard sharpness.values.counts.sharpness > 0 else { return [] }
    return [""]
      + TextTable.lines(
        Sharpness.Values.table([
          ("generated", sharpness.values), ("reconstructions", reconstructionSharpness.values),
        ]))
  }

  private var denoisingLines: [String] {
    if denoising.isEmpty { return [] }
    func line(_ name: String, _ values: [String]) -> String {
      ([name.padding(toLength: 20, withPad: " ", startingAt: 0)]
        + values.map { String(repeating: " ", count: max(1, 7 - $0.count)) + $0 }).joined()
    }
    func numbers(_ value: (Denoising) -> Double) -> [String] { denoising.map { String(format: "%.4f", value($0)) } }
    return [
      "", line("denoising, timestep", denoising.map { String($0.timestep) }),
      line("error, own caption", numbers(\.own)),
      line("another caption", numbers(\.other)),
    ]
  }
}
