import Images

/// How far apart the pixels of two images are.
public struct PixelDifference: Sendable, Equatable {
  /// The largest difference of two bytes, 0…255.
  public let largest: Int
  /// The mean difference of two bytes, 0…255.
  public let mean: Double
  /// Number of pixels of which a byte differs by more than the tolerance.
  public let exceeding: Int

  /// Compares two images as RGB; nil if their sizes differ.
  public init?(_ a: Image, _ b: Image, tolerance: Int = 0) {
    guard a.width == b.width, a.height == b.height else { return nil }
    let (first, second) = (a.asRGB.pixels, b.asRGB.pixels)
    var (largest, sum, exceeding) = (0, 0, 0)
    for pixel in stride(from: 0, to: first.count, by: 3) {
      var most = 0
      for place in pixel..<pixel + 3 {
        let difference = abs(Int(first[place]) - Int(second[place]))
        sum += difference
        most = max(most, difference)
      }
      largest = max(largest, most)
      if most > tolerance { exceeding += 1 }
    }
    (self.largest, mean, self.exceeding) = (largest, Double(sum) / Double(first.count), exceeding)
  }
}
