extension Image {
  /// The crop whose top left corner is (`left`, `top`); traps if it exceeds the image.
  public func cropped(left: Int, top: Int, width newWidth: Int, height newHeight: Int) -> Image {
    guard left >= 0, top >= 0, newWidth > 0, newHeight > 0, left + newWidth <= width, top + newHeight <= height else {
      fatalError("\(newWidth)×\(newHeight) at (\(left), \(top)) does not lie within \(width)×\(height)")
    }
    if newWidth == width, newHeight == height { return self }
    let depth = channels.rawValue
    var part: [UInt8] = []
    part.reserveCapacity(newWidth * newHeight * depth)
    for y in top..<top + newHeight {
      let start = (y * width + left) * depth
      part += pixels[start..<start + newWidth * depth]
    }
    return Image(width: newWidth, height: newHeight, channels: channels, pixels: part)
  }
}

extension Image {
  /// A smaller copy, each pixel the mean of `factor` × `factor`; traps unless the sides are multiples of it.
  public func shrunk(by factor: Int) -> Image {
    guard factor > 0, width % factor == 0, height % factor == 0 else {
      fatalError("\(width)×\(height) cannot be shrunk by \(factor)")
    }
    let (newWidth, newHeight, depth) = (width / factor, height / factor, channels.rawValue)
    var sums = [Int](repeating: 0, count: newWidth * newHeight * depth)
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<depth {
          sums[(y / factor * newWidth + x / factor) * depth + c] += Int(pixels[(y * width + x) * depth + c])
        }
      }
    }
    let area = factor * factor
    return Image(
      width: newWidth, height: newHeight, channels: channels, pixels: sums.map { UInt8(($0 + area / 2) / area) })
  }
}

extension Image {
  /// The image over a background of one color: RGB without transparency, rounded to the nearest byte.
  public func composited(on background: Color) -> Image {
    guard channels == .rgba else { return asRGB }
    let behind = [Int(background.red), Int(background.green), Int(background.blue)]
    let opaque = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        for index in 0..<width * height {
          let alpha = Int(source[4 * index + 3])
          for c in 0..<3 {
            let sum = Int(source[4 * index + c]) * alpha + behind[c] * (255 - alpha)
            target[3 * index + c] = UInt8((sum + 127) / 255)
          }
        }
      }
      filled = 3 * width * height
    }
    return Image(width: width, height: height, channels: .rgb, pixels: opaque)
  }

  /// The image in RGB: gray is repeated three times, alpha is dropped (`composited` applies it).
  public var asRGB: Image {
    if channels == .rgb { return self }
    let depth = channels.rawValue
    let colors = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        for index in 0..<width * height {
          for c in 0..<3 { target[3 * index + c] = source[depth * index + (depth == 1 ? 0 : c)] }
        }
      }
      filled = 3 * width * height
    }
    return Image(width: width, height: height, channels: .rgb, pixels: colors)
  }
}
