import Images

extension Scene {
  /// Draws the scene `size` pixels wide and high: the same layout at every size.
  public func render(size: Int, atlas: GlyphAtlas) -> Image {
    switch look {
    case .flat, .sticker: return drawn(size, atlas)
    case .greyscale: return drawn(size, atlas).toned(.grey)
    case .sepia: return drawn(size, atlas).toned(.sepia)
    case .blueprint: return drawn(size, atlas).asBlueprint()
    case .pixelArt:
      // Coarse where objects are large, finer where a coarse grid would make blobs of them.
      let smallest = objects.map(\.side).min() ?? 1
      let grid = min(size, smallest < 0.28 ? 128 : 64)
      return drawn(grid, atlas).posterised(levels: 9).enlarged(to: size)
    }
  }

  private func drawn(_ size: Int, _ atlas: GlyphAtlas) -> Image {
    let behind = SceneBackground(background, horizon: horizon, size: size)
    let stamps = objects.flatMap { placed in
      let centre = (x: placed.x * Double(size), y: placed.y * Double(size))
      let side = placed.side * Double(size)
      guard look == .sticker else {
        return [
          SpriteStamp(
            atlas.sprite(placed.object, side: side), centre: centre, side: side, width: size, height: size)
        ]
      }
      let edge = atlas.stickerEdge(placed.object, side: side)
      let inner = side * edge.inner
      return [
        SpriteStamp(edge.sprite, centre: centre, side: side, width: size, height: size),
        SpriteStamp(
          atlas.sprite(placed.object, side: inner), centre: centre, side: inner, width: size, height: size),
      ]
    }
    return Image(width: size, height: size) { row, pixels in
      behind.paint(row: row, into: pixels)
      for stamp in stamps where stamp.rows.contains(row) { stamp.blend(row: row, into: pixels) }
    }
  }
}
