/// The orientation of a stored image, with EXIF's numbers.
public enum Orientation: Int, Sendable, CaseIterable {
  /// Upright as stored.
  case upright = 1
  /// Mirrored horizontally.
  case mirrored = 2
  /// Rotated by 180°.
  case upsideDown = 3
  /// Mirrored vertically.
  case mirroredUpsideDown = 4
  /// Mirrored, then rotated to the left: rows and columns are swapped.
  case transposed = 5
  /// Rotated by 90° to the left; rotating it to the right makes it upright.
  case turnedLeft = 6
  /// Mirrored, then rotated to the right.
  case transversed = 7
  /// Rotated by 90° to the right; rotating it to the left makes it upright.
  case turnedRight = 8

  /// Whether width and height are swapped.
  public var exchangesSides: Bool { rawValue >= 5 }
}

extension Image {
  /// The upright image of one that is stored in `orientation`.
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

  /// The image mirrored horizontally.
  public var mirrored: Image { upright(from: .mirrored) }
}

/// Reads the orientation from EXIF (a TIFF structure); `EXIFFields` reads text.
enum EXIF {
  private static let orientationTag = 0x0112
  private static let shortType = 3

  /// The orientation in an EXIF block; upright if there is none or the block is damaged, as in image viewers.
  ///
  /// The block begins with "II" or "MM", or with "Exif" and two zeros before them.
  static func orientation(_ block: ArraySlice<UInt8>) -> Orientation {
    var bytes = Array(block)
    if bytes.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) { bytes.removeFirst(6) }
    let isLittle = bytes.starts(with: "II".utf8)
    guard isLittle || bytes.starts(with: "MM".utf8) else { return .upright }

    /// A number of `size` bytes, or nil beyond the end.
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - size else { return nil }
      let digits = bytes[offset..<offset + size]
      return isLittle
        ? digits.reversed().reduce(0) { $0 << 8 | Int($1) } : digits.reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(2, 2) == 42, let directory = number(4, 4), let count = number(directory, 2) else {
      return .upright
    }
    for index in 0..<count {
      let entry = directory + 2 + 12 * index
      guard let tag = number(entry, 2) else { break }
      if tag == orientationTag {
        guard number(entry + 2, 2) == shortType, number(entry + 4, 4) == 1, let value = number(entry + 8, 2) else {
          break
        }
        return Orientation(rawValue: value) ?? .upright
      }
    }
    return .upright
  }
}
