import Images

/// A picture's luma, ITU-R BT.601, 0…255.
struct Lightness {
  let width: Int
  let height: Int
  let values: [Float]

  init(width: Int, height: Int, values: [Float]) {
    self.width = width
    self.height = height
    self.values = values
  }

  init(_ image: Image) {
    self.init(
      width: image.width, height: image.height,
      values: image.pixels.withUnsafeBufferPointer { bytes in
        (0..<image.width * image.height).map {
          0.299 * Float(bytes[3 * $0]) + 0.587 * Float(bytes[3 * $0 + 1]) + 0.114 * Float(bytes[3 * $0 + 2])
        }
      })
  }

  /// How steeply it changes at every pixel: the length of Sobel's gradient for a step of one, 0 at the border.
  var gradients: [Float] {
    var lengths = [Float](repeating: 0, count: values.count)
    values.withUnsafeBufferPointer { v in
      for y in 1..<height - 1 {
        for x in 1..<width - 1 {
          let (a, b, c) = ((y - 1) * width + x, y * width + x, (y + 1) * width + x)
          let right = v[a + 1] + 2 * v[b + 1] + v[c + 1]
          let left = v[a - 1] + 2 * v[b - 1] + v[c - 1]
          let below = v[c - 1] + 2 * v[c] + v[c + 1]
          let above = v[a - 1] + 2 * v[a] + v[a + 1]
          let (dx, dy) = ((right - left) / 4, (below - above) / 4)
          lengths[b] = (dx * dx + dy * dy).squareRoot()
        }
      }
    }
    return lengths
  }

  /// Pixels where it changes by more than a twelfth of the range.
  var edges: [Bool] { gradients.map { $0 > 21 } }
}
