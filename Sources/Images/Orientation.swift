/// How a camera held the picture that it stored, with EXIF's numbers: what must be done to see it upright.
public enum Orientation: Int, Sendable, CaseIterable {
  case upright = 1
  case mirrored = 2  // left and right are exchanged
  case upsideDown = 3
  case mirroredUpsideDown = 4
  case transposed = 5  // mirrored, then turned to the left
  case turnedLeft = 6  // turn it right to see it upright
  case transversed = 7  // mirrored, then turned to the right
  case turnedRight = 8

  /// Whether width and height are exchanged.
  public var exchangesSides: Bool { rawValue >= 5 }
}

extension Image {
  /// The picture as it should be seen, from one that was stored in `orientation`.
  public func upright(from orientation: Orientation) -> Image {
    if orientation == .upright { return self }
    let (newWidth, newHeight) = orientation.exchangesSides ? (height, width) : (width, height)
    let (right, bottom, depth) = (width - 1, height - 1, channels.rawValue)
    let turned = [UInt8](unsafeUninitializedCapacity: pixels.count) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        var write = 0
        for y in 0..<newHeight {
          for x in 0..<newWidth {
            let (fromX, fromY) =
              switch orientation {
              case .upright: (x, y)
              case .mirrored: (right - x, y)
              case .upsideDown: (right - x, bottom - y)
              case .mirroredUpsideDown: (x, bottom - y)
              case .transposed: (y, x)
              case .turnedLeft: (y, bottom - x)
              case .transversed: (right - y, bottom - x)
              case .turnedRight: (right - y, x)
              }
            let read = (fromY * width + fromX) * depth
            for c in 0..<depth { target[write + c] = source[read + c] }
            write += depth
          }
        }
        filled = write
      }
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: turned)
  }

  /// The picture with left and right exchanged.
  public var mirrored: Image { upright(from: .mirrored) }
}
