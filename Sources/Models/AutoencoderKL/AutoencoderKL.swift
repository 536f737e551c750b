import Foundation
import NN
import Support
import Torch

/// Images to latents and back with diffusers' `AutoencoderKL`, the variational autoencoder of Stable Diffusion (Rombach
/// et al., 2022).
///
/// Latents for a denoiser are scaled, so that their variance is about 1; `encode` gives them unscaled.
public final class AutoencoderKL: Module {
  /// The normal distribution of the latents of an image, independent in every element.
  public struct LatentDistribution {
    /// `[B, C, h, w]`.
    public let mean: Tensor
    /// Logarithm of the variance, in −30…20, `[B, C, h, w]`.
    public let logVariance: Tensor

    /// `mean + exp(½ · logVariance) · noise`, with standard normal `noise` of the same shape.
    public func sample(noise: Tensor) -> Tensor { mean + (0.5 * logVariance).exp() * noise }
  }

  let encoder: KLEncoder
  let decoder: KLDecoder
  let quantConv: Conv2d?
  let postQuantConv: Conv2d?
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    self.configuration = configuration
    encoder = KLEncoder(configuration, initial)
    decoder = KLDecoder(configuration, initial)
    let channels = configuration.latentChannels
    quantConv = configuration.useQuantConv ? Conv2d(in: 2 * channels, out: 2 * channels, kernel: 1, initial) : nil
    postQuantConv = configuration.usePostQuantConv ? Conv2d(in: channels, out: channels, kernel: 1, initial) : nil
  }

  /// Images `[B, 3, H, W]` in −1…1 to the distribution of their unscaled latents, `[B, C, H / factor, W / factor]`.
  ///
  /// A size that the factor does not divide is rounded down at every level.
  public func encode(_ pixels: Tensor) -> LatentDistribution {
    let features = encoder(pixels.to(dtype).channelsLast())
    let moments = (quantConv?(features) ?? features).chunked(2, dim: 1)
    return LatentDistribution(
      mean: moments[0].to(.float32), logVariance: moments[1].to(.float32).clamped(to: -30...20))
  }

  /// Scaled latents `[B, C, h, w]` to images `[B, 3, factor · h, factor · w]`, about −1…1 (not clamped).
  public func decode(_ latents: Tensor) -> Tensor {
    let raw = unscaled(latents).to(dtype).channelsLast()
    return decoder(postQuantConv?(raw) ?? raw).to(.float32)
  }

  /// The type of the weights, in which the network computes; what it reads and gives is float32.
  private var dtype: DType { decoder.convIn.weight.dtype }

  /// Latents for the denoiser: `(z − shift) · scale`, or `(z − mean) · scale / std` with the channels' statistics.
  public func scaled(_ raw: Tensor) -> Tensor {
    let c = configuration
    guard let (mean, std) = statistics(on: raw.device) else { return (raw - (c.shiftFactor ?? 0)) * c.scalingFactor }
    return (raw - mean) * c.scalingFactor / std
  }

  /// The distribution of the latents for the denoiser, of that of unscaled ones.
  public func scaled(_ raw: LatentDistribution) -> LatentDistribution {
    let scale = configuration.scalingFactor
    let shift =
      statistics(on: raw.mean.device).map { (scale / $0.std).log() * 2 }
      ?? Tensor([Float(2 * log(scale))]).to(raw.mean.device)
    return LatentDistribution(mean: scaled(raw.mean), logVariance: raw.logVariance + shift)
  }

  /// The inverse of `scaled`.
  public func unscaled(_ latents: Tensor) -> Tensor {
    let c = configuration
    guard let (mean, std) = statistics(on: latents.device) else {
      return latents / c.scalingFactor + (c.shiftFactor ?? 0)
    }
    return latents * std / c.scalingFactor + mean
  }

  private func statistics(on device: Device) -> (mean: Tensor, std: Tensor)? {
    guard let mean = configuration.latentsMean, let std = configuration.latentsStd else { return nil }
    func tensor(_ values: [Double]) -> Tensor {
      Tensor(values.map { Float($0) }, shape: [1, values.count, 1, 1]).to(device)
    }
    return (tensor(mean), tensor(std))
  }
}

extension AutoencoderKL: ConfiguredModel {
  /// The class of diffusers with the same structure and keys.
  public static var className: String { "AutoencoderKL" }
  /// The only activation of the models that there are.
  public static var fixedOptions: [String: FixedOption] { ["act_fn": .text("silu")] }

  /// The names of attention in files of diffusers before 0.12.
  public static var olderKeys: [String: String] {
    let names = ["to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"]
    var keys: [String: String] = [:]
    for part in ["encoder", "decoder"] {
      for (name, older) in names {
        keys["\(part).mid_block.attentions.0.\(name)."] = "\(part).mid_block.attentions.0.\(older)."
      }
    }
    return keys
  }
}
