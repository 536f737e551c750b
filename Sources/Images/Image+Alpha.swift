extension Image {
  /// The picture over a background of one colour: RGB without transparency, rounded to the nearest byte.
  public func composited(on background: Colour) -> Image {
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

  /// The picture in RGB: grey three times, alpha left away (see `composited` to honour it).
  public var asRGB: Image {
    if channels == .rgb { return self }
    let depth = channels.rawValue
    let colours = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { target, filled in
      pixels.withUnsafeBufferPointer { source in
        for index in 0..<width * height {
          for c in 0..<3 { target[3 * index + c] = source[depth * index + (depth == 1 ? 0 : c)] }
        }
      }
      filled = 3 * width * height
    }
    return Image(width: width, height: height, channels: .rgb, pixels: colours)
  }
}
