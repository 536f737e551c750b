extension Autoencoder.Configuration {
  /// Floating-point operations that make a latent of `height × width` cells.
  public func encoderOperations(height: Int, width: Int) -> Int {
    let first = encoderWidths.count - 1  // halvings
    func size(_ level: Int) -> (Int, Int) { (height << (first - level), width << (first - level)) }
    var total = Work.convolution(3 * encoderPatch * encoderPatch, encoderWidths[0], kernel: 3, size(0).0, size(0).1)
    for (level, channels) in encoderWidths.enumerated() {
      let (h, w) = size(level)
      if level > 0 { total += Work.convolution(encoderWidths[level - 1], channels, kernel: 3, h, w) }
      total += encoderBlocks[level] * Self.block(channels, h, w)
    }
    return total + Work.convolution(encoderWidths[first], latentChannels, kernel: 3, height, width)
  }

  /// Floating-point operations that paint a latent of `height × width` cells at the core size.
  public func decoderOperations(height: Int, width: Int) -> Int {
    if let palette { return paletteDecoderOperations(palette, height: height, width: width) }
    var (h, w) = (height, width)
    var total = Work.convolution(latentChannels, decoderWidths[0], kernel: 3, h, w)
    for (level, channels) in decoderWidths.enumerated() {
      let next = level + 1 < decoderWidths.count ? decoderWidths[level + 1] : decoderOutputWidth
      total += decoderBlocks[level] * Self.block(channels, h, w)
      total += Work.convolution(channels, 3, kernel: 1, h, w) + Work.convolution(channels, next, kernel: 3, h, w)
      (h, w) = (2 * h, 2 * w)
    }
    return total + Work.convolution(decoderOutputWidth, decoderOutputWidth, kernel: 3, h, w)
      + Work.convolution(decoderOutputWidth, 3, kernel: 3, h, w)
  }

  private func paletteDecoderOperations(_ palette: Autoencoder.Palette, height: Int, width: Int) -> Int {
    var (h, w) = (height, width)
    var total = Work.convolution(latentChannels, decoderWidths[0], kernel: 3, h, w)
    for (level, channels) in decoderWidths.enumerated() {
      if level > 0 {
        total += Work.convolution(decoderWidths[level - 1], channels, kernel: 3, h, w)  // before the doubling
        (h, w) = (2 * h, 2 * w)
      }
      total += decoderBlocks[level] * Self.block(channels, h, w)
    }
    let outputs = 4 * palette.colors
    let (height, width) = (h * palette.enlargement, w * palette.enlargement)
    return total + Work.convolution(decoderWidths[decoderWidths.count - 1], outputs, kernel: 3, h, w)
      + 2 * outputs * (height * h * w + height * w * width)  // the two products that enlarge the fields
  }

  /// Floating-point operations of the levels above the core size.
  public func superResolutionOperations(height: Int, width: Int) -> Int {
    var (h, w) = (height * coreFactor, width * coreFactor)
    var (total, previous) = (0, decoderOutputWidth)
    for channels in superResolutionWidths {
      total += Work.convolution(previous + 3, channels, kernel: 3, h, w)  // before the doubling
      (h, w) = (2 * h, 2 * w)
      total += Work.convolution(channels, channels, kernel: 3, h, w) + Work.convolution(channels, 3, kernel: 3, h, w)
      previous = channels
    }
    return total
  }

  private static func block(_ channels: Int, _ height: Int, _ width: Int) -> Int {
    2 * Work.convolution(channels, channels, kernel: 3, height, width)
  }
}
