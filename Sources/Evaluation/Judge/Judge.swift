import Images
import Scenes

/// Compares what a picture shows with the facts that its caption states.
///
/// There are two, with one set of rules. The first reads with pixels and templates alone: it learns nothing. The second
/// is learnt from renders (`LearntReader`). Neither shares anything with a model.
public struct Judge {
  /// What a verdict is about.
  public enum Aspect: String, Sendable, Codable, CaseIterable {
    case colour  // the background, and the colours of shapes
    case object  // each object: the likest of the whole vocabulary
    case place  // the field that one object stands in, or how two stand to each other
    case count  // how many there are of one kind
  }

  /// One fact that was asked for, and whether the picture shows it.
  public struct Verdict: Sendable, Codable, Equatable {
    public let aspect: Aspect
    public let expected: String
    public let found: String
    public var isRight: Bool { expected == found }
  }

  private let reader: any SceneReader

  /// The one that learns nothing.
  public init(atlas: GlyphAtlas) { reader = PictureReader(atlas: atlas) }

  /// The one that reads with a trained detector.
  public init(_ reader: LearntReader) { self.reader = reader }

  /// The world whose objects it knows.
  public var world: World { reader.world }

  /// What a square RGB picture shows whose side is a multiple of 128.
  public func read(_ image: Image) -> PictureReading { reader.read(image) }

  /// The verdicts on a picture, fact by fact.
  public func judge(_ image: Image, against expected: CaptionedScene) -> [Verdict] {
    Self.judge(read(image), against: expected)
  }

  /// The verdicts on a picture that has been read.
  ///
  /// Objects that were not asked for are not held against it, unless it was asked how many there are. Arrangements of
  /// three and looks are not judged.
  public static func judge(_ reading: PictureReading, against expected: CaptionedScene) -> [Verdict] {
    let (scene, claims) = (expected.scene, expected.claims)
    var verdicts: [Verdict] = []
    if claims.background {
      verdicts.append(Verdict(aspect: .colour, expected: scene.background.label, found: reading.background))
    }
    let kinds = scene.isGroup ? [scene.objects[0].object] : scene.objects.map(\.object)
    let assigned = assign(reading.found, to: kinds)
    for (object, found) in zip(kinds, assigned) {
      verdicts.append(Verdict(aspect: .object, expected: object.noun, found: found?.object.noun ?? "nothing"))
      if case .shape(_, let colour) = object, claims.colours {
        verdicts.append(Verdict(aspect: .colour, expected: colour.rawValue, found: found?.paint.rawValue ?? "none"))
      }
    }
    if scene.isGroup {
      let count = reading.found.filter { $0.object.noun == kinds[0].noun }.count
      verdicts.append(Verdict(aspect: .count, expected: String(scene.objects.count), found: String(count)))
    }
    if claims.place { verdicts += place(scene, assigned, side: Double(reading.side)) }
    return verdicts
  }

  /// Which part stands for which object: of the first parts the pairing that looks more alike.
  private static func assign(_ found: [PictureReading.Found], to objects: [SceneObject]) -> [PictureReading.Found?] {
    guard objects.count > 1, !found.isEmpty else {
      return objects.indices.map { found.indices ~= $0 ? found[$0] : nil }
    }
    let parts = objects.indices.map { found.indices ~= $0 ? found[$0] : nil }
    func likeness(_ order: [Int]) -> Float {
      zip(objects, order).reduce(0) { $0 + (parts[$1.1]?.likeness($1.0) ?? -1) }
    }
    let orders = orders(of: Array(objects.indices)).map { ($0, likeness($0)) }
    // The first of equals, so that the order does not depend on how orders are made.
    var best = orders[0]
    for order in orders where order.1 > best.1 { best = order }
    return best.0.map { parts[$0] }
  }

  private static func orders(of items: [Int]) -> [[Int]] {
    guard items.count > 1 else { return [items] }
    return items.flatMap { first in orders(of: items.filter { $0 != first }).map { [first] + $0 } }
  }

  private static func place(_ scene: Scene, _ found: [PictureReading.Found?], side: Double) -> [Verdict] {
    if let place = scene.place {
      let seen = found[0].map { part in
        let (x, y) = (part.segment.centre.x / side, part.segment.centre.y / side)
        func miss(_ place: Scene.Place) -> Double { abs(place.centre.x - x) + abs(place.centre.y - y) }
        return Scene.Place.allCases.min { miss($0) < miss($1) }?.rawValue ?? ""
      }
      return [Verdict(aspect: .place, expected: place.rawValue, found: seen ?? "nothing")]
    }
    guard let relation = scene.relation else { return [] }
    guard let first = found[0]?.segment.centre, let second = found[1]?.segment.centre else {
      return [Verdict(aspect: .place, expected: relation.rawValue, found: "one object")]
    }
    let (dx, dy) = (first.x - second.x, first.y - second.y)
    let seen: Scene.Relation = abs(dx) > abs(dy) ? (dx < 0 ? .leftOf : .rightOf) : (dy < 0 ? .above : .below)
    return [Verdict(aspect: .place, expected: relation.rawValue, found: seen.rawValue)]
  }
}

/// Whoever says what a picture shows, without knowing what was asked for.
public protocol SceneReader {
  /// The world whose objects it knows.
  var world: World { get }
  /// What a square RGB picture shows whose side is a multiple of 128.
  func read(_ image: Image) -> PictureReading
}
