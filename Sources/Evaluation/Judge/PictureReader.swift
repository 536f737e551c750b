import Images
import Scenes

/// What a picture shows, read without knowing what was asked for.
public struct PictureReading: Sendable {
  /// A part of the picture and what it looks like.
  public struct Found: Sendable {
    let segment: Segment
    let matches: [GlyphMatcher.Match]
    /// What it is painted in if it is a shape.
    let paint: ColourName

    var object: SceneObject { matches[0].object }
    var likeness: Float { matches[0].likeness }
    func likeness(_ object: SceneObject) -> Float { matches.first { $0.object == object }?.likeness ?? -1 }

    /// In words: "apple", "red circle".
    var label: String {
      switch object {
      case .emoji(let name): name
      case .shape(let shape, _): "\(paint.rawValue) \(shape.rawValue)"
      }
    }

    /// Whether it is the object that was asked for, shapes in the right colour.
    func isLike(_ asked: SceneObject) -> Bool {
      guard object.noun == asked.noun else { return false }
      guard case .shape(_, let colour) = asked else { return true }
      return paint == colour
    }
  }

  let background: String
  let found: [Found]  // what stands out most first
  let side: Int  // of the grid that segments are measured in

  /// Whether the background was taken for a plain one.
  public var isPlain: Bool { ColourName(rawValue: background) != nil }

  /// In words: "apple, red circle on blue".
  public var summary: String {
    (found.isEmpty ? "nothing" : found.map(\.label).joined(separator: ", ")) + " on \(background)"
  }
}

/// Reads pictures without having learnt anything: background, parts, what each part looks like.
struct PictureReader: SceneReader {
  let matcher: GlyphMatcher
  let backgrounds: KnownBackgrounds
  let world: World
  static let side = 128
  /// As many as any scene holds, and a few pieces more.
  private static let mostParts = 9

  init(atlas: GlyphAtlas) {
    matcher = GlyphMatcher(atlas: atlas)
    backgrounds = KnownBackgrounds(atlas: atlas, side: Self.side)
    world = atlas.world
  }

  /// Reads a square RGB picture whose side is a multiple of 128.
  func read(_ image: Image) -> PictureReading {
    let grid = PixelGrid(image, side: Self.side)
    let background = BackgroundReader(grid, known: backgrounds)
    // What hardly stands out, such as an egg on white, is looked for where nothing else is.
    var segments: [Segment] = []
    for threshold: Float in [34, 22, 13] where segments.isEmpty {
      segments = Segment.find(in: grid, background: background.grid, threshold: threshold)
    }
    var found = segments.prefix(Self.mostParts).flatMap {
      sharpen(read($0, grid, background.grid), grid, background.grid)
    }
    while let merged = merge(found, grid, background.grid) { found = merged }
    return PictureReading(
      background: background.label, found: found.sorted { $0.segment.area > $1.segment.area }, side: Self.side)
  }

  private func read(_ segment: Segment, _ grid: PixelGrid, _ background: PixelGrid) -> PictureReading.Found {
    var inside: [(pixel: SIMD3<Float>, distance: Float)] = []
    for y in segment.top...segment.bottom {
      for x in segment.left...segment.right {
        let distance = distance(grid[x, y], background[x, y])
        if distance > segment.threshold { inside.append((grid[x, y], distance)) }
      }
    }
    // The two thirds that stand out more: soft edges have the colour of what is behind.
    let core = inside.sorted { $0.distance > $1.distance }.prefix((2 * inside.count + 2) / 3)
    let median = PixelGrid.median(core.map(\.pixel))
    // Of the paints of shapes the one that is nearest.
    let paint = world.colours.min {
      distance(median, $0.shapeColour.vector) < distance(median, $1.shapeColour.vector)
    }
    return PictureReading.Found(
      segment: segment, matches: matcher.matches(segment, in: grid, background: background), paint: paint ?? .black)
  }

  /// The part as it is, or the pieces of it that look more like something.
  ///
  /// Halos join neighbours and widen boxes: pieces are what stands out more, or both sides of the emptiest line.
  private func sharpen(
    _ whole: PictureReading.Found, _ grid: PixelGrid, _ background: PixelGrid
  ) -> [PictureReading.Found] {
    var best = (likeness: whole.likeness + 0.02, parts: [whole])
    guard whole.likeness < 0.9 else { return best.parts }
    let candidates =
      [48, 66, 88].map { threshold in
        Segment.find(in: grid, background: background, threshold: threshold, gap: 1)
          .filter { whole.segment.contains($0) }.prefix(Self.mostParts).map { $0 }
      } + [true, false].map { whole.segment.halves(in: grid, background: background, alongX: $0) }
    for parts in candidates {
      // Half of it at least: a sunflower is no black disc.
      let area = parts.reduce(0) { $0 + $1.area }
      guard area * 2 > whole.segment.area else { continue }
      let read = parts.map { self.read($0, grid, background) }
      let likeness = read.reduce(0) { $0 + $1.likeness * Float($1.segment.area) } / Float(area)
      if likeness > best.likeness { best = (likeness, read) }
    }
    return best.parts
  }

  /// Joins the two parts that gain most in likeness by it, since an object may fall apart; nil when none gain.
  private func merge(
    _ found: [PictureReading.Found], _ grid: PixelGrid, _ background: PixelGrid
  ) -> [PictureReading.Found]? {
    var best: (gain: Float, pair: (Int, Int), whole: PictureReading.Found)?
    for i in found.indices {
      for j in found.indices where j > i {
        let (a, b) = (found[i], found[j])
        // Nothing that a world draws is larger than this, and no piece of it is surer of itself.
        let union = a.segment.union(b.segment)
        guard union.side * 4 < Self.side * 3, min(a.likeness, b.likeness) < 0.85 else { continue }
        let whole = read(union, grid, background)
        let areas = Float(a.segment.area + b.segment.area)
        let apart = (a.likeness * Float(a.segment.area) + b.likeness * Float(b.segment.area)) / areas
        let gain = whole.likeness - apart
        if gain > 0.02, gain > best?.gain ?? 0 { best = (gain, (i, j), whole) }
      }
    }
    guard let best else { return nil }
    return found.indices.filter { $0 != best.pair.0 && $0 != best.pair.1 }.map { found[$0] } + [best.whole]
  }
}
