import Images

/// A small image in floating point, for measuring.
struct PixelGrid {
  let side: Int
  var pixels: [SIMD3<Float>]  // rows from the top, 0…255

  subscript(x: Int, y: Int) -> SIMD3<Float> { pixels[y * side + x] }

  init(side: Int, pixels: [SIMD3<Float>]) {
    self.side = side
    self.pixels = pixels
  }

  /// An RGB image shrunk to `side` by averaging; traps unless its sides are equal and multiples of `side`.
  init(_ image: Image, side: Int) {
    guard image.channels == .rgb, image.width == image.height, image.width % side == 0 else {
      fatalError("expected an RGB square of a multiple of \(side), got \(image.width)×\(image.height)")
    }
    let factor = image.width / side
    var sums = [SIMD3<Float>](repeating: .zero, count: side * side)
    image.pixels.withUnsafeBufferPointer { bytes in
      for y in 0..<image.height {
        for x in 0..<image.width {
          let at = 3 * (y * image.width + x)
          sums[y / factor * side + x / factor] += SIMD3(Float(bytes[at]), Float(bytes[at + 1]), Float(bytes[at + 2]))
        }
      }
    }
    let area = Float(factor * factor)
    self.init(side: side, pixels: sums.map { $0 / area })
  }

  /// The median of each channel.
  static func median(_ colors: [SIMD3<Float>]) -> SIMD3<Float> {
    func middle(_ channel: Int) -> Float { colors.map { $0[channel] }.sorted()[colors.count / 2] }
    return SIMD3(middle(0), middle(1), middle(2))
  }
}

func distance(_ a: SIMD3<Float>, _ b: SIMD3<Float>) -> Float {
  let d = a - b
  return (d * d).sum().squareRoot()
}

extension Color {
  var vector: SIMD3<Float> { SIMD3(Float(red), Float(green), Float(blue)) }
}
