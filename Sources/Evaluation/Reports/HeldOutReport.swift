import Foundation
import Scenes

/// The verdicts on prompts with a combination that training never saw, fact by fact.
public struct HeldOutReport: Sendable, Encodable {
  /// One drawn picture.
  public struct Judged: Sendable, Encodable {
    public let prompt: String
    public let verdicts: [Judge.Verdict]
    public let learnt: [Judge.Verdict]?  // the learnt judge's, of the same facts
  }

  /// How far the model's estimates of the renders' latents are off at a noise level: mean squares, of variance 1.
  public struct Denoising: Sendable, Encodable {
    public let timestep: Int
    public let own: Double  // under the picture's caption
    public let other: Double  // under another's

    public init(timestep: Int, own: Double, other: Double) {
      self.timestep = timestep
      self.own = own
      self.other = other
    }
  }

  public let model: String
  public let modelHash: String
  public let world: World
  public let scenesVersion: Int  // of the renderer
  public let seed: UInt64
  public let prompts: Int
  public let steps: Int
  public private(set) var drawn = Scorecard()
  public private(set) var autoencoded = Scorecard()
  public private(set) var rendered = Scorecard()
  public private(set) var shuffled = Scorecard()
  public private(set) var learntDrawn = Scorecard()
  public private(set) var learntRendered = Scorecard()
  public private(set) var sharpness = Sharpness()  // of drawn pictures beside their scenes' renders
  public private(set) var reconstructionSharpness = Sharpness()  // of encoded and decoded renders
  public private(set) var pictures: [Judged] = []
  public var denoising: [Denoising] = []
  private var readings: [PictureReading] = []

  enum CodingKeys: String, CodingKey {
    case model, modelHash, world, scenesVersion, seed, prompts, steps, drawn, autoencoded, rendered, shuffled
    case learntDrawn, learntRendered, sharpness, reconstructionSharpness, pictures, denoising
  }

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

  /// The first scenes of a seed that have a held-out combination and no look: looks are not judged.
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

  /// Adds a scene's pictures as the judge read them: drawn, the render, and what encoding leaves of it; the first two
  /// also as the learnt judge did, where there is one.
  public mutating func add(
    _ scene: CaptionedScene, drawn picture: PictureReading, rendered render: PictureReading, copied: PictureReading?,
    learnt: (drawn: PictureReading, rendered: PictureReading)? = nil
  ) {
    let verdicts = Judge.judge(picture, against: scene)
    let others = learnt.map { Judge.judge($0.drawn, against: scene) }
    pictures.append(Judged(prompt: scene.caption, verdicts: verdicts, learnt: others))
    learntDrawn.add(others ?? [])
    if let learnt { learntRendered.add(Judge.judge(learnt.rendered, against: scene)) }
    drawn.add(verdicts)
    rendered.add(Judge.judge(render, against: scene))
    if let copied { autoencoded.add(Judge.judge(copied, against: scene)) }
    readings.append(picture)
  }

  /// Adds how sharp a drawn picture is, and what encoding leaves of its render.
  public mutating func add(drawn: SharpnessSample, reconstruction: SharpnessSample) {
    sharpness.add(drawn)
    reconstructionSharpness.add(reconstruction)
  }

  /// Judges every picture against the prompt half the list away, so that none meets its own.
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

  /// On how many pictures the judges agree that all facts are right, or not all.
  public var agreement: Agreement? {
    let pairs = pictures.compactMap { picture in
      picture.learnt.map { (picture.verdicts.allSatisfy(\.isRight), $0.allSatisfy(\.isRight)) }
    }
    return pairs.isEmpty ? nil : Agreement(pairs)
  }

  /// The scores as people read them; aspects that no prompt asked for are left out.
  public var table: String {
    func percent(_ value: Double) -> String { String(format: "%5.1f", 100 * value) }
    let agreement = agreement
    func row(_ aspect: Judge.Aspect) -> String {
      let tally = drawn[aspect]
      let interval = "(\(percent(tally.interval.lowerBound))–\(percent(tally.interval.upperBound)))"
      let others = [autoencoded, rendered, shuffled].map { percent($0[aspect].share) }
      let learnt = [learntDrawn, learntRendered].map { percent($0[aspect].share) }
      let name = aspect.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
      return
        "\(name) \(percent(tally.share)) \(interval)   \(others[0])          \(others[1])    \(others[2])     "
        + (agreement == nil ? "" : "\(learnt[0])          \(learnt[1])    ") + "\(tally.count)"
    }
    let head =
      "% right   drawn (95 % interval)  encode-decode  renders  shuffled  "
      + (agreement == nil ? "" : "learnt: drawn  renders  ") + "facts"
    let rows = Judge.Aspect.allCases.filter { drawn[$0].count > 0 }.map(row)
    let sentence = agreement?.sentence ?? Agreement.none(in: world)
    return ([head] + rows + sharpnessLines + ["", sentence] + denoisingLines).joined(separator: "\n")
  }

  private var sharpnessLines: [String] {
    guard sharpness.values.counts.sharpness > 0 else { return [] }
    return [""]
      + TextTable.lines(
        Sharpness.Values.table([
          ("drawn", sharpness.values), ("encode-decode", reconstructionSharpness.values),
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
      "", line("denoising, time", denoising.map { String($0.timestep) }), line("error, own caption", numbers(\.own)),
      line("another's", numbers(\.other)),
    ]
  }
}
