import Images
import Scenes

/// Compares the contents of an image with the facts in its caption.
///
/// There are two judges with the same rules. The first uses only pixels and templates. The second is a detector trained
/// on renders (`LearnedReader`). Neither shares anything with a model.
public struct Judge {
  /// The subject of a verdict.
  public enum Aspect: String, Sendable, Codable, CaseIterable {
    /// The background, and the colors of shapes.
    case color
    /// Each object: the most similar of the whole vocabulary.
    case object
    /// The position of one object, or the relation of two.
    case place
    /// The number of objects of one kind.
    case count
  }

  /// One fact of the prompt, and whether the image shows it.
  public struct Verdict: Sendable, Codable, Equatable {
    /// The subject of the fact.
    public let aspect: Aspect
    /// The value in the prompt, such as `apple`, `red`, `leftOf` or `3`.
    public let expected: String
    /// The value in the image, in the same words, or a phrase such as `nothing` if there is none.
    public let found: String
    /// True if the image shows the fact.
    public var isRight: Bool { expected == found }
  }

  private let reader: any SceneReader

  /// The judge that uses templates.
  public init(atlas: GlyphAtlas) { reader = ImageReader(atlas: atlas) }

  /// The judge that uses a trained detector.
  public init(_ reader: LearnedReader) { self.reader = reader }

  /// The world whose objects it knows.
  public var world: World { reader.world }

  /// Reads a square RGB image whose side is a multiple of 128.
  public func read(_ image: Image) -> ImageReading { reader.read(image) }

  /// The verdicts on an image, fact by fact.
  public func judge(_ image: Image, against expected: CaptionedScene) -> [Verdict] {
    Self.judge(read(image), against: expected)
  }

  /// The verdicts on a reading of an image.
  ///
  /// Additional objects are not counted as errors, except in counts. Arrangements of three and looks are not judged.
  public static func judge(_ reading: ImageReading, against expected: CaptionedScene) -> [Verdict] {
    let (scene, claims) = (expected.scene, expected.claims)
    var verdicts: [Verdict] = []
    if claims.background {
      verdicts.append(Verdict(aspect: .color, expected: scene.background.label, found: reading.background))
    }
    let kinds = scene.isGroup ? [scene.objects[0].object] : scene.objects.map(\.object)
    let assigned = assign(reading.found, to: kinds)
    for (object, found) in zip(kinds, assigned) {
      verdicts.append(Verdict(aspect: .object, expected: object.noun, found: found?.object.noun ?? "nothing"))
      if case .shape(_, let color) = object, claims.colors {
        verdicts.append(Verdict(aspect: .color, expected: color.rawValue, found: found?.color.rawValue ?? "none"))
      }
    }
    if scene.isGroup {
      let count = reading.found.filter { $0.object.noun == kinds[0].noun }.count
      verdicts.append(Verdict(aspect: .count, expected: String(scene.objects.count), found: String(count)))
    }
    if claims.place { verdicts += place(scene, assigned, side: Double(reading.side)) }
    return verdicts
  }

  /// Assigns parts to objects: the most similar pairing of the first parts.
  private static func assign(_ found: [ImageReading.Found], to objects: [SceneObject]) -> [ImageReading.Found?] {
    guard objects.count > 1, !found.isEmpty else {
      return objects.indices.map { found.indices ~= $0 ? found[$0] : nil }
    }
    let parts = objects.indices.map { found.indices ~= $0 ? found[$0] : nil }
    func likeness(_ order: [Int]) -> Float {
      zip(objects, order).reduce(0) { $0 + (parts[$1.1]?.likeness($1.0) ?? -1) }
    }
    let orders = orders(of: Array(objects.indices)).map { ($0, likeness($0)) }
    // The first of equal ones, so that the result does not depend on the order of permutations.
    var best = orders[0]
    for order in orders where order.1 > best.1 { best = order }
    return best.0.map { parts[$0] }
  }

  private static func orders(of items: [Int]) -> [[Int]] {
    guard items.count > 1 else { return [items] }
    return items.flatMap { first in orders(of: items.filter { $0 != first }).map { [first] + $0 } }
  }

  private static func place(_ scene: Scene, _ found: [ImageReading.Found?], side: Double) -> [Verdict] {
    if let place = scene.place {
      let seen = found[0].map { part in
        let (x, y) = (part.segment.center.x / side, part.segment.center.y / side)
        func miss(_ place: Scene.Place) -> Double { abs(place.center.x - x) + abs(place.center.y - y) }
        return Scene.Place.allCases.min { miss($0) < miss($1) }?.rawValue ?? ""
      }
      return [Verdict(aspect: .place, expected: place.rawValue, found: seen ?? "nothing")]
    }
    guard let relation = scene.relation else { return [] }
    guard let first = found[0]?.segment.center, let second = found[1]?.segment.center else {
      return [Verdict(aspect: .place, expected: relation.rawValue, found: "one object")]
    }
    let (dx, dy) = (first.x - second.x, first.y - second.y)
    let seen: Scene.Relation = abs(dx) > abs(dy) ? (dx < 0 ? .leftOf : .rightOf) : (dy < 0 ? .above : .below)
    return [Verdict(aspect: .place, expected: relation.rawValue, found: seen.rawValue)]
  }
}

/// Reads the contents of an image without knowing the prompt.
public protocol SceneReader {
  /// The world whose objects it knows.
  var world: World { get }
  /// Reads a square RGB image whose side is a multiple of 128.
  func read(_ image: Image) -> ImageReading
}
