import Support

/// Which scenes a collection holds more of than its world draws by itself: two objects are what models confuse longest.
///
/// The rest is drawn as ever, and may be of these kinds too.
public struct SceneEmphasis: Sendable, Codable, Equatable {
  /// Share of scenes that hold two different objects, whatever they are.
  public var pairs: Double
  /// Share of scenes that hold two shapes, each in a colour that captions say.
  public var shapePairs: Double

  public static let none = SceneEmphasis()

  /// Shares of 0 to 1, together at most 1.
  public init(pairs: Double = 0, shapePairs: Double = 0) {
    precondition(pairs >= 0 && shapePairs >= 0 && pairs + shapePairs <= 1, "shares of a whole")
    self.pairs = pairs
    self.shapePairs = shapePairs
  }

  /// In words, for what names data; empty where nothing is emphasised.
  public var name: String {
    self == .none ? "" : " with \(pairs) pairs and \(shapePairs) pairs of shapes more"
  }

  /// What a scene must be like: anything, most often.
  ///
  /// Nothing random is drawn where nothing is emphasised, so that those scenes are what they were.
  func draw(_ random: inout SplitMix64) -> (Scene) -> Bool {
    if self == .none { return { _ in true } }
    let chance = random.unit()
    if chance < shapePairs { return { $0.isPair && $0.look.showsColours && $0.objects.allSatisfy(\.object.isShape) } }
    return chance < shapePairs + pairs ? { $0.isPair } : { _ in true }
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
