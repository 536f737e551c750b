extension Image {
  /// An RGB image in which the part under a mask is filled smoothly from its surroundings.
  ///
  /// Every level of a pyramid keeps the known pixels and takes the others from the next coarser level, whose pixels are means
  /// of known ones. If nothing is known, everything is middle gray.
  public func filledFromSurroundings(under mask: Image) -> Image {
    guard channels == .rgb, mask.width == width, mask.height == height, mask.channels == .gray else {
      fatalError("an RGB image is filled under a mask of its size")
    }
    var known = [UInt8](repeating: 0, count: 4 * width * height)
    for index in 0..<width * height {
      for c in 0..<3 { known[4 * index + c] = pixels[3 * index + c] }
      known[4 * index + 3] = mask.pixels[index] > 0 ? 0 : 255
    }
    return Image(width: width, height: height, channels: .rgba, pixels: known).filledTransparency
  }

  private var filledTransparency: Image {
    let isComplete = (0..<width * height).allSatisfy { pixels[4 * $0 + 3] == 255 }
    if isComplete { return asRGB }
    if width == 1, height == 1 {  // the mean of all known pixels, however few they are
      return pixels[3] > 0 ? asRGB : Image(width: 1, height: 1, channels: .rgb, pixels: [128, 128, 128])
    }
    let coarse = resized(width: (width + 1) / 2, height: (height + 1) / 2, filter: .box).filledTransparency
    let behind = coarse.resized(width: width, height: height, filter: .bilinear)
    var result = behind
    for index in 0..<width * height {
      let alpha = Int(pixels[4 * index + 3])
      for c in 0..<3 {
        let sum = Int(pixels[4 * index + c]) * alpha + Int(behind.pixels[3 * index + c]) * (255 - alpha)
        result.pixels[3 * index + c] = UInt8((sum + 127) / 255)
      }
    }
    return result
  }
}
