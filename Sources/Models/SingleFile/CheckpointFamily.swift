import Support
import Torch

/// The families of models that Flux reads from single files.
public enum CheckpointFamily: String, Sendable, CaseIterable {
  /// Stable Diffusion 1: CLIP, a context 768 wide.
  case stable1 = "Stable Diffusion 1"
  /// Stable Diffusion 2: OpenCLIP, a context 1024 wide.
  case stable2 = "Stable Diffusion 2"
  /// Stable Diffusion XL: both, a context 2048 wide, and pooled text and sizes.
  case xl = "Stable Diffusion XL"

  /// Side of the latents that the published models were trained on, in cells.
  var sampleSize: Int {
    switch self {
    case .stable1: 64
    case .stable2: 96
    case .xl: 128
    }
  }

  /// The factor that gives latents unit variance.
  var latentScale: Double { self == .xl ? 0.13025 : 0.18215 }

  /// Fields of `scheduler_config.json` of the published model, with ε as its prediction unless `predictsV`.
  func scheduler(predictsV: Bool, zeroTerminalSNR: Bool) -> JSONValue {
    let className =
      switch self {
      case .stable1: "PNDMScheduler"
      case .stable2: "DDIMScheduler"
      case .xl: "EulerDiscreteScheduler"
      }
    return [
      "_class_name": .string(className), "beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012,
      "num_train_timesteps": 1000, "prediction_type": predictsV ? "v_prediction" : "epsilon", "clip_sample": false,
      "set_alpha_to_one": false, "steps_offset": 1, "timestep_spacing": "leading",
      "rescale_betas_zero_snr": .bool(zeroTerminalSNR && predictsV),
    ]
  }
}

/// What neither the keys nor the shapes of a file say: the same in all published models.
struct CheckpointAssumptions {
  /// Attention heads of Stable Diffusion 1.
  var heads = 8
  /// Width of an attention head of the other families.
  var headWidth = 64
  /// Width of an attention head of a text encoder.
  var textHeadWidth = 64
  /// Id of the token that ends a text.
  var endToken = 49_407
  /// Groups of the group normalization.
  var groups = 32
  /// Sines and cosines of each of the sizes of SDXL.
  var sizeWidth = 256
}

extension CheckpointFamily {
  /// Keys by which other kinds of files are known, without the U-Net's prefix.
  private static let others: [(name: String, keys: [String])] = [
    ("FLUX.3", ["early_stream_modulations.image.lin.weight", "ref_time_in.in_layer.weight"]),
    ("FLUX.2", ["single_stream_modulation.lin.weight"]),
    ("Chroma", ["distilled_guidance_layer.in_proj.bias"]),
    ("FLUX.1", ["double_blocks.0.img_attn.norm.key_norm.scale"]),
    ("Stable Diffusion 3", ["joint_blocks.0.context_block.adaLN_modulation.1.bias"]),
    ("Z-Image", ["layers.0.adaLN_modulation.0.weight"]),
    ("Lumina 2", ["cap_embedder.0.weight"]),
    ("AuraFlow", ["double_layers.0.attn.w2q.weight"]),
    ("PixArt", ["t_block.1.weight", "adaln_single.linear.weight"]),
    ("Sana", ["blocks.0.cross_attn.q_linear.weight"]),
    ("Qwen-Image", ["transformer_blocks.0.img_mod.1.weight", "txt_in.text_norm.weight"]),
    ("Wan", ["head.modulation"]),
    ("Hunyuan-Video", ["txt_in.individual_token_refiner.blocks.0.adaLN_modulation.1.bias"]),
    ("LTX-Video", ["patchify_proj.weight"]),
    ("Stable Cascade", ["clip_txt_mapper.weight", "down_blocks.1.0.channelwise.0.weight"]),
    ("Playground 2.5", ["edm_mean"]),
    ("ControlNet", ["control_model.time_embed.0.weight", "controlnet_cond_embedding.conv_in.weight"]),
    ("the refiner of Stable Diffusion XL", ["conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias"]),
  ]

  /// The prefixes of U-Nets: that of whole models, and none in files of a U-Net alone.
  static let prefixes = ["model.diffusion_model.", ""]

  private static func refusal(_ file: SafetensorsFile, _ reason: String) -> CheckpointError {
    .configuration(
      file: file.path, reason: "\(reason); Flux draws with \(allCases.map(\.rawValue).joined(separator: ", "))")
  }

  /// The family of a file and the keys of its U-Net; throws with the kind of the file if it is another one.
  static func find(_ file: SafetensorsFile) throws(CheckpointError) -> (family: CheckpointFamily, unet: CheckpointKeys)
  {
    for (name, keys) in others {
      if keys.contains(where: { key in prefixes.contains { file.info($0 + key) != nil } }) {
        throw refusal(file, "it is a model of \(name)")
      }
    }
    guard let prefix = prefixes.first(where: { file.info($0 + "input_blocks.0.0.weight") != nil }) else {
      throw unknown(file)
    }
    let unet = CheckpointKeys(file, prefix: prefix)
    let channels = unet.shape("input_blocks.0.0.weight")?.dropFirst().first ?? 0
    guard [4, 9].contains(channels) else {
      let kind =
        [5: "depth", 7: "upscaling", 8: "instruct-pix2pix"][channels].map { ", as of a model for \($0)" } ?? ""
      throw refusal(file, "its U-Net has \(channels) input channels\(kind), expected 4, or 9 for inpainting")
    }
    return (try family(of: unet), unet)
  }

  private static func family(of unet: CheckpointKeys) throws(CheckpointError) -> CheckpointFamily {
    let file = unet.file
    let width = UNetLayout.contextWidth(unet)
    if unet.has("label_emb.0.0.weight") {
      if width == 1280 { throw refusal(file, "it is the refiner of Stable Diffusion XL") }
      return .xl
    }
    switch width {
    case 768: return .stable1
    case 1024: return .stable2
    case 2048: throw refusal(file, "its U-Net has a context 2048 wide, but embeds no sizes")
    default:
      if file.keys.contains(where: { $0.hasPrefix("cond_stage_model.transformer.") }) { return .stable1 }
      if file.info("cond_stage_model.model.token_embedding.weight") != nil { return .stable2 }
      throw refusal(
        file, "its U-Net has a context \(width.map { "\($0)" } ?? "of no") wide, expected 768, 1024 or 2048")
    }
  }

  private static func unknown(_ file: SafetensorsFile) -> CheckpointError {
    let keys = file.keys
    if keys.contains(where: { $0.contains("lora_down.") || $0.contains(".lora_A.") || $0.contains(".lora_B.") }) {
      return refusal(file, "it is a LoRA, not a model")
    }
    if keys.contains("down_blocks.0.resnets.0.conv1.weight") {
      return refusal(file, "it is a U-Net in diffusers' layout, whose sizes are in the config.json of its folder")
    }
    if ["decoder.conv_in.weight", "first_stage_model.decoder.conv_in.weight"].contains(where: keys.contains) {
      return refusal(file, "it has an autoencoder and no U-Net")
    }
    return refusal(file, "it has no tensor \"\(prefixes[0])input_blocks.0.0.weight\", which all checkpoints have")
  }
}
