extension Image {
  /// The part of the picture that begins at (`left`, `top`); traps where it does not lie within.
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
