import Support

/// An autoencoder of Stable Diffusion in the original layout, or alone in a file in diffusers' layout.
struct AutoencoderLayout {
  private(set) var map: KeyMap

  init(_ keys: CheckpointKeys) {
    map = KeyMap(keys)
    if keys.has("encoder.down_blocks.0.resnets.0.conv1.weight") {
      for name in keys.names { map.add(name, as: name) }
      return
    }
    map.layer("quant_conv", as: "quant_conv")
    map.layer("post_quant_conv", as: "post_quant_conv")
    // The way up is numbered from the full resolution, in diffusers from the lowest.
    let levels = (0..<16).prefix { keys.has("decoder.up.\($0).block.0.conv1.weight") }.count
    for level in 0..<16 {
      readLevel("encoder.down.\(level)", as: "encoder.down_blocks.\(level)", "downsample", "downsamplers")
    }
    for level in 0..<levels {
      readLevel("decoder.up.\(level)", as: "decoder.up_blocks.\(levels - 1 - level)", "upsample", "upsamplers")
    }
    for side in ["encoder", "decoder"] {
      map.layers(side, as: side, [("conv_in", "conv_in"), ("norm_out", "conv_norm_out"), ("conv_out", "conv_out")])
      for index in 0...1 { residual("\(side).mid.block_\(index + 1)", as: "\(side).mid_block.resnets.\(index)") }
      let attention = (stored: "\(side).mid.attn_1", name: "\(side).mid_block.attentions.0")
      map.layer("\(attention.stored).norm", as: "\(attention.name).group_norm")
      for (stored, name) in [("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")] {
        map.layer("\(attention.stored).\(stored)", as: "\(attention.name).\(name)", .matrix)
      }
    }
  }

  private mutating func readLevel(_ stored: String, as name: String, _ sampler: String, _ samplers: String) {
    var index = 0
    while map.keys.has("\(stored).block.\(index).conv1.weight") {
      residual("\(stored).block.\(index)", as: "\(name).resnets.\(index)")
      index += 1
    }
    map.layer("\(stored).\(sampler).conv", as: "\(name).\(samplers).0.conv")
  }

  private mutating func residual(_ stored: String, as name: String) {
    map.layers(
      stored, as: name,
      [
        ("norm1", "norm1"), ("conv1", "conv1"), ("norm2", "norm2"), ("conv2", "conv2"),
        ("nin_shortcut", "conv_shortcut"),
      ])
  }

  /// The fields of diffusers' `config.json`; what neither keys nor shapes say is the family's.
  func configuration(_ family: CheckpointFamily, _ assumed: CheckpointAssumptions) -> JSONValue {
    func kernel(_ name: String) -> [Int]? { map.shape("\(name).weight") }
    let widths = (0..<16).compactMap { kernel("encoder.down_blocks.\($0).resnets.0.conv1")?.first }
    let layers = (0..<1000).prefix { kernel("encoder.down_blocks.0.resnets.\($0).conv1") != nil }.count
    return [
      "_class_name": "AutoencoderKL",
      "in_channels": .optional(kernel("encoder.conv_in")?.dropFirst().first),
      "out_channels": .optional(kernel("decoder.conv_out")?.first),
      "latent_channels": .optional(kernel("decoder.conv_in")?.dropFirst().first),
      "block_out_channels": .array(widths.map { .int($0) }),
      "down_block_types": .strings(widths.map { _ in "DownEncoderBlock2D" }),
      "up_block_types": .strings(widths.map { _ in "UpDecoderBlock2D" }),
      "layers_per_block": .int(layers), "norm_num_groups": .int(assumed.groups), "act_fn": "silu",
      "sample_size": .int(family == .xl ? 1024 : 512),
      "scaling_factor": .double(family.latentScale), "shift_factor": .null,
      "force_upcast": .bool(family == .xl),
      "use_quant_conv": .bool(kernel("quant_conv") != nil),
      "use_post_quant_conv": .bool(kernel("post_quant_conv") != nil),
    ]
  }
}
