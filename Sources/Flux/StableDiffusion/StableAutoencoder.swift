import Foundation
import Models
import NN
import Support
import Torch

/// The autoencoders that models of Stable Diffusion's family have.
protocol StableAutoencoder: Module {
  /// Channels of the latents.
  var latentChannels: Int { get }
  /// Channels of the images that it reads and makes.
  var imageChannels: [Int] { get }
  /// The latents that the U-Net sees, of pixels in −1…1; `noise` is drawn where they are random.
  func latents(of pixels: Tensor, noise: () -> Tensor) -> Tensor
  /// Mean and standard deviation of the latents of pixels, where they are random.
  func distribution(of pixels: Tensor) -> (mean: Tensor, deviation: Tensor?)
  /// The pixels of such latents.
  func pixels(of latents: Tensor) -> Tensor
  /// The class of diffusers that its folder names.
  static var className: String { get }
  /// Writes configuration and weights.
  func save(
    to directory: URL, as format: Quantization, metadata: [String: String], maxShardBytes: Int
  ) throws(CheckpointError)
}

extension AutoencoderKL: StableAutoencoder {
  var latentChannels: Int { configuration.latentChannels }
  var imageChannels: [Int] { [configuration.inChannels, configuration.outChannels] }

  /// A sample of the latents' distribution, as in diffusers' pipelines.
  func latents(of pixels: Tensor, noise: () -> Tensor) -> Tensor {
    let distribution = encode(pixels)
    return scaled(distribution.sample(noise: noise()))
  }

  func distribution(of pixels: Tensor) -> (mean: Tensor, deviation: Tensor?) {
    let distribution = scaled(encode(pixels))
    return (distribution.mean, (0.5 * distribution.logVariance).exp())
  }

  func pixels(of latents: Tensor) -> Tensor { decode(latents) }
}

extension AutoencoderTiny: StableAutoencoder {
  var latentChannels: Int { configuration.latentChannels }
  var imageChannels: [Int] { [configuration.inChannels, configuration.outChannels] }

  func latents(of pixels: Tensor, noise: () -> Tensor) -> Tensor { encode(pixels) }
  func distribution(of pixels: Tensor) -> (mean: Tensor, deviation: Tensor?) { (encode(pixels), nil) }

  func pixels(of latents: Tensor) -> Tensor { decode(latents) }
}
