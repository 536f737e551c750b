import Images
import Scenes

/// The contents of an image, read without knowing the prompt.
public struct ImageReading: Sendable {
  /// A part of the image and its matches.
  public struct Found: Sendable {
    let segment: Segment
    let matches: [GlyphMatcher.Match]
    /// The nearest color, if it is a shape.
    let color: ColorName

    var object: SceneObject { matches[0].object }
    var likeness: Float { matches[0].likeness }
    func likeness(_ object: SceneObject) -> Float { matches.first { $0.object == object }?.likeness ?? -1 }

    /// A description: "apple", "red circle".
    var label: String {
      switch object {
      case .emoji(let name): name
      case .shape(let shape, _): "\(color.rawValue) \(shape.rawValue)"
      }
    }

    /// Whether it is the requested object; shapes must have the right color.
    func isLike(_ asked: SceneObject) -> Bool {
      guard object.noun == asked.noun else { return false }
      guard case .shape(_, let color) = asked else { return true }
      return self.color == color
    }
  }

  let background: String
  let found: [Found]  // most salient first
  let side: Int  // of the grid that segments are measured in

  /// Whether the background was read as a plain color.
  public var isPlain: Bool { ColorName(rawValue: background) != nil }

  /// A description: "apple, red circle on blue".
  public var summary: String {
    (found.isEmpty ? "nothing" : found.map(\.label).joined(separator: ", ")) + " on \(background)"
  }
}

/// Reads images by template matching: background, parts and the matches of each part.
struct ImageReader: SceneReader {
  let matcher: GlyphMatcher
  let backgrounds: KnownBackgrounds
  let world: World
  static let side = 128
  /// The maximum number of objects in a scene, plus a few fragments.
  private static let mostParts = 9

  init(atlas: GlyphAtlas) {
    matcher = GlyphMatcher(atlas: atlas)
    backgrounds = KnownBackgrounds(atlas: atlas, side: Self.side)
    world = atlas.world
  }

  /// Reads a square RGB image whose side is a multiple of 128.
  func read(_ image: Image) -> ImageReading {
    let grid = PixelGrid(image, side: Self.side)
    let background = BackgroundReader(grid, known: backgrounds)
    // Low-contrast objects, such as an egg on white, are searched for only if nothing else is found.
    var segments: [Segment] = []
    for threshold: Float in [34, 22, 13] where segments.isEmpty {
      segments = Segment.find(in: grid, background: background.grid, threshold: threshold)
    }
    var found = segments.prefix(Self.mostParts).flatMap {
      sharpen(read($0, grid, background.grid), grid, background.grid)
    }
    while let merged = merge(found, grid, background.grid) { found = merged }
    return ImageReading(
      background: background.label, found: found.sorted { $0.segment.area > $1.segment.area }, side: Self.side)
  }

  private func read(_ segment: Segment, _ grid: PixelGrid, _ background: PixelGrid) -> ImageReading.Found {
    var inside: [(pixel: SIMD3<Float>, distance: Float)] = []
    for y in segment.top...segment.bottom {
      for x in segment.left...segment.right {
        let distance = distance(grid[x, y], background[x, y])
        if distance > segment.threshold { inside.append((grid[x, y], distance)) }
      }
    }
    // The two thirds with the highest contrast: soft edges contain the background's color.
    let core = inside.sorted { $0.distance > $1.distance }.prefix((2 * inside.count + 2) / 3)
    let median = PixelGrid.median(core.map(\.pixel))
    // The nearest shape color.
    let color = world.colors.min {
      distance(median, $0.shapeColor.vector) < distance(median, $1.shapeColor.vector)
    }
    return ImageReading.Found(
      segment: segment, matches: matcher.matches(segment, in: grid, background: background), color: color ?? .black)
  }

  /// The part, or its pieces if they have better matches.
  ///
  /// Halos join neighbors and widen boxes. Pieces are parts above a higher threshold, or both sides of the emptiest line.
  private func sharpen(
    _ whole: ImageReading.Found, _ grid: PixelGrid, _ background: PixelGrid
  ) -> [ImageReading.Found] {
    var best = (likeness: whole.likeness + 0.02, parts: [whole])
    guard whole.likeness < 0.9 else { return best.parts }
    let candidates =
      [48, 66, 88].map { threshold in
        Segment.find(in: grid, background: background, threshold: threshold, gap: 1)
          .filter { whole.segment.contains($0) }.prefix(Self.mostParts).map { $0 }
      } + [true, false].map { whole.segment.halves(in: grid, background: background, alongX: $0) }
    for parts in candidates {
      // The pieces must cover at least half of it: a sunflower is not a black disc.
      let area = parts.reduce(0) { $0 + $1.area }
      guard area * 2 > whole.segment.area else { continue }
      let read = parts.map { self.read($0, grid, background) }
      let likeness = read.reduce(0) { $0 + $1.likeness * Float($1.segment.area) } / Float(area)
      if likeness > best.likeness { best = (likeness, read) }
    }
    return best.parts
  }

  /// Joins the two parts whose similarity gains most by it, since an object may be split; nil if none gain.
  private func merge(
    _ found: [ImageReading.Found], _ grid: PixelGrid, _ background: PixelGrid
  ) -> [ImageReading.Found]? {
    var best: (gain: Float, pair: (Int, Int), whole: ImageReading.Found)?
    for i in found.indices {
      for j in found.indices where j > i {
        let (a, b) = (found[i], found[j])
        // No object is larger than this, and no fragment of one has a better match.
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
