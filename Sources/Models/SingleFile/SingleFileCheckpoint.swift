import Foundation
import Support
import Torch

/// A model of the Stable Diffusion family in one `.safetensors` file, in the original layout of CompVis and Stability AI.
///
/// Opening it reads the header alone. The family, the sizes of the networks and the names of their parameters follow from
/// keys and shapes; `UNet.load(from: checkpoint.unet)` and its kind read the weights.
public final class SingleFileCheckpoint {
  /// Path of the file.
  public let path: String
  /// The family that keys and shapes show.
  public let family: CheckpointFamily
  /// The U-Net, under the names of `UNet2DConditionModel`.
  public let unet: CheckpointPart
  /// The autoencoder, under the names of `AutoencoderKL`; nil if the file has none.
  public let autoencoder: CheckpointPart?
  /// The text encoder, or SDXL's first, under the names of `CLIPTextModel`; nil if the file has none.
  public let textEncoder: CheckpointPart?
  /// SDXL's second text encoder, under the names of `CLIPTextModelWithProjection`; nil if the file has none.
  public let textEncoder2: CheckpointPart?
  /// Tensors that no network uses: averages of training, tables of noise, losses.
  public let ignoredKeys: [String]
  /// Whether the file carries the mark of v-prediction; without it ε is usual, but Stable Diffusion 2.1 has none either.
  public let predictsV: Bool
  /// Whether the file carries the mark of zero terminal SNR.
  public let hasZeroTerminalSNR: Bool

  /// Opens a file; throws if it is no model of this family, naming what it is, or has 8-bit floats or unknown layers.
  public convenience init(_ url: URL) throws(CheckpointError) {
    try self.init(url, assuming: CheckpointAssumptions())
  }

  init(_ url: URL, assuming assumed: CheckpointAssumptions) throws(CheckpointError) {
    let file = try SafetensorsFile(url)
    let (family, unetKeys) = try CheckpointFamily.find(file)
    let network = UNetLayout(unetKeys)
    // A layer that is not known would be missing in the pictures, not in a list.
    if !unetKeys.prefix.isEmpty, !network.map.unused.isEmpty {
      throw .unexpectedKeys(file: file.path, keys: network.map.unused)
    }
    unet = try CheckpointPart(network.map, configuration: network.configuration(family, assumed))

    var maps = [network.map]
    let images = AutoencoderLayout(CheckpointKeys(file, prefix: "first_stage_model."))
    let hasImages = images.map.shape("decoder.conv_in.weight") != nil
    autoencoder =
      hasImages ? try CheckpointPart(images.map, configuration: images.configuration(family, assumed)) : nil
    if hasImages { maps.append(images.map) }

    let texts = Self.textEncoders(file, family)
    func part(_ layout: TextEncoderLayout?) throws(CheckpointError) -> CheckpointPart? {
      guard let layout else { return nil }
      maps.append(layout.map)
      return try CheckpointPart(layout.map, configuration: layout.configuration(assumed))
    }
    textEncoder = try part(texts.first)
    textEncoder2 = try part(texts.second)

    path = file.path
    self.family = family
    predictsV = file.info("v_pred") != nil
    hasZeroTerminalSNR = file.info("ztsnr") != nil
    let used = Set(maps.flatMap { $0.entries.values.map(\.stored) } + ["v_pred", "ztsnr"])
    ignoredKeys = file.keys.filter { !used.contains($0) }
  }

  private static func textEncoders(
    _ file: SafetensorsFile, _ family: CheckpointFamily
  ) -> (first: TextEncoderLayout?, second: TextEncoderLayout?) {
    func clip(_ prefix: String) -> TextEncoderLayout? {
      let layout = TextEncoderLayout(clip: CheckpointKeys(file, prefix: prefix))
      return layout.map.entries.isEmpty ? nil : layout
    }
    func openCLIP(_ prefix: String) -> TextEncoderLayout? {
      let layout = TextEncoderLayout(openCLIP: CheckpointKeys(file, prefix: prefix), family)
      return layout.map.entries.isEmpty ? nil : layout
    }
    return switch family {
    case .stable1: (clip("cond_stage_model.transformer."), nil)
    case .stable2: (openCLIP("cond_stage_model.model."), nil)
    case .xl: (clip("conditioner.embedders.0.transformer."), openCLIP("conditioner.embedders.1.model."))
    }
  }

  /// The fields of `scheduler_config.json` that the published model of the family has, with what the file's marks change.
  public var scheduler: JSONValue { family.scheduler(predictsV: predictsV, zeroTerminalSNR: hasZeroTerminalSNR) }

  /// An autoencoder that is alone in its file, in the original layout or that of diffusers.
  ///
  /// `family` decides the factor of its latents, which no file has.
  public static func autoencoder(
    _ url: URL, for family: CheckpointFamily
  ) throws(CheckpointError) -> CheckpointPart {
    try autoencoder(url, for: family, assuming: CheckpointAssumptions())
  }

  static func autoencoder(
    _ url: URL, for family: CheckpointFamily, assuming assumed: CheckpointAssumptions
  ) throws(CheckpointError) -> CheckpointPart {
    let file = try SafetensorsFile(url)
    for prefix in ["first_stage_model.", "vae.", ""] {
      let layout = AutoencoderLayout(CheckpointKeys(file, prefix: prefix))
      guard layout.map.shape("decoder.conv_in.weight") != nil else { continue }
      return try CheckpointPart(layout.map, configuration: layout.configuration(family, assumed))
    }
    throw .missingKey(file: file.path, key: "decoder.conv_in.weight")
  }
}
