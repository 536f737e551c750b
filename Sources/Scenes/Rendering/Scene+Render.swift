import Images

extension Scene {
  /// Draws the scene `size` pixels wide and high: the same layout at every size.
  public func render(size: Int, atlas: GlyphAtlas) -> Image {
    switch look {
    case .flat, .sticker: return drawn(size, atlas)
    case .grayscale: return drawn(size, atlas).toned(.gray)
    case .sepia: return drawn(size, atlas).toned(.sepia)
    case .blueprint: return drawn(size, atlas).asBlueprint()
    case .pixelArt:
      // Coarse where objects are large, finer where a coarse grid would make blobs of them.
      let smallest = objects.map(\.side).min() ?? 1
      let grid = min(size, smallest < 0.28 ? 128 : 64)
      return drawn(grid, atlas).posterized(levels: 9).enlarged(to: size)
    }
  }

  private func drawn(_ size: Int, _ atlas: GlyphAtlas) -> Image {
    let behind = SceneBackground(background, horizon: horizon, size: size)
    let stamps = objects.flatMap { placed in
      let center = (x: placed.x * Double(size), y: placed.y * Double(size))
      let side = placed.side * Double(size)
      guard look == .sticker else {
        return [
          SpriteStamp(
            atlas.sprite(placed.object, side: side), center: center, side: side, width: size, height: size)
        ]
      }
      let edge = atlas.stickerEdge(placed.object, side: side)
      let inner = side * edge.inner
      return [
        SpriteStamp(edge.sprite, center: center, side: side, width: size, height: size),
        SpriteStamp(
          atlas.sprite(placed.object, side: inner), center: center, side: inner, width: size, height: size),
      ]
    }
    return Image(width: size, height: size) { row, pixels in
      behind.paint(row: row, into: pixels)
      for stamp in stamps where stamp.rows.contains(row) { stamp.blend(row: row, into: pixels) }
    }
  }
}

extension Scene {
  /// What stands in each cell of a square grid, in rows.
  ///
  /// 0 is the background, else 1 + the object's place in `World.objects`. An object holds the cells whose centers its
  /// box covers, and always the one it is centered in.
  public func cells(side: Int, world: World = .small) -> [Int] {
    var cells = [Int](repeating: 0, count: side * side)
    for placed in objects {
      let label = world.label(of: placed.object)
      let reach = 0.45 * placed.side
      for row in 0..<side {
        for column in 0..<side {
          let (x, y) = ((Double(column) + 0.5) / Double(side), (Double(row) + 0.5) / Double(side))
          if abs(x - placed.x) <= reach, abs(y - placed.y) <= reach { cells[row * side + column] = label }
        }
      }
      let (column, row) = (Int(placed.x * Double(side)), Int(placed.y * Double(side)))
      cells[min(row, side - 1) * side + min(column, side - 1)] = label
    }
    return cells
  }
}

/// Which renderer draws scenes: their facts and captions are the same, pixels differ.
///
/// Data and models name the version they belong to, so that both stay reproducible byte for byte.
public enum RenderingVersion: Int, Sendable, Codable, CaseIterable {
  /// Emoji are bitmaps of 136×128 pixels and shapes masks of 256×256; what is drawn larger is soft.
  case v1 = 1
  /// Whatever is drawn larger than its bitmap is sharp; what is drawn no larger is as in version 1, but for shapes,
  /// whose masks are twice as fine.
  case v2 = 2

  /// What new data are drawn with.
  public static let latest = RenderingVersion.v2

  /// In words, for what names data; empty for version 1, whose data had their names before there was another.
  public var name: String { self == .v1 ? "" : ", rendering \(rawValue)" }
}
