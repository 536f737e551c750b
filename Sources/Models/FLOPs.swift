/// FLOPs of matrix products and convolutions; a multiply-add counts as two.
///
/// Normalizations, activations and sums are not counted, as in PyTorch's `FlopCounterMode`.
enum FLOPs {
  /// FLOPs of a convolution with `height × width` outputs.
  static func convolution(_ inputs: Int, _ outputs: Int, kernel: Int, _ height: Int, _ width: Int) -> Int {
    2 * inputs * outputs * kernel * kernel * height * width
  }

  /// FLOPs of a linear layer applied to rows.
  static func linear(_ rows: Int, _ inputs: Int, _ outputs: Int) -> Int { 2 * rows * inputs * outputs }

  /// FLOPs of attention: the scores of all heads and the weighted sums.
  static func attention(queries: Int, keys: Int, width: Int) -> Int { 4 * queries * keys * width }
}

extension UNet.Configuration {
  /// FLOPs of a forward pass over one latent `[C, height, width]` with a context of `tokens`.
  public func flops(height: Int, width: Int, tokens: Int) -> Int {
    let embedding = 4 * blockOutChannels[0]
    let last = blockOutChannels.count - 1
    // Sizes of the levels on the way down; the way up has the same ones.
    let sizes = (0...last).map { level in
      let factor = 1 << level
      return ((height + factor - 1) / factor, (width + factor - 1) / factor)
    }

    func block(_ inputs: Int, _ outputs: Int, _ level: Int) -> Int {
      let (h, w) = sizes[level]
      return FLOPs.convolution(inputs, outputs, kernel: 3, h, w) + FLOPs.convolution(outputs, outputs, kernel: 3, h, w)
        + (inputs == outputs ? 0 : FLOPs.convolution(inputs, outputs, kernel: 1, h, w))
        + FLOPs.linear(1, embedding, outputs)
    }
    func transformer(_ level: Int) -> Int {
      let (C, N) = (blockOutChannels[level], sizes[level].0 * sizes[level].1)
      let selfAttention = 4 * FLOPs.linear(N, C, C) + FLOPs.attention(queries: N, keys: N, width: C)
      let crossAttention =
        2 * FLOPs.linear(N, C, C) + 2 * FLOPs.linear(tokens, crossAttentionDim, C)
        + FLOPs.attention(queries: N, keys: tokens, width: C)
      let feedForward = FLOPs.linear(N, C, 8 * C) + FLOPs.linear(N, 4 * C, C)
      return 2 * FLOPs.linear(N, C, C)
        + transformerLayersPerBlock[level] * (selfAttention + crossAttention + feedForward)
    }

    let classes = classEmbedType == nil ? nil : projectionClassEmbeddingsInputDim
    var total = FLOPs.convolution(inChannels, blockOutChannels[0], kernel: 3, height, width)
    total += FLOPs.linear(1, blockOutChannels[0], embedding) + FLOPs.linear(1, embedding, embedding)
    if let timeCondProjDim { total += FLOPs.linear(1, timeCondProjDim, blockOutChannels[0]) }
    if additionEmbedType != nil, let inputs = projectionClassEmbeddingsInputDim {
      total += FLOPs.linear(1, inputs, embedding) + FLOPs.linear(1, embedding, embedding)
    }
    if let classes { total += FLOPs.linear(1, classes, embedding) + FLOPs.linear(1, embedding, embedding) }
    for level in 0...last {
      let (C, layers) = (blockOutChannels[level], layersPerBlock[level])
      for layer in 0..<layers {
        total += block(layer == 0 ? blockOutChannels[max(level - 1, 0)] : C, C, level)
        if downBlockTypes[level] == .crossAttention { total += transformer(level) }
      }
      if level != last {
        total += FLOPs.convolution(C, C, kernel: 3, sizes[level + 1].0, sizes[level + 1].1)
      }
    }
    if let midBlockType {
      let C = blockOutChannels[last]
      total += block(C, C, last)
      if midBlockType == .crossAttention { total += transformer(last) + block(C, C, last) }
    }
    for step in 0...last {
      let level = last - step
      let (C, layers) = (blockOutChannels[level], layersPerBlock[level] + 1)
      for layer in 0..<layers {
        let below = layer == 0 ? blockOutChannels[min(level + 1, last)] : C
        let skip = layer == layers - 1 ? blockOutChannels[max(level - 1, 0)] : C
        total += block(below + skip, C, level)
        if upBlockTypes[step] == .crossAttention { total += transformer(level) }
      }
      if level > 0 { total += FLOPs.convolution(C, C, kernel: 3, sizes[level - 1].0, sizes[level - 1].1) }
    }
    return total + FLOPs.convolution(blockOutChannels[0], outChannels, kernel: 3, height, width)
  }
}

