extension Image {
  /// A smaller copy, each pixel the mean of `factor` × `factor`; traps when the sides are no multiples of it.
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
