// The names of a U-Net's layers in the original layout, which older LoRAs of Stable Diffusion, and those of SDXL, use.

extension UNet.Configuration {
  /// The parts of a residual block in the original layout.
  private static let residualParts = [
    "norm1": "in_layers.0", "conv1": "in_layers.2", "time_emb_proj": "emb_layers.1", "norm2": "out_layers.0",
    "conv2": "out_layers.3", "conv_shortcut": "skip_connection",
  ]
  /// Layers outside the blocks.
  private static let others = [
    "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
    "time_embedding.cond_proj": "time_embed.cond_proj", "add_embedding.linear_1": "label_emb.0.0",
    "add_embedding.linear_2": "label_emb.0.2", "conv_in": "input_blocks.0.0", "conv_norm_out": "out.0",
    "conv_out": "out.2",
  ]

  /// The name in the original layout of CompVis and Stability AI; nil for a layer that it does not have.
  ///
  /// `down_blocks.0.attentions.1.proj_in` is `input_blocks.2.1.proj_in`.
  public func originalName(_ layer: String) -> String? {
    if let name = Self.others[layer] { return name }
    let parts = layer.split(separator: ".").map(String.init)
    if parts.count >= 4, parts[0] == "mid_block", let index = Int(parts[2]) {
      let rest = parts.dropFirst(3).joined(separator: ".")
      if parts[1] == "attentions" { return "middle_block.1.\(rest)" }
      return Self.residualParts[rest].map { "middle_block.\(2 * index).\($0)" }
    }
    guard parts.count >= 5, let level = Int(parts[1]), let index = Int(parts[3]) else { return nil }
    let rest = parts.dropFirst(4).joined(separator: ".")
    let levels = blockOutChannels.count
    guard (0..<levels).contains(level) else { return nil }
    switch parts[0] {
    case "down_blocks":
      let first = (0..<level).reduce(1) { $0 + layersPerBlock[$1] + 1 }
      switch parts[2] {
      case "resnets": return Self.residualParts[rest].map { "input_blocks.\(first + index).0.\($0)" }
      case "attentions": return "input_blocks.\(first + index).1.\(rest)"
      case "downsamplers": return "input_blocks.\(first + layersPerBlock[level]).0.op"
      default: return nil
      }
    case "up_blocks":
      func count(_ step: Int) -> Int { layersPerBlock[levels - 1 - step] + 1 }
      let first = (0..<level).reduce(0) { $0 + count($1) }
      switch parts[2] {
      case "resnets": return Self.residualParts[rest].map { "output_blocks.\(first + index).0.\($0)" }
      case "attentions": return "output_blocks.\(first + index).1.\(rest)"
      case "upsamplers":
        let place = upBlockTypes[level] == .crossAttention ? 2 : 1
        return "output_blocks.\(first + count(level) - 1).\(place).conv"
      default: return nil
      }
    default: return nil
    }
  }
}
