import Scenes

/// What is behind the objects, read from the picture's margin.
struct BackgroundReader {
  let label: String  // of the known background that is nearest
  let grid: PixelGrid  // the background alone, also where objects hide it

  init(_ picture: PixelGrid, known: KnownBackgrounds) {
    let side = picture.side
    // Narrow, since objects of scenes come as near as a fiftieth to both sides.
    let margin = max(2, side / 32)
    var rows = (0..<side).map { y in
      PixelGrid.median((0..<margin).flatMap { [picture[$0, y], picture[side - 1 - $0, y]] })
    }
    let nearest =
      switch known.world {
      case .small: known.nearest(top: rows.prefix(margin), bottom: rows.suffix(margin))
      case .medium, .full: known.nearest(to: picture)
      }
    label = nearest.label
    if nearest.isUpright {
      if known.world != .small {
        // Six objects reach into the margins from both sides: what is known stands in for such rows.
        let painted = known.painted(nearest, like: picture)
        let strange = rows.indices.map { y in
          // A horizon is known to a pixel.
          (max(0, y - 1)...min(side - 1, y + 1)).allSatisfy { distance(rows[y], painted[0, $0]) > 40 }
        }
        for y in rows.indices.dropFirst().dropLast() where strange[y] && (strange[y - 1] || strange[y + 1]) {
          rows[y] = painted[0, y]
        }
      }
      grid = PixelGrid(side: side, pixels: rows.flatMap { [SIMD3<Float>](repeating: $0, count: side) })
    } else {
      grid = known.painted(nearest, like: picture)
    }
  }
}

/// Every background that a world knows, as its pictures' margins show it.
struct KnownBackgrounds: Sendable {
  /// One of them, with the height of its horizon where it has one.
  struct Entry: Sendable {
    let label: String
    /// Whether all pixels of a row are alike, but for specks.
    let isUpright: Bool
    let picture: PixelGrid
  }

  let world: World
  private let entries: [Entry]
  private let margin: [Int]  // pixels near the edge, every second of all rows

  init(atlas: GlyphAtlas, side: Int) {
    let world = atlas.world
    self.world = world
    // A quarter of a pixel apart; the small world's backgrounds are told by their upper and lower edges alone.
    let horizons = world == .small ? [0.6] : (0...40).map { 0.56 + 0.002 * Double($0) }
    entries = world.backgrounds.flatMap { background in
      var tried = [0.6]
      if case .landscape(let landscape) = background, landscape != .sky { tried = horizons }
      return tried.map { horizon in
        let empty = Scene(objects: [], place: nil, relation: nil, background: background, horizon: horizon)
        return Entry(
          label: background.label, isUpright: background.isUpright,
          picture: PixelGrid(empty.render(size: side, atlas: atlas), side: side))
      }
    }
    let width = side / 16
    margin = (0..<side * side).filter { index in
      let (x, y) = (index % side, index / side)
      return x % 2 == 0 && min(min(x, side - 1 - x), min(y, side - 1 - y)) < width
    }
  }

  /// The one whose upper and lower edges are nearest.
  func nearest(top: ArraySlice<SIMD3<Float>>, bottom: ArraySlice<SIMD3<Float>>) -> Entry {
    let (top, bottom) = (PixelGrid.median(Array(top)), PixelGrid.median(Array(bottom)))
    return entries.min { first, second in
      let misses = [first, second].map { entry in
        distance(top, entry.picture[0, 0]) + distance(bottom, entry.picture[0, entry.picture.side - 1])
      }
      return misses[0] < misses[1]
    }!
  }

  /// The one that is nearest all around the margin, whatever objects reach into it.
  func nearest(to picture: PixelGrid) -> Entry {
    func miss(_ entry: Entry) -> Float {
      margin.reduce(0) { $0 + min(distance(picture.pixels[$1], entry.picture.pixels[$1]), 120) }
    }
    return entries.map { ($0, miss($0)) }.min { $0.1 < $1.1 }!.0
  }

  /// The background as it is known, in the lightness that the picture's margin has.
  func painted(_ entry: Entry, like picture: PixelGrid) -> PixelGrid {
    let shift = PixelGrid.median(margin.map { picture.pixels[$0] - entry.picture.pixels[$0] })
    return PixelGrid(side: picture.side, pixels: entry.picture.pixels.map { $0 + shift })
  }
}

extension Scene.Background {
  /// Whether it changes from top to bottom alone.
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
