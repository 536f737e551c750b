/// Floating-point operations of matrix products, of which networks are made; a multiplication with its addition is two.
///
/// Normalisations, activations and sums are left out, as in PyTorch's `FlopCounterMode`.
enum Work {
  /// A convolution that makes `height × width` positions.
  static func convolution(_ inputs: Int, _ outputs: Int, kernel: Int, _ height: Int, _ width: Int) -> Int {
    2 * inputs * outputs * kernel * kernel * height * width
  }

  /// A matrix of `inputs × outputs` applied to rows.
  static func linear(_ rows: Int, _ inputs: Int, _ outputs: Int) -> Int { 2 * rows * inputs * outputs }

  /// Scores of all heads together, and the sums that they weigh.
  static func attention(queries: Int, keys: Int, width: Int) -> Int { 4 * queries * keys * width }
}

extension UNet.Configuration {
  /// Floating-point operations of one forward pass over one latent `[C, height, width]` and a context of `tokens`.
  public func operations(height: Int, width: Int, tokens: Int) -> Int {
    let embedding = 4 * blockOutChannels[0]
    let last = blockOutChannels.count - 1
    // Sizes of the levels on the way down, which the way up meets again.
    let sizes = (0...last).map { level in
      let factor = 1 << level
      return ((height + factor - 1) / factor, (width + factor - 1) / factor)
    }

    func block(_ inputs: Int, _ outputs: Int, _ level: Int) -> Int {
      let (h, w) = sizes[level]
      return Work.convolution(inputs, outputs, kernel: 3, h, w) + Work.convolution(outputs, outputs, kernel: 3, h, w)
        + (inputs == outputs ? 0 : Work.convolution(inputs, outputs, kernel: 1, h, w))
        + Work.linear(1, embedding, outputs)
    }
    func transformer(_ level: Int) -> Int {
      let (C, N) = (blockOutChannels[level], sizes[level].0 * sizes[level].1)
      let selfAttention = 4 * Work.linear(N, C, C) + Work.attention(queries: N, keys: N, width: C)
      let crossAttention =
        2 * Work.linear(N, C, C) + 2 * Work.linear(tokens, crossAttentionDim, C)
        + Work.attention(queries: N, keys: tokens, width: C)
      let feedForward = Work.linear(N, C, 8 * C) + Work.linear(N, 4 * C, C)
      return 2 * Work.linear(N, C, C)
        + transformerLayersPerBlock[level] * (selfAttention + crossAttention + feedForward)
    }

    let classes = classEmbedType == nil ? nil : projectionClassEmbeddingsInputDim
    var total = Work.convolution(inChannels, blockOutChannels[0], kernel: 3, height, width)
    total += Work.linear(1, blockOutChannels[0], embedding) + Work.linear(1, embedding, embedding)
    if let classes { total += Work.linear(1, classes, embedding) + Work.linear(1, embedding, embedding) }
    for level in 0...last {
      let (C, layers) = (blockOutChannels[level], layersPerBlock[level])
      for layer in 0..<layers {
        total += block(layer == 0 ? blockOutChannels[max(level - 1, 0)] : C, C, level)
        if downBlockTypes[level] == .crossAttention { total += transformer(level) }
      }
      if level != last {
        total += Work.convolution(C, C, kernel: 3, sizes[level + 1].0, sizes[level + 1].1)
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
      if level > 0 { total += Work.convolution(C, C, kernel: 3, sizes[level - 1].0, sizes[level - 1].1) }
    }
    return total + Work.convolution(blockOutChannels[0], outChannels, kernel: 3, height, width)
  }
}

extension TextAdapter.Configuration {
  /// Floating-point operations of one forward pass over a prompt of `tokens`.
  public func operations(tokens N: Int) -> Int {
    let layer =
      Work.linear(N, width, 3 * width) + Work.linear(N, width, width) + 2 * Work.linear(N, width, 4 * width)
      + Work.attention(queries: N, keys: N, width: width)
    return Work.linear(N, 2 * inputWidth, width) + layers * layer
  }
}