extension TextAdapter.Configuration {
  /// FLOPs of a forward pass over a prompt of `tokens`.
  public func flops(tokens N: Int) -> Int {
    let layer =
      FLOPs.linear(N, width, 3 * width) + FLOPs.linear(N, width, width) + 2 * FLOPs.linear(N, width, 4 * width)
      + FLOPs.attention(queries: N, keys: N, width: width)
    return FLOPs.linear(N, 2 * inputWidth, width) + layers * layer
  }
}

extension Autoencoder.Configuration {
  /// FLOPs of the encoder for a latent of `height × width` cells.
  public func encoderFLOPs(height: Int, width: Int) -> Int {
    let first = encoderWidths.count - 1  // halvings
    func size(_ level: Int) -> (Int, Int) { (height << (first - level), width << (first - level)) }
    var total = FLOPs.convolution(3 * encoderPatch * encoderPatch, encoderWidths[0], kernel: 3, size(0).0, size(0).1)
    for (level, channels) in encoderWidths.enumerated() {
      let (h, w) = size(level)
      if level > 0 { total += FLOPs.convolution(encoderWidths[level - 1], channels, kernel: 3, h, w) }
      total += encoderBlocks[level] * Self.block(channels, h, w)
    }
    return total + FLOPs.convolution(encoderWidths[first], latentChannels, kernel: 3, height, width)
  }

  /// FLOPs of the decoder for a latent of `height × width` cells.
  public func decoderFLOPs(height: Int, width: Int) -> Int {
    if let palette { return paletteDecoderFLOPs(palette, height: height, width: width) }
    var (h, w) = (height, width)
    var total = FLOPs.convolution(latentChannels, decoderWidths[0], kernel: 3, h, w)
    for (level, channels) in decoderWidths.enumerated() {
      let next = level + 1 < decoderWidths.count ? decoderWidths[level + 1] : decoderOutputWidth
      total += decoderBlocks[level] * Self.block(channels, h, w)
      total += FLOPs.convolution(channels, 3, kernel: 1, h, w) + FLOPs.convolution(channels, next, kernel: 3, h, w)
      (h, w) = (2 * h, 2 * w)
    }
    return total + FLOPs.convolution(decoderOutputWidth, decoderOutputWidth, kernel: 3, h, w)
      + FLOPs.convolution(decoderOutputWidth, 3, kernel: 3, h, w)
  }

  private func paletteDecoderFLOPs(_ palette: Autoencoder.Palette, height: Int, width: Int) -> Int {
    var (h, w) = (height, width)
    var total = FLOPs.convolution(latentChannels, decoderWidths[0], kernel: 3, h, w)
    for (level, channels) in decoderWidths.enumerated() {
      if level > 0 {
        total += FLOPs.convolution(decoderWidths[level - 1], channels, kernel: 3, h, w)  // before the doubling
        (h, w) = (2 * h, 2 * w)
      }
      total += decoderBlocks[level] * Self.block(channels, h, w)
    }
    let outputs = 4 * palette.colors
    let (height, width) = (h * palette.enlargement, w * palette.enlargement)
    return total + FLOPs.convolution(decoderWidths[decoderWidths.count - 1], outputs, kernel: 3, h, w)
      + 2 * outputs * (height * h * w + height * w * width)  // the two products that upsample the fields
  }

  /// FLOPs of the super-resolution levels; those of a palette decoder compute for images above the base size only.
  public func superResolutionFLOPs(height: Int, width: Int) -> Int {
    if let palette { return fieldLevelFLOPs(palette, height: height, width: width) }
    var (h, w) = (height * baseFactor, width * baseFactor)
    var (total, previous) = (0, decoderOutputWidth)
    for channels in superResolutionWidths {
      total += FLOPs.convolution(previous + 3, channels, kernel: 3, h, w)  // before the doubling
      (h, w) = (2 * h, 2 * w)
      total += FLOPs.convolution(channels, channels, kernel: 3, h, w) + FLOPs.convolution(channels, 3, kernel: 3, h, w)
      previous = channels
    }
    return total
  }

  private func fieldLevelFLOPs(_ palette: Autoencoder.Palette, height: Int, width: Int) -> Int {
    let (top, fields) = (decoderWidths.count - 1, 4 * palette.colors)
    var (h, w, total, previous) = (height << top, width << top, 0, decoderWidths[top])
    for channels in superResolutionWidths {
      total += FLOPs.convolution(previous + fields, 4 * channels, kernel: 3, h, w)  // before the doubling
      (h, w) = (2 * h, 2 * w)
      total += FLOPs.convolution(channels, channels + fields, kernel: 3, h, w)
      previous = channels
    }
    return total
  }

  private static func block(_ channels: Int, _ height: Int, _ width: Int) -> Int {
    2 * FLOPs.convolution(channels, channels, kernel: 3, height, width)
  }
}
