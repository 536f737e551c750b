import Foundation
import Scenes

/// The results of an evaluation: all verdicts and the metrics computed from them.
public struct EvaluationReport: Sendable, Codable {
  /// The settings of the evaluation, sufficient to repeat it.
  public struct Settings: Sendable, Codable {
    /// Version of Flux.
    public var version: String
    /// Name of the model; nil if renders were judged instead.
    public var model: String?
    /// `ModelSource.hash` of the model; nil for renders.
    public var modelHash: String?
    /// Seed of the prompts and of the first image.
    public var seed: UInt64
    /// Number of images per prompt.
    public var seeds: Int
    /// True if only a tenth of the prompts were used.
    public var quick: Bool
    /// Number of sampling steps; nil for renders.
    public var steps: Int?
    /// Name of the sampler; nil for renders.
    public var sampler: String?
    /// Guidance scale; nil for renders.
    public var guidance: Double?
    /// CFG rescale φ, 0…1; nil for renders.
    public var guidanceRescale: Double?
    /// Noise levels at which guidance applies; nil for all of them, and for renders.
    public var guidanceInterval: ClosedRange<Double>?
    /// Hash of the few-step student; nil if none was used.
    public var fast: String?
    /// Compute precision of the networks; nil for renders, and for float32 in reports of earlier versions.
    public var precision: String?
    /// SHA-256 of the learned judge's weights; nil if there was none.
    public var learnedJudge: String?
    /// Version of the renderer; nil if it was not recorded.
    public var scenesVersion: Int?

    /// Settings of an evaluation of a model, or of renders if `model` is nil.
    public init(
      version: String, model: String?, modelHash: String?, seed: UInt64, seeds: Int, quick: Bool, steps: Int?,
      sampler: String?, guidance: Double?, guidanceRescale: Double?,
      guidanceInterval: ClosedRange<Double>? = nil, fast: String? = nil, precision: String? = nil,
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
      self.guidanceInterval = guidanceInterval
      self.fast = fast
      self.precision = precision
      self.learnedJudge = learnedJudge
      self.scenesVersion = scenesVersion
    }
  }

  /// The wording of a prompt.
  public enum Kind: String, Sendable, Codable {
    /// Plain prompts, and those that state the same in other words.
    case plain, paraphrase
  }

  /// The verdict of the learned judge on an image.
  public struct Opinion: Sendable, Codable {
    /// True if the judge finds everything in the prompt.
    public let isRight: Bool
    /// The contents that the judge read: "apple, red circle on blue".
    public let found: String

    init(_ reading: ImageReading, of prompt: EvaluationPrompt) {
      isRight = Judge.isRight(reading, for: prompt)
      found = reading.summary
    }
  }

  /// One image and the verdict on it.
  public struct Judged: Sendable, Codable {
    /// The kind of the prompt.
    public let kind: Kind
    /// The category of the prompt.
    public let category: PromptCategory
    /// Index of the prompt; for a paraphrase, of the plain prompt.
    public let index: Int
    /// The text of the prompt.
    public let prompt: String
    /// Seed of the image; a paraphrase has that of its plain prompt.
    public let seed: UInt64
    /// True if the image shows everything in the prompt, by templates.
    public let isRight: Bool
    /// The contents that the judge read: "apple, red circle on blue".
    public let found: String
    /// The verdict of the learned judge; nil without one.
    public let learned: Opinion?
  }

  /// The shares of correct images in one category.
  public struct Score: Sendable, Codable {
    /// The category of the prompts.
    public let category: PromptCategory
    /// Generated images.
    public var generated = Scorecard.Tally()
    /// Renders after encoding and decoding.
    public var reconstructions = Scorecard.Tally()
    /// Renders, which measure the judge's own errors.
    public var renders = Scorecard.Tally()
    /// Generated images judged against another prompt of the category, which measures chance.
    public var shuffled = Scorecard.Tally()
    /// Generated images, by the learned judge.
    public var learnedGenerated = Scorecard.Tally()
    /// Renders, by the learned judge.
    public var learnedRenders = Scorecard.Tally()
    /// Sharpness of the generated images, relative to the prompts' renders.
    public var sharpness: Sharpness.Values?
  }

  /// Distances between images by their features.
  public struct Measures: Sendable, Codable {
    /// The number of training scenes in the nearest-neighbor search.
    public var neighbors = 0
    /// Mean distance between images of one prompt; nil with one image per prompt.
    public var withinPrompts: Double?
    /// Mean distance between images of different prompts.
    public var betweenPrompts: Double?
    /// Median distance from generated images to the nearest training scene.
    public var nearestOfGenerated: Double?
    /// Median distance from the prompts' renders to the nearest training scene.
    public var nearestOfRenders: Double?
    /// Median distance from held-out scenes to the nearest training scene.
    public var nearestOfHeldOut: Double?
    /// Fréchet distance of the generated images from the renders of the same prompts.
    public var frechetOfGenerated: Double?
    /// Fréchet distance of the reconstructed renders from the renders.
    public var frechetOfReconstructions: Double?
    /// Fréchet distance of other renders of the same categories from the renders.
    public var frechetOfRenders: Double?
  }

  /// A share with its 95 % interval.
  public struct Share: Sendable, Codable {
    /// The measured fraction, 0…1.
    public var value: Double
    /// Lower bound of the interval.
    public var low: Double
    /// Upper bound of the interval.
    public var high: Double
  }

  /// The settings of the evaluation.
  public let settings: Settings
  /// The world whose objects the prompts name.
  public let world: World
  /// Mean share of correct images over the categories that have images, with its interval by bootstrap.
  public internal(set) var overall = Share(value: 0, low: 0, high: 1)
  /// The shares of each category that the world has.
  public internal(set) var scores: [Score]
  /// Images of paraphrased prompts.
  public internal(set) var paraphrased = Scorecard.Tally()
  /// Images of the plain prompts that were paraphrased.
  public internal(set) var samePlain = Scorecard.Tally()
  /// Mean fidelity of the reconstructed renders; nil without an autoencoder.
  public internal(set) var fidelity: Fidelity?
  /// Sharpness of all generated images, without paraphrases.
  public internal(set) var sharpness: Sharpness.Values?
  /// Sharpness of the reconstructed renders; nil without an autoencoder.
  public internal(set) var reconstructionSharpness: Sharpness.Values?
  /// Distances between generated images, renders and training scenes.
  public internal(set) var measures = Measures()
  /// Agreement of the two judges on all generated images; nil without a learned judge.
  public internal(set) var agreement: Agreement?
  /// Objects by noun: how often prompts ask for one, and how often the image shows it.
  public internal(set) var objects: [String: Scorecard.Tally] = [:]
  /// The verdicts on all generated images, plain prompts first.
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
    let judged = scores.filter { $0.generated.count > 0 }
    overall = Share(
      value: judged.reduce(0) { $0 + $1.generated.share } / Double(max(1, judged.count)), low: interval.lowerBound,
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
