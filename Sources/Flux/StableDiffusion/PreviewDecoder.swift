import Foundation
import Models
import Support
import Torch

// The decoder of previews: an `AutoencoderTiny`, such as TAESD, beside the model's own autoencoder.

extension StableDiffusionModel.Configuration {
  /// Throws unless the `AutoencoderTiny` in a directory decodes latents of this model's shape and scale.
  ///
  /// Its configuration alone is read. Whether it was distilled for Stable Diffusion or for XL, no file says.
  public func checkPreviewDecoder(_ directory: URL) throws(CheckpointError) {
    if directory.pathExtension == "safetensors" {
      throw .configuration(
        file: directory.path,
        reason: "a preview decoder is a directory with config.json and \(AutoencoderTiny.weightsName).safetensors")
    }
    let file = directory.appendingPathComponent("config.json")
    do throws(ConfigurationError) {
      if let name = JSONFile.className(file), name != AutoencoderTiny.className {
        throw ConfigurationError("_class_name", JSONFile.shown(name), expected: AutoencoderTiny.className)
      }
    } catch { throw .configuration(file: file.path, reason: error.description) }
    let sizes = try AutoencoderTiny.readConfiguration(directory)
    do throws(ConfigurationError) {
      try checkPreviewDecoder(sizes)
    } catch { throw .configuration(file: file.path, reason: error.description) }
  }

  private func checkPreviewDecoder(_ sizes: AutoencoderTiny.Configuration) throws(ConfigurationError) {
    func require(_ key: String, _ value: Int, _ expected: Int, _ what: String) throws(ConfigurationError) {
      if value != expected { throw ConfigurationError(key, value, expected: "\(expected), \(what)") }
    }
    try require("latent_channels", sizes.latentChannels, unet.outChannels, "the channels that the U-Net predicts")
    try require("out_channels", sizes.outChannels, 3, "red, green and blue")
    let levels = sizes.decoderBlockOutChannels.count
    if sizes.downsample != autoencoder.cell {
      throw ConfigurationError(
        "decoder_block_out_channels", "a list of \(levels)",
        expected: "\(autoencoder.cell.trailingZeroBitCount + 1) for \(autoencoder.cell) pixels a latent cell")
    }
    // TAESD decodes what the U-Net sees, whatever its scale. Others decode latents of an autoencoder, which is then another.
    let (factor, own) = (sizes.scalingFactor ?? 1, autoencoder.scalingFactor)
    if factor != 1, factor != own {
      throw ConfigurationError(
        "scaling_factor", "\(factor)", expected: "1, or \(own), which the model's autoencoder has")
    }
  }

  /// Throws where models cannot share a decoder of previews: latents of Stable Diffusion XL mean other images.
  public static func checkSharedPreviewDecoder(_ directory: URL, for models: [Self]) throws(CheckpointError) {
    guard Set(models.map(\.unet.isXL)).count > 1 else { return }
    throw .configuration(
      file: directory.path,
      reason: "a preview decoder is for models of Stable Diffusion 1 and 2 or for those of XL, whose latents differ,"
        + " and not for both")
  }
}
