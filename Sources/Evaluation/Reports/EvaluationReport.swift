import Foundation
import Scenes

/// What an evaluation found: every verdict, and the numbers made of them.
public struct EvaluationReport: Sendable, Codable {
  /// What was evaluated and how; enough to do it again.
  public struct Settings: Sendable, Codable {
    public var version: String  // of Flux
    public var model: String?  // nil where renders were judged instead of a model
    public var modelHash: String?
    public var seed: UInt64
    public var seeds: Int
    public var quick: Bool
    public var steps: Int?
    public var sampler: String?
    public var guidance: Double?
    public var guidanceRescale: Double?
    public var fast: String?  // hash of the few-step student that drew
    public var learntJudge: String?  // hash of its weights and configuration
    public var scenesVersion: Int?  // of the renderer

    public init(
      version: String, model: String?, modelHash: String?, seed: UInt64, seeds: Int, quick: Bool, steps: Int?,
      sampler: String?, guidance: Double?, guidanceRescale: Double?, fast: String? = nil,
      learntJudge: String? = nil, scenesVersion: Int? = nil
    ) {
      self.version = version
      self.model = model
      self.modelHash = modelHash
      self.seed = seed
      self.seeds = seeds
      self.quick = quick
      self.steps = steps
      self.sampler = sampler
      self.guidance = guidance
      self.guidanceRescale = guidanceRescale
      self.fast = fast
      self.learntJudge = learntJudge
      self.scenesVersion = scenesVersion
    }
  }

  /// Whether a prompt is one of the six categories' or says one of them in other words.
  public enum Kind: String, Sendable, Codable {
    case plain, paraphrase
  }

  /// What the learnt judge says of a picture.
  public struct Opinion: Sendable, Codable {
    public let isRight: Bool
    public let found: String

    init(_ reading: PictureReading, of prompt: EvaluationPrompt) {
      isRight = Judge.isRight(reading, for: prompt)
      found = reading.summary
    }
  }

  /// One picture and the verdict on it.
  public struct Judged: Sendable, Codable {
    public let kind: Kind
    public let category: PromptCategory
    public let index: Int  // of the prompt, for a paraphrase of the prompt that states the same
    public let prompt: String
    public let seed: UInt64
    public let isRight: Bool
    public let found: String
    public let learnt: Opinion?
  }

  /// Shares of pictures that are right, of one category.
  public struct Score: Sendable, Codable {
    public let category: PromptCategory
    public var drawn = Scorecard.Tally()
    public var copies = Scorecard.Tally()  // of renders, encoded and decoded
    public var renders = Scorecard.Tally()
    public var shuffled = Scorecard.Tally()  // drawn pictures against another prompt of the category
    public var learntDrawn = Scorecard.Tally()  // as the learnt judge sees them
    public var learntRenders = Scorecard.Tally()
    public var sharpness: Sharpness.Values?  // of the drawn pictures beside the prompts' renders
  }

  /// Distances between pictures by their features.
  public struct Measures: Sendable, Codable {
    /// How many training scenes the nearest is looked for in.
    public var neighbours = 0
    public var withinPrompts: Double?  // mean between pictures of one prompt
    public var betweenPrompts: Double?  // mean between pictures of different prompts
    public var nearestOfDrawn: Double?  // median distance to the nearest training scene
    public var nearestOfRenders: Double?
    public var nearestOfHeldOut: Double?
    public var frechetOfDrawn: Double?  // from the renders of the same prompts
    public var frechetOfCopies: Double?
    public var frechetOfRenders: Double?  // other renders of the same categories
  }

  /// A share with its 95 % interval.
  public struct Share: Sendable, Codable {
    public var value: Double
    public var low: Double
    public var high: Double
  }

