import Data
import Raster

/// Compares a picture with the facts that its caption states, with pixels and templates alone: it learns nothing and
/// shares nothing with a model.
public struct Judge: Sendable {
  /// What a verdict is about.
  public enum Aspect: String, Sendable, Codable, CaseIterable {
    case colour  // the background, and the colours of shapes
    case object  // each object: the likest of the whole vocabulary
    case place  // the field that one object stands in, or how two stand to each other
  }

  /// One fact that was asked for, and whether the picture shows it.
  public struct Verdict: Sendable, Codable, Equatable {
    public let aspect: Aspect
    public let expected: String
    public let found: String
    public var isRight: Bool { expected == found }
  }

  private let matcher: GlyphMatcher
  private let world: World
  private static let side = 128

  public init(atlas: GlyphAtlas) {
    matcher = GlyphMatcher(atlas: atlas)
    world = atlas.world
  }

  /// The verdicts on a square RGB picture whose side is a multiple of 128.
  public func judge(_ image: Image, against expected: CaptionedScene) -> [Verdict] {
    let grid = PixelGrid(image, side: Self.side)
    let background = BackgroundReader(grid, world: world)
    var verdicts: [Verdict] = []
    if expected.claims.background {
      verdicts.append(
        Verdict(aspect: .colour, expected: expected.scene.background.label, found: background.label))
    }
    let segments = Segment.find(in: grid, background: background.rows)
    let objects = expected.scene.objects.map(\.object)
    let readings = readings(of: segments, count: objects.count, grid, background.rows)
    let assigned = Self.assign(readings, to: objects)
    for (object, reading) in zip(objects, assigned) {
      verdicts.append(
        Verdict(aspect: .object, expected: object.noun, found: reading?.matches[0].object.noun ?? "nothing"))
      if case .shape(_, let colour) = object {
        verdicts.append(Verdict(aspect: .colour, expected: colour.rawValue, found: reading?.colour.rawValue ?? "none"))
      }
    }
    if expected.claims.place { verdicts += place(expected.scene, assigned) }
    return verdicts
  }

  /// A part of the picture and what it looks like.
  private struct Reading {
    let segment: Segment
    let matches: [GlyphMatcher.Match]
    let colour: ColourName  // of a shape: the paint that is nearest to the part's median

    func likeness(_ object: SceneObject) -> Float { matches.first { $0.object == object }?.likeness ?? -1 }
  }

  private func readings(
    of segments: [Segment], count: Int, _ grid: PixelGrid, _ rows: [SIMD3<Float>]
  ) -> [Reading] {
    func read(_ segment: Segment) -> Reading {
      var inside: [SIMD3<Float>] = []
      for y in segment.top...segment.bottom {
        for x in segment.left...segment.right where distance(grid[x, y], rows[y]) > 34 { inside.append(grid[x, y]) }
      }
      let paint = PixelGrid.median(inside)
      let colour = world.colours.min {
        distance(paint, $0.shapeColour.vector) < distance(paint, $1.shapeColour.vector)
      }
      return Reading(
        segment: segment, matches: matcher.matches(segment, in: grid, background: rows), colour: colour ?? .black)
    }
    let largest = segments.prefix(count).map(read)
    // One object may fall apart; all parts together are it when they look more like something.
    guard count == 1, segments.count > 1, let first = largest.first else { return largest }
    let whole = read(segments.dropFirst().reduce(segments[0]) { $0.union($1) })
    return [whole.matches[0].likeness > first.matches[0].likeness ? whole : first]
  }

  /// Which part stands for which object: the pairing that looks more alike.
  private static func assign(_ readings: [Reading], to objects: [SceneObject]) -> [Reading?] {
    guard objects.count == 2, !readings.isEmpty else {
      return objects.indices.map { $0 < readings.count ? readings[$0] : nil }
    }
    let other = readings.count > 1 ? readings[1] : nil
    func score(_ a: Reading?, _ b: Reading?) -> Float {
      (a?.likeness(objects[0]) ?? -1) + (b?.likeness(objects[1]) ?? -1)
    }
    return score(readings[0], other) >= score(other, readings[0]) ? [readings[0], other] : [other, readings[0]]
  }

  private func place(_ scene: Scene, _ readings: [Reading?]) -> [Verdict] {
    if let place = scene.place {
      let found = readings[0].map { reading in
        let (x, y) = (reading.segment.centre.x / Double(Self.side), reading.segment.centre.y / Double(Self.side))
        func miss(_ place: Scene.Place) -> Double { abs(place.centre.x - x) + abs(place.centre.y - y) }
        return Scene.Place.allCases.min { miss($0) < miss($1) }?.rawValue ?? ""
      }
      return [Verdict(aspect: .place, expected: place.rawValue, found: found ?? "nothing")]
    }
    guard let relation = scene.relation else { return [] }
    guard let first = readings[0]?.segment.centre, let second = readings[1]?.segment.centre else {
      return [Verdict(aspect: .place, expected: relation.rawValue, found: "one object")]
    }
    let (dx, dy) = (first.x - second.x, first.y - second.y)
    let found: Scene.Relation = abs(dx) > abs(dy) ? (dx < 0 ? .leftOf : .rightOf) : (dy < 0 ? .above : .below)
    return [Verdict(aspect: .place, expected: relation.rawValue, found: found.rawValue)]
  }
}
