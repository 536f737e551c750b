import Support

/// What a collection holds more of than its world draws by itself: kinds of scenes (two objects are what models confuse
/// longest), captions that state every fact, and objects that a model draws badly.
///
/// The rest is drawn as ever, and may be of these kinds too.
public struct SceneEmphasis: Sendable, Codable, Equatable {
  /// Share of scenes that hold two different objects, whatever they are.
  public var pairs: Double
  /// Share of scenes that hold two shapes, each in a color that captions say.
  public var shapePairs: Double
  /// Share of captions that state every fact; nil is the world's own.
  public var fullCaptions: Double?
  /// Share of captions of two things side by side that say no more of them, as in "a cat and a purple star"; nil leaves
  /// that to the grammar, in which it is rare.
  public var plainPairs: Double?
  /// How often each object is drawn; nil is equally often.
  public var samplingWeights: SamplingWeights?

  /// No emphasis: the world's own shares and equally frequent objects.
  public static let none = SceneEmphasis()

  /// Shares of 0 to 1, those of pairs together at most 1.
  public init(
    pairs: Double = 0, shapePairs: Double = 0, fullCaptions: Double? = nil, plainPairs: Double? = nil,
    samplingWeights: SamplingWeights? = nil
  ) {
    precondition(pairs >= 0 && shapePairs >= 0 && pairs + shapePairs <= 1, "shares of a whole")
    precondition((fullCaptions.map((0...1).contains) ?? true) && (plainPairs.map((0...1).contains) ?? true), "shares")
    self.pairs = pairs
    self.shapePairs = shapePairs
    self.fullCaptions = fullCaptions
    self.plainPairs = plainPairs
    self.samplingWeights = samplingWeights
  }

  /// In words, for what names data; empty where nothing is emphasized.
  public var name: String {
    let kinds = pairs + shapePairs == 0 ? "" : " with \(pairs) pairs and \(shapePairs) pairs of shapes more"
    return kinds + (fullCaptions.map { ", \($0) full captions" } ?? "")
      + (plainPairs.map { ", \($0) plain pairs" } ?? "")
      + (samplingWeights.map { ", need \($0.digest)" } ?? "")
  }

  /// What a scene must be.
  enum Wanted {
    case any, pair, shapePair

    /// Whether a scene is that.
    func allows(_ scene: Scene) -> Bool {
      switch self {
      case .any: true
      case .pair: scene.isPair
      case .shapePair: scene.isPair && scene.look.showsColors && scene.objects.allSatisfy(\.object.isShape)
      }
    }
  }

  /// What the next scene must be: anything, most often.
  ///
  /// Nothing random is drawn where nothing is emphasized, so that those scenes are what they were.
  func draw(_ random: inout SplitMix64) -> Wanted {
    if pairs + shapePairs == 0 { return .any }
    let chance = random.unit()
    if chance < shapePairs { return .shapePair }
    return chance < shapePairs + pairs ? .pair : .any
  }
}

extension Scene {
  /// Whether the scene holds two different objects.
  fileprivate var isPair: Bool { objects.count == 2 && !isGroup }
}

extension SceneObject {
  fileprivate var isShape: Bool {
    if case .shape = self { true } else { false }
  }
}
