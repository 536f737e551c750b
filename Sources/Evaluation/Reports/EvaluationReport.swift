import Foundation
import Scenes

/// The results of an evaluation: all verdicts and the metrics computed from them.
public struct EvaluationReport: Sendable, Codable {
  /// The settings of the evaluation, sufficient to repeat it.
  public struct Settings: Sendable, Codable {
    public var version: String  // of Flux
    public var model: String?  // nil if renders were judged instead of a model
    public var modelHash: String?
    public var seed: UInt64
    public var seeds: Int
    public var quick: Bool
    public var steps: Int?
    public var sampler: String?
    public var guidance: Double?
    public var guidanceRescale: Double?
    public var fast: String?  // hash of the few-step student, if one was used
    public var learnedJudge: String?  // hash of its weights and configuration
    public var scenesVersion: Int?  // of the renderer

    public init(
      version: String, model: String?, modelHash: String?, seed: UInt64, seeds: Int, quick: Bool, steps: Int?,
      sampler: String?, guidance: Double?, guidanceRescale: Double?, fast: String? = nil,
      learnedJudge: String? = nil, scenesVersion: Int? = nil
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
      self.learnedJudge = learnedJudge
      self.scenesVersion = scenesVersion
    }
  }

  /// Whether a prompt is a plain one or a paraphrase.
  public enum Kind: String, Sendable, Codable {
    case plain, paraphrase
  }

  /// The verdict of the learned judge on an image.
  public struct Opinion: Sendable, Codable {
    public let isRight: Bool
    public let found: String

    init(_ reading: ImageReading, of prompt: EvaluationPrompt) {
      isRight = Judge.isRight(reading, for: prompt)
      found = reading.summary
    }
  }

  /// One image and the verdict on it.
  public struct Judged: Sendable, Codable {
    public let kind: Kind
    public let category: PromptCategory
    public let index: Int  // of the prompt; for a paraphrase, of the plain prompt
    public let prompt: String
    public let seed: UInt64
    public let isRight: Bool
    public let found: String
    public let learned: Opinion?
  }

  /// The shares of correct images in one category.
  public struct Score: Sendable, Codable {
    public let category: PromptCategory
    public var generated = Scorecard.Tally()
    public var reconstructions = Scorecard.Tally()  // of renders, encoded and decoded
    public var renders = Scorecard.Tally()
    public var shuffled = Scorecard.Tally()  // generated images judged against another prompt of the category
    public var learnedGenerated = Scorecard.Tally()  // by the learned judge
    public var learnedRenders = Scorecard.Tally()
    public var sharpness: Sharpness.Values?  // of the generated images, relative to the prompts' renders
  }

  /// Distances between images by their features.
  public struct Measures: Sendable, Codable {
    /// The number of training scenes in the nearest-neighbor search.
    public var neighbors = 0
    public var withinPrompts: Double?  // mean between images of one prompt
    public var betweenPrompts: Double?  // mean between images of different prompts
    public var nearestOfGenerated: Double?  // median distance to the nearest training scene
    public var nearestOfRenders: Double?
    public var nearestOfHeldOut: Double?
    public var frechetOfGenerated: Double?  // from the renders of the same prompts
    public var frechetOfReconstructions: Double?
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
  public internal(set) var samePlain = Scorecard.Tally()  // the images of the prompts that were paraphrased
  public internal(set) var fidelity: Fidelity?
  public internal(set) var sharpness: Sharpness.Values?  // of all generated images, without paraphrases
  public internal(set) var reconstructionSharpness: Sharpness.Values?  // of encoded and decoded renders
  public internal(set) var measures = Measures()
  public internal(set) var agreement: Agreement?  // of the two judges on all generated images
  public internal(set) var objects: [String: Scorecard.Tally] = [:]  // by noun: asked for, and shown
  public internal(set) var images: [Judged] = []

  init(settings: Settings, world: World) {
    self.settings = settings
    self.world = world
    scores = PromptSet.categories(of: world).map { Score(category: $0) }
  }

  /// The kinds of images that were not generated from prompts.
  enum Frame {
    case renders, reconstructions, learnedRenders
  }

  mutating func note(_ reading: ImageReading, of prompt: EvaluationPrompt, as frame: Frame) {
    guard let score = scores.firstIndex(where: { $0.category == prompt.category }) else { return }
    let isRight = Judge.isRight(reading, for: prompt)
    switch frame {
    case .renders: scores[score].renders.add(isRight)
    case .reconstructions: scores[score].reconstructions.add(isRight)
    case .learnedRenders: scores[score].learnedRenders.add(isRight)
    }
  }

  /// Counts the objects of a generated image's prompt, each kind once, as shown or not.
  mutating func noteObjects(_ reading: ImageReading, of prompt: EvaluationPrompt) {
    for object in Set(prompt.scene.objects.map(\.object)) {
      objects[object.noun, default: Scorecard.Tally()].add(reading.found.contains { $0.object.noun == object.noun })
    }
  }

  /// Sampling weights for training: higher for objects that the model often fails to show.
  public var samplingWeights: SamplingWeights {
    SamplingWeights(world: world, shown: objects.mapValues { ($0.right, $0.count) })
  }

  mutating func note(_ generated: [PromptCategory: Sharpness], reconstructions: Sharpness?) {
    var all = Sharpness()
    for index in scores.indices {
      guard let sharpness = generated[scores[index].category] else { continue }
      scores[index].sharpness = sharpness.values
      all.add(sharpness)
    }
    sharpness = all.values
    reconstructionSharpness = reconstructions?.values
  }

  /// Judges every image against the prompt half a category further.
  mutating func shuffle(_ readings: [[ImageReading]], _ prompts: [EvaluationPrompt]) {
    for index in scores.indices {
      let mine = prompts.indices.filter { prompts[$0].category == scores[index].category }
      guard mine.count > 1 else { continue }
      for (position, prompt) in mine.enumerated() {
        let other = prompts[mine[(position + (mine.count + 1) / 2) % mine.count]]
        for reading in readings[prompt] { scores[index].shuffled.add(Judge.isRight(reading, for: other)) }
      }
    }
  }

  /// Computes the scores from the verdicts.
  mutating func finish() {
    var shares: [[Double]] = []
    for index in scores.indices {
      let mine = images.filter { $0.kind == .plain && $0.category == scores[index].category }
      for image in mine {
        scores[index].generated.add(image.isRight)
        if let opinion = image.learned { scores[index].learnedGenerated.add(opinion.isRight) }
      }
      let prompts = Dictionary(grouping: mine, by: \.index).sorted { $0.key < $1.key }
      shares.append(prompts.map { Double($0.value.filter(\.isRight).count) / Double($0.value.count) })
    }
    let interval = Bootstrap.interval(shares)
    overall = Share(
      value: scores.reduce(0) { $0 + $1.generated.share } / Double(scores.count), low: interval.lowerBound,
      high: interval.upperBound)
    let pairs = images.compactMap { image in image.learned.map { (image.isRight, $0.isRight) } }
    if !pairs.isEmpty { agreement = Agreement(pairs) }
    let other = images.filter { $0.kind == .paraphrase }
    let indices = Set(other.map(\.index))
    for image in other { paraphrased.add(image.isRight) }
    for image in images where image.kind == .plain && indices.contains(image.index) {
      samePlain.add(image.isRight)
    }
  }

  /// The whole report as JSON.
  public func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }
}
