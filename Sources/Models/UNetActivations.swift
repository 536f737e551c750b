import NN

extension UNet.Configuration {
  /// Numbers that a forward pass over one latent `[C, height, width]` stores for the backward pass of a LoRA on its attention:
  /// all of them, and with gradient checkpointing.
  ///
  /// Normalizations, activations, convolutions and attention store their inputs; matrices whose weights are frozen do not.
  public func storedForBackward(height: Int, width: Int) -> (all: Int, checkpointed: Int) {
    let last = blockOutChannels.count - 1
    func cells(_ level: Int) -> Int {
      let factor = 1 << level
      return ((height + factor - 1) / factor) * ((width + factor - 1) / factor)
    }
    var (all, inputs, largest) = (0, 0, 0)
    /// A residual block and the attention after it: the unit of gradient checkpointing.
    func layer(_ channels: Int, _ level: Int, attends: Bool) {
      let C = blockOutChannels[level]
      // Normalization, activation and convolution, twice; then, for each transformer block, three normalizations, queries,
      // keys, values and results of two attentions with the inputs of their matrices, and the gated hidden layer.
      let transformer = attends ? (1 + 25 * transformerLayersPerBlock[level]) * C : 0
      let stored = cells(level) * (3 * channels + 3 * C + transformer)
      all += stored
      inputs += cells(level) * channels
      largest = max(largest, stored)
    }
    for level in 0...last {
      for index in 0..<layersPerBlock[level] {
        layer(
          blockOutChannels[index == 0 ? max(level - 1, 0) : level], level,
          attends: downBlockTypes[level] == .crossAttention)
      }
      if level < last { all += cells(level) * blockOutChannels[level] }
    }
    if let midBlockType {
      layer(blockOutChannels[last], last, attends: midBlockType == .crossAttention)
      if midBlockType == .crossAttention { layer(blockOutChannels[last], last, attends: false) }
    }
    for step in 0...last {
      let (level, count) = (last - step, layersPerBlock[last - step] + 1)
      for index in 0..<count {
        let below = blockOutChannels[index == 0 ? min(level + 1, last) : level]
        let skip = blockOutChannels[index == count - 1 ? max(level - 1, 0) : level]
        layer(below + skip, level, attends: upBlockTypes[step] == .crossAttention)
      }
      if level > 0 { all += cells(level - 1) * blockOutChannels[level] }
    }
    let ends = 3 * cells(0) * blockOutChannels[0]
    return (all + ends, inputs + largest + ends)
  }
}
