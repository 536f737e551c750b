// Which directory each network is stored in, and under which names.

extension UNet: ConfiguredModel {
  public static var className: String { "UNet2DConditionModel" }
  public static func problem(_ configuration: Configuration) -> String? { configuration.problem }

  /// Options of diffusers' class that Flux implements in one way only.
  public static var fixedOptions: [String: FixedOption] {
    [
      "act_fn": .text("silu"), "addition_embed_type": .null, "addition_time_embed_dim": .null,
      "attention_type": .text("default"), "center_input_sample": .flag(false),
      "class_embeddings_concat": .flag(false),
      "conv_in_kernel": .number(3), "conv_out_kernel": .number(3), "cross_attention_norm": .null,
      "dropout": .number(0),
      "dual_cross_attention": .flag(false), "encoder_hid_dim": .null, "encoder_hid_dim_type": .null,
      "mid_block_only_cross_attention": .null, "mid_block_scale_factor": .number(1),
      "num_attention_heads": .null,
      "num_class_embeds": .null, "only_cross_attention": .flag(false), "resnet_out_scale_factor": .number(1),
      "resnet_skip_time_act": .flag(false), "resnet_time_scale_shift": .text("default"),
      "reverse_transformer_layers_per_block": .null, "time_cond_proj_dim": .null,
      "time_embedding_act_fn": .null,
      "time_embedding_dim": .null, "time_embedding_type": .text("positional"), "timestep_post_act": .null,
    ]
  }
}

extension Autoencoder: ConfiguredModel {
  public static var className: String { "FluxAutoencoder" }
  public static func problem(_ configuration: Configuration) -> String? { configuration.problem }
}

extension TextAdapter: ConfiguredModel {
  public static var className: String { "FluxTextAdapter" }
}

extension TextEncoder: ConfiguredModel {
  public static var className: String { "BertModel" }
  public static var weightsName: String { "model" }

  /// MiniLM stores a table of positions, which are just counted, and a pooler, which nobody reads here.
  public static func ignores(_ key: String) -> Bool {
    key == "embeddings.position_ids" || key.hasPrefix("pooler.")
  }
}
