import Scenes

/// The background, read from the image's margin.
struct BackgroundReader {
  let label: String  // of the nearest known background
  let grid: PixelGrid  // the background alone, also where objects hide it

  init(_ image: PixelGrid, known: KnownBackgrounds) {
    let side = image.side
    // Narrow, since objects come as close as 1/50 to the sides.
    let margin = max(2, side / 32)
    var rows = (0..<side).map { y in
      PixelGrid.median((0..<margin).flatMap { [image[$0, y], image[side - 1 - $0, y]] })
    }
    let nearest =
      switch known.world {
      case .small: known.nearest(top: rows.prefix(margin), bottom: rows.suffix(margin))
      case .medium, .full: known.nearest(to: image)
      }
    label = nearest.label
    if nearest.isUpright {
      if known.world != .small {
        // Up to six objects reach into the margins from both sides: use the known background for such rows.
        let matched = known.matched(nearest, like: image)
        let strange = rows.indices.map { y in
          // The position of a horizon is known to a pixel.
          (max(0, y - 1)...min(side - 1, y + 1)).allSatisfy { distance(rows[y], matched[0, $0]) > 40 }
        }
        for y in rows.indices.dropFirst().dropLast() where strange[y] && (strange[y - 1] || strange[y + 1]) {
          rows[y] = matched[0, y]
        }
      }
      grid = PixelGrid(side: side, pixels: rows.flatMap { [SIMD3<Float>](repeating: $0, count: side) })
    } else {
      grid = known.matched(nearest, like: image)
    }
  }
}

/// All backgrounds of a world.
struct KnownBackgrounds: Sendable {
  /// A background, with one height of the horizon if it has one.
  struct Entry: Sendable {
    let label: String
    /// Whether all pixels of a row are equal, except for specks.
    let isUpright: Bool
    let image: PixelGrid
  }

  let world: World
  private let entries: [Entry]
  private let margin: [Int]  // pixels near the edge, every second of all rows

  init(atlas: GlyphAtlas, side: Int) {
    let world = atlas.world
    self.world = world
    // A quarter of a pixel apart; the small world's backgrounds are identified by their upper and lower edges only.
    let horizons = world == .small ? [0.6] : (0...40).map { 0.56 + 0.002 * Double($0) }
    entries = world.backgrounds.flatMap { background in
      var tried = [0.6]
      if case .landscape(let landscape) = background, landscape != .sky { tried = horizons }
      return tried.map { horizon in
        let empty = Scene(objects: [], place: nil, relation: nil, background: background, horizon: horizon)
        return Entry(
          label: background.label, isUpright: background.isUpright,
          image: PixelGrid(empty.render(size: side, atlas: atlas), side: side))
      }
    }
    let width = side / 16
    margin = (0..<side * side).filter { index in
      let (x, y) = (index % side, index / side)
      return x % 2 == 0 && min(min(x, side - 1 - x), min(y, side - 1 - y)) < width
    }
  }

  /// The background with the nearest upper and lower edges.
  func nearest(top: ArraySlice<SIMD3<Float>>, bottom: ArraySlice<SIMD3<Float>>) -> Entry {
    let (top, bottom) = (PixelGrid.median(Array(top)), PixelGrid.median(Array(bottom)))
    return entries.min { first, second in
      let misses = [first, second].map { entry in
        distance(top, entry.image[0, 0]) + distance(bottom, entry.image[0, entry.image.side - 1])
      }
      return misses[0] < misses[1]
    }!
  }

  /// The background that is nearest around the margin; objects in the margin are tolerated.
  func nearest(to image: PixelGrid) -> Entry {
    func miss(_ entry: Entry) -> Float {
      margin.reduce(0) { $0 + min(distance(image.pixels[$1], entry.image.pixels[$1]), 120) }
    }
    return entries.map { ($0, miss($0)) }.min { $0.1 < $1.1 }!.0
  }

  /// A known background, shifted to the lightness of the image's margin.
  func matched(_ entry: Entry, like image: PixelGrid) -> PixelGrid {
    let shift = PixelGrid.median(margin.map { image.pixels[$0] - entry.image.pixels[$0] })
    return PixelGrid(side: image.side, pixels: entry.image.pixels.map { $0 + shift })
  }
}

extension Scene.Background {
  /// Whether it varies only from top to bottom.
  fileprivate var isUpright: Bool {
    switch self {
    case .plain, .gradient: true
    case .pattern: false
    case .landscape(let landscape):
      switch landscape {
      case .grass, .beach, .night, .snow, .sea: true
      case .sky, .desert, .street, .room: false
      }
    }
  }
}
