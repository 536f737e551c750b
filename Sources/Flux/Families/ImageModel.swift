import Diffusion
import Models
import NN
import Torch

/// The sizes of a model that a request's image depends on.
public struct ImageGeometry: Sendable, Equatable {
  /// Side of the images that the model was trained for, in pixels.
  public var imageSize: Int
  /// Output pixels per latent cell, along one side.
  public var cell: Int
  /// Channels of the latents.
  public var latentChannels: Int
  /// Whether the decoder renders its fields at any size, as palette decoders do.
  public var rendersAnySize: Bool

  /// Sizes of the given values, which are not checked.
  public init(imageSize: Int, cell: Int, latentChannels: Int, rendersAnySize: Bool = false) {
    self.imageSize = imageSize
    self.cell = cell
    self.latentChannels = latentChannels
    self.rendersAnySize = rendersAnySize
  }
}

/// A text-to-image diffusion model of any family, as `Pipeline` draws with it.
///
/// A family is text encoders, a denoising network, an autoencoder and a schedule. What reads the prompts is apart, a
/// `PromptConditioner`, since models may share it.
public protocol ImageModel: AnyObject {
  /// The sizes that images depend on.
  var geometry: ImageGeometry { get }
  /// The noise schedule that the denoising network was trained with.
  var schedule: Schedule { get }
  /// How the model is sampled by default; nil is `SamplingDefaults.standard`.
  var sampling: SamplingDefaults? { get }
  /// The range of clean latents, to which estimates are clamped; nil does not clamp.
  var cleanRange: ClosedRange<Double>? { get }
  /// The denoising network, into which LoRAs are merged.
  var unet: UNet { get }
  /// Whether the denoising network was distilled to read the guidance scale, so that one evaluation has its effect.
  var embedsGuidance: Bool { get }
  /// Whether the denoising network was trained for inpainting, and reads what is kept: it draws under masks only.
  var readsSurroundings: Bool { get }
  /// The prediction for noisy latents `[B, C, h, w]` at timesteps `[B]`, with one text each.
  ///
  /// A network that reads surroundings has `[B, 2C + 1, h, w]`: the latents, the mask (1 where it draws), and the latents
  /// of the image without what is under the mask.
  func predict(_ latents: Tensor, at timesteps: Tensor, _ text: TextConditioning) -> Tensor
  /// The latents `[B, C, h, w]`, scaled as the denoising network reads them, of pixels `[B, 3, H, W]` in −1…1.
  ///
  /// A variational autoencoder draws standard normal `noise` for its sample, which may have more rows; others do not call it.
  func encode(_ pixels: Tensor, noise: () -> Tensor) -> Tensor
  /// The pixels `[B, 3, H, W]` in −1…1 of scaled latents.
  func decode(_ latents: Tensor) -> Tensor
  /// The pixels `[B, 3, k · h, k · w]` in about −1…1 of scaled latents `[B, C, h, w]` roughly, one for each cell or more,
  /// where the decoder takes too long for unfinished images; nil where it does not.
  func approximatePixels(of latents: Tensor) -> Tensor?
  /// The part of the decoder whose output for these latents is not finite, given that some output is not.
  func faultyDecoder(_ latents: Tensor) -> GenerationError.NetworkPart
  /// Floating-point operations of one evaluation of the denoising network and of the decoder, for latents of this size.
  func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int)
  /// Moves all networks to a device, in place.
  func move(to device: Device)
  /// Reads a part's weights, unless they are in memory; throws if they cannot be read.
  func prepare(_ part: ModelPart) throws(CheckpointError)
  /// Says that a part is not needed for some time: its weights may leave memory.
  func release(_ part: ModelPart)
}

extension ImageModel {
  public var embedsGuidance: Bool { false }
  public var readsSurroundings: Bool { false }

  /// The decoder is quick, unless a family says otherwise.
  public func approximatePixels(of latents: Tensor) -> Tensor? { nil }

  /// All parts are in memory, unless a family says otherwise.
  public func prepare(_ part: ModelPart) throws(CheckpointError) {}
  /// All parts stay in memory, unless a family says otherwise.
  public func release(_ part: ModelPart) {}

  public func predict(_ latents: Tensor, at timesteps: Tensor, _ text: TextConditioning) -> Tensor {
    unet(latents, at: timesteps, text)
  }

  /// A decoder of one part is itself at fault.
  public func faultyDecoder(_ latents: Tensor) -> GenerationError.NetworkPart { .decoder }
}

// Flux's own family.

extension ModelBundle.Configuration {
  /// The sizes that images depend on.
  public var geometry: ImageGeometry {
    ImageGeometry(
      imageSize: imageSize, cell: autoencoder.downsample, latentChannels: autoencoder.latentChannels,
      rendersAnySize: autoencoder.palette != nil)
  }

  /// Floating-point operations of one evaluation of the U-Net and of the decoder, for latents of this size.
  ///
  /// The decoder is that of images of the base size: without the levels of a palette decoder.
  public func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int) {
    let base = autoencoder.withoutFieldLevels
    return (
      unet.flops(height: height, width: width, tokens: tokens),
      base.decoderFLOPs(height: height, width: width) + base.superResolutionFLOPs(height: height, width: width)
    )
  }
}

extension ModelBundle: ImageModel {
  public var geometry: ImageGeometry { configuration.geometry }
  /// Latents are normalized, so that no true one lies outside; far estimates at high noise are pulled in.
  public static let cleanRange = -6.0...6.0
  public var cleanRange: ClosedRange<Double>? { Self.cleanRange }

  public func encode(_ pixels: Tensor, noise: () -> Tensor) -> Tensor { autoencoder.encode(pixels) }
  public func decode(_ latents: Tensor) -> Tensor { autoencoder.decode(latents) }

  public func faultyDecoder(_ latents: Tensor) -> GenerationError.NetworkPart {
    autoencoder.decoder(latents.channelsLast()).pixels.allFinite ? .superResolution : .decoder
  }

  public func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int) {
    configuration.flops(height: height, width: width, tokens: tokens)
  }
}