  public let settings: Settings
  public let world: World
  public internal(set) var overall = Share(value: 0, low: 0, high: 1)  // mean over the categories; by bootstrap
  public internal(set) var scores: [Score]
  public internal(set) var paraphrased = Scorecard.Tally()
  public internal(set) var samePlain = Scorecard.Tally()  // the pictures of the prompts that were paraphrased
  public internal(set) var fidelity: Fidelity?
  public internal(set) var sharpness: Sharpness.Values?  // of all drawn pictures but the paraphrases'
  public internal(set) var reconstructionSharpness: Sharpness.Values?  // of encoded and decoded renders
  public internal(set) var measures = Measures()
  public internal(set) var agreement: Agreement?  // of the two judges on all drawn pictures
  public internal(set) var objects: [String: Scorecard.Tally] = [:]  // by noun: pictures that asked for it and show it
  public internal(set) var pictures: [Judged] = []

  init(settings: Settings, world: World) {
    self.settings = settings
    self.world = world
    scores = PromptSet.categories(of: world).map { Score(category: $0) }
  }

  /// What a picture that was not drawn by the model is.
  enum Frame {
    case renders, copies, learntRenders
  }

  mutating func note(_ reading: PictureReading, of prompt: EvaluationPrompt, as frame: Frame) {
    guard let score = scores.firstIndex(where: { $0.category == prompt.category }) else { return }
    let isRight = Judge.isRight(reading, for: prompt)
    switch frame {
    case .renders: scores[score].renders.add(isRight)
    case .copies: scores[score].copies.add(isRight)
    case .learntRenders: scores[score].learntRenders.add(isRight)
    }
  }

  /// Counts the objects of a drawn picture's prompt, each kind once, as shown or not.
  mutating func noteObjects(_ reading: PictureReading, of prompt: EvaluationPrompt) {
    for object in Set(prompt.scene.objects.map(\.object)) {
      objects[object.noun, default: Scorecard.Tally()].add(reading.found.contains { $0.object.noun == object.noun })
    }
  }

  /// How much the model needs to see each object.
  public var need: ObjectNeed { ObjectNeed(world: world, shown: objects.mapValues { ($0.right, $0.count) }) }

  mutating func note(_ drawn: [PromptCategory: Sharpness], reconstructions: Sharpness?) {
    var all = Sharpness()
    for index in scores.indices {
      guard let sharpness = drawn[scores[index].category] else { continue }
      scores[index].sharpness = sharpness.values
      all.add(sharpness)
    }
    sharpness = all.values
    reconstructionSharpness = reconstructions?.values
  }

  /// Judges every picture against a prompt half its category away.
  mutating func shuffle(_ readings: [[PictureReading]], _ prompts: [EvaluationPrompt]) {
    for index in scores.indices {
      let mine = prompts.indices.filter { prompts[$0].category == scores[index].category }
      guard mine.count > 1 else { continue }
      for (position, prompt) in mine.enumerated() {
        let other = prompts[mine[(position + (mine.count + 1) / 2) % mine.count]]
        for reading in readings[prompt] { scores[index].shuffled.add(Judge.isRight(reading, for: other)) }
      }
    }
  }

  /// Adds up the verdicts.
  mutating func finish() {
    var shares: [[Double]] = []
    for index in scores.indices {
      let mine = pictures.filter { $0.kind == .plain && $0.category == scores[index].category }
      for picture in mine {
        scores[index].drawn.add(picture.isRight)
        if let opinion = picture.learnt { scores[index].learntDrawn.add(opinion.isRight) }
      }
      let prompts = Dictionary(grouping: mine, by: \.index).sorted { $0.key < $1.key }
      shares.append(prompts.map { Double($0.value.filter(\.isRight).count) / Double($0.value.count) })
    }
    let interval = Bootstrap.interval(shares)
    overall = Share(
      value: scores.reduce(0) { $0 + $1.drawn.share } / Double(scores.count), low: interval.lowerBound,
      high: interval.upperBound)
    let pairs = pictures.compactMap { picture in picture.learnt.map { (picture.isRight, $0.isRight) } }
    if !pairs.isEmpty { agreement = Agreement(pairs) }
    let other = pictures.filter { $0.kind == .paraphrase }
    let indices = Set(other.map(\.index))
    for picture in other { paraphrased.add(picture.isRight) }
    for picture in pictures where picture.kind == .plain && indices.contains(picture.index) {
      samePlain.add(picture.isRight)
    }
  }

  /// The whole report as JSON.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
