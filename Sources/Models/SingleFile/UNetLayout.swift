import Support

/// A U-Net in the original layout: its parameters under diffusers' names, and what keys and shapes say of its sizes.
struct UNetLayout {
  /// A resolution level, as the way down has it.
  private struct Level {
    var width = 0
    var layers = 0
    /// Transformer blocks after each residual block; nil where there is no attention.
    var depth: Int?
  }

  private(set) var map: KeyMap
  private var levels = [Level()]
  private var upDepths: [Int?] = []
  private var middle: (exists: Bool, depth: Int?) = (false, nil)

  init(_ keys: CheckpointKeys) {
    map = KeyMap(keys)
    map.layers("time_embed", as: "time_embedding", [("0", "linear_1"), ("2", "linear_2"), ("cond_proj", "cond_proj")])
    map.layers("label_emb.0", as: "add_embedding", [("0", "linear_1"), ("2", "linear_2")])
    map.layer("input_blocks.0.0", as: "conv_in")
    map.layer("out.0", as: "conv_norm_out")
    map.layer("out.2", as: "conv_out")
    readDown()
    readMiddle()
    readUp()
  }

  private mutating func readDown() {
    var index = 1
    while true {
      let (block, level) = ("input_blocks.\(index)", levels.count - 1)
      if let kernel = map.keys.shape("\(block).0.in_layers.2.weight") {
        let layer = levels[level].layers
        residual("\(block).0", as: "down_blocks.\(level).resnets.\(layer)")
        levels[level].depth = attention("\(block).1", as: "down_blocks.\(level).attentions.\(layer)")
        levels[level].width = kernel.first ?? 0
        levels[level].layers += 1
      } else if map.keys.has("\(block).0.op.weight") {
        map.layer("\(block).0.op", as: "down_blocks.\(level).downsamplers.0.conv")
        levels.append(Level())
      } else {
        return
      }
      index += 1
    }
  }

  private mutating func readMiddle() {
    guard map.keys.has("middle_block.0.in_layers.2.weight") else { return }
    residual("middle_block.0", as: "mid_block.resnets.0")
    middle = (true, attention("middle_block.1", as: "mid_block.attentions.0"))
    residual("middle_block.2", as: "mid_block.resnets.1")
  }

  private mutating func readUp() {
    var (index, step, layer) = (0, 0, 0)
    while map.keys.has("output_blocks.\(index).0.in_layers.2.weight") {
      let block = "output_blocks.\(index)"
      residual("\(block).0", as: "up_blocks.\(step).resnets.\(layer)")
      let depth = attention("\(block).1", as: "up_blocks.\(step).attentions.\(layer)")
      if upDepths.count == step { upDepths.append(depth) }
      (index, layer) = (index + 1, layer + 1)
      // Where the level has no attention, the list has the upsampling in its place.
      for place in 1...2 where map.keys.has("\(block).\(place).conv.weight") {
        map.layer("\(block).\(place).conv", as: "up_blocks.\(step).upsamplers.0.conv")
        (step, layer) = (step + 1, 0)
      }
    }
  }

  private mutating func residual(_ stored: String, as name: String) {
    map.layers(
      stored, as: name,
      [
        ("in_layers.0", "norm1"), ("in_layers.2", "conv1"), ("emb_layers.1", "time_emb_proj"),
        ("out_layers.0", "norm2"),
        ("out_layers.3", "conv2"), ("skip_connection", "conv_shortcut"),
      ])
  }

  /// Maps a transformer, whose parts have one name in both layouts; returns its number of blocks, or nil without one.
  private mutating func attention(_ stored: String, as name: String) -> Int? {
    let endings = map.keys.endings(of: "\(stored).").filter { !$0.hasPrefix("conv.") }
    for ending in endings { map.add("\(stored).\(ending)", as: "\(name).\(ending)") }
    guard !endings.isEmpty else { return nil }
    return Set(
      endings.filter { $0.hasPrefix("transformer_blocks.") }.compactMap { $0.split(separator: ".").dropFirst().first }
    ).count
  }

  /// Width of the context of the first cross-attention; nil without one.
  static func contextWidth(_ keys: CheckpointKeys) -> Int? {
    keys.names.first { $0.hasSuffix(".transformer_blocks.0.attn2.to_k.weight") }.flatMap { keys.shape($0)?.last }
  }

  /// The fields of diffusers' `config.json`; what neither keys nor shapes say is the family's.
  func configuration(_ family: CheckpointFamily, _ assumed: CheckpointAssumptions) -> JSONValue {
    let keys = map.keys
    let widths = levels.map(\.width)
    let heads = widths.map { family == .stable1 ? assumed.heads : max(1, $0 / assumed.headWidth) }
    // A level has one depth in diffusers; its name for a level without attention is the plain block's.
    let depths = levels.enumerated().map { level, found in
      found.depth ?? upDepths.reversed().dropFirst(level).first.flatMap { $0 } ?? 1
    }
    let embedded = map.shape("add_embedding.linear_1.weight")?.last
    let projection = keys.names.first { $0.hasSuffix(".proj_in.weight") }.flatMap { keys.shape($0) }
    return [
      "_class_name": "UNet2DConditionModel",
      "sample_size": .int(family.sampleSize),
      "in_channels": .optional(keys.shape("input_blocks.0.0.weight")?.dropFirst().first),
      "out_channels": .optional(keys.shape("out.2.weight")?.first),
      "down_block_types": .strings(levels.map { $0.depth == nil ? "DownBlock2D" : "CrossAttnDownBlock2D" }),
      "mid_block_type": middle.exists
        ? (middle.depth == nil ? "UNetMidBlock2D" : "UNetMidBlock2DCrossAttn") : .null,
      "up_block_types": .strings(upDepths.map { $0 == nil ? "UpBlock2D" : "CrossAttnUpBlock2D" }),
      "block_out_channels": .array(widths.map { .int($0) }),
      "layers_per_block": .perLevel(levels.map(\.layers)),
      "transformer_layers_per_block": .perLevel(depths),
      "attention_head_dim": .perLevel(heads),
      "use_linear_projection": .bool(projection?.count == 2),
      "cross_attention_dim": .optional(Self.contextWidth(keys) ?? 1),
      "class_embed_type": .null,
      "addition_embed_type": embedded == nil ? .null : "text_time",
      "addition_time_embed_dim": embedded == nil ? .null : .int(assumed.sizeWidth),
      "projection_class_embeddings_input_dim": .optional(embedded),
      "time_cond_proj_dim": .optional(map.shape("time_embedding.cond_proj.weight")?.last),
      "norm_num_groups": .int(assumed.groups), "norm_eps": 1e-5, "act_fn": "silu", "flip_sin_to_cos": true,
      "freq_shift": 0, "downsample_padding": 1,
    ]
  }
}
