extension AutoencoderKL.Configuration {
  /// FLOPs of the encoder for a latent of `height × width` cells.
  public func encoderFLOPs(height: Int, width: Int) -> Int {
    func block(_ inputs: Int, _ outputs: Int, _ h: Int, _ w: Int) -> Int {
      FLOPs.convolution(inputs, outputs, kernel: 3, h, w) + FLOPs.convolution(outputs, outputs, kernel: 3, h, w)
        + (inputs == outputs ? 0 : FLOPs.convolution(inputs, outputs, kernel: 1, h, w))
    }
    let (last, lowest) = (blockOutChannels.count - 1, blockOutChannels[blockOutChannels.count - 1])
    var total = FLOPs.convolution(inChannels, blockOutChannels[0], kernel: 3, height << last, width << last)
    for (level, channels) in blockOutChannels.enumerated() {
      let (h, w) = (height << (last - level), width << (last - level))
      total += block(blockOutChannels[max(level - 1, 0)], channels, h, w)
      total += (layersPerBlock - 1) * block(channels, channels, h, w)
      if level < last { total += FLOPs.convolution(channels, channels, kernel: 3, h / 2, w / 2) }
    }
    total += 2 * block(lowest, lowest, height, width)
    if midBlockAddAttention {
      let cells = height * width
      total += 4 * FLOPs.linear(cells, lowest, lowest) + FLOPs.attention(queries: cells, keys: cells, width: lowest)
    }
    return total + FLOPs.convolution(lowest, 2 * latentChannels, kernel: 3, height, width)
  }

  /// FLOPs of the decoder for a latent of `height × width` cells.
  public func decoderFLOPs(height: Int, width: Int) -> Int {
    func block(_ inputs: Int, _ outputs: Int, _ h: Int, _ w: Int) -> Int {
      FLOPs.convolution(inputs, outputs, kernel: 3, h, w) + FLOPs.convolution(outputs, outputs, kernel: 3, h, w)
        + (inputs == outputs ? 0 : FLOPs.convolution(inputs, outputs, kernel: 1, h, w))
    }
    var (h, w) = (height, width)
    let widths = Array(blockOutChannels.reversed())
    let lowest = widths[0]
    var total = usePostQuantConv ? FLOPs.convolution(latentChannels, latentChannels, kernel: 1, h, w) : 0
    total += FLOPs.convolution(latentChannels, lowest, kernel: 3, h, w) + 2 * block(lowest, lowest, h, w)
    if midBlockAddAttention {
      total += 4 * FLOPs.linear(h * w, lowest, lowest) + FLOPs.attention(queries: h * w, keys: h * w, width: lowest)
    }
    for (level, channels) in widths.enumerated() {
      let below = level == 0 ? lowest : widths[level - 1]
      total += block(below, channels, h, w) + layersPerBlock * block(channels, channels, h, w)
      guard level + 1 < widths.count else { break }
      (h, w) = (2 * h, 2 * w)
      total += FLOPs.convolution(channels, channels, kernel: 3, h, w)
    }
    return total + FLOPs.convolution(widths[widths.count - 1], outChannels, kernel: 3, h, w)
  }
}

extension AutoencoderTiny.Configuration {
  /// FLOPs of the decoder for a latent of `height × width` cells.
  public func decoderFLOPs(height: Int, width: Int) -> Int {
    var (h, w) = (height, width)
    let channels = decoderBlockOutChannels[0]
    var total = FLOPs.convolution(latentChannels, channels, kernel: 3, h, w)
    for (level, blocks) in numDecoderBlocks.enumerated() {
      total += 3 * blocks * FLOPs.convolution(channels, channels, kernel: 3, h, w)
      guard level + 1 < numDecoderBlocks.count else { break }
      (h, w) = (2 * h, 2 * w)
      total += FLOPs.convolution(channels, channels, kernel: 3, h, w)
    }
    return total + FLOPs.convolution(channels, outChannels, kernel: 3, h, w)
  }
}

extension CLIPTextModel.Configuration {
  /// FLOPs of a forward pass over a text of `tokens`.
  public func flops(tokens N: Int) -> Int {
    let layer =
      4 * FLOPs.linear(N, hiddenSize, hiddenSize) + 2 * FLOPs.linear(N, hiddenSize, intermediateSize)
      + FLOPs.attention(queries: N, keys: N, width: hiddenSize)
    return numHiddenLayers * layer
  }
}
