import Support

/// A text encoder within a single file: CLIP as transformers stores it, or OpenCLIP in its own layout.
struct TextEncoderLayout {
  private(set) var map: KeyMap
  private let activation: String
  private let isProjected: Bool

  /// CLIP, whose names are those of transformers behind the prefix.
  init(clip keys: CheckpointKeys) {
    map = KeyMap(keys)
    (activation, isProjected) = ("quick_gelu", false)
    for name in keys.names where !name.hasSuffix("position_ids") {
      let inner = name.hasPrefix("text_model.") ? name : "text_model.\(name)"
      if ["text_model.embeddings.", "text_model.encoder.", "text_model.final_layer_norm."].contains(
        where: inner.hasPrefix)
      {
        map.add(name, as: inner)
      }
    }
  }

  /// OpenCLIP, with query, key and value in one tensor and a projection that is transposed.
  ///
  /// Stable Diffusion 2 takes the states before the last layer, which transformers leaves out, and no projection.
  init(openCLIP keys: CheckpointKeys, _ family: CheckpointFamily) {
    map = KeyMap(keys)
    (activation, isProjected) = ("gelu", family == .xl)
    map.add("token_embedding.weight", as: "text_model.embeddings.token_embedding.weight")
    map.add("positional_embedding", as: "text_model.embeddings.position_embedding.weight")
    map.layer("ln_final", as: "text_model.final_layer_norm")
    if isProjected { map.add("text_projection", as: "text_projection.weight", .transposed) }
    let stored = (0..<1000).prefix { keys.has("transformer.resblocks.\($0).ln_1.weight") }.count
    for index in 0..<max(0, family == .stable2 ? stored - 1 : stored) {
      let block = (stored: "transformer.resblocks.\(index)", name: "text_model.encoder.layers.\(index)")
      map.layers(
        block.stored, as: block.name,
        [
          ("ln_1", "layer_norm1"), ("ln_2", "layer_norm2"), ("attn.out_proj", "self_attn.out_proj"),
          ("mlp.c_fc", "mlp.fc1"), ("mlp.c_proj", "mlp.fc2"),
        ])
      for (part, letter) in ["q", "k", "v"].enumerated() {
        for end in ["weight", "bias"] {
          map.add(
            "\(block.stored).attn.in_proj_\(end)", as: "\(block.name).self_attn.\(letter)_proj.\(end)", .third(part))
        }
      }
    }
  }

  /// The fields of transformers' `config.json`.
  func configuration(_ assumed: CheckpointAssumptions) -> JSONValue {
    let embeddings = "text_model.embeddings"
    let tokens = map.shape("\(embeddings).token_embedding.weight")
    let layer = "text_model.encoder.layers"
    let width = tokens?.last
    return [
      "architectures": [isProjected ? "CLIPTextModelWithProjection" : "CLIPTextModel"],
      "model_type": "clip_text_model",
      "vocab_size": .optional(tokens?.first), "hidden_size": .optional(width),
      "intermediate_size": .optional(map.shape("\(layer).0.mlp.fc1.weight")?.first),
      "num_hidden_layers": .int((0..<1000).prefix { map.shape("\(layer).\($0).mlp.fc1.weight") != nil }.count),
      "num_attention_heads": .optional(width.map { max(1, $0 / assumed.textHeadWidth) }),
      "max_position_embeddings": .optional(map.shape("\(embeddings).position_embedding.weight")?.first),
      "layer_norm_eps": 1e-5, "hidden_act": .string(activation),
      "projection_dim": .optional(map.shape("text_projection.weight")?.first ?? width),
      "bos_token_id": 49_406, "eos_token_id": .int(assumed.endToken), "pad_token_id": 1,
    ]
  }
}
