import Diffusion
import Models

/// What is known of a model before its weights are read: what time and memory of its images depend on.
public protocol ModelSizes: Sendable {
  /// The sizes that images depend on.
  var geometry: ImageGeometry { get }
  /// The noise schedule and the prediction type.
  var schedule: Schedule.Configuration { get }
  /// The most tokens of a text.
  var maxTokens: Int { get }
  /// Whether one evaluation of the denoising network has the effect of guidance.
  var embedsGuidance: Bool { get }
  /// Channels of the decoder's feature maps at the size of the image.
  var outputChannels: Int { get }
  /// Floating-point operations of one evaluation of the denoising network and of the decoder, for latents of this size.
  func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int)
}

extension ModelBundle.Configuration: ModelSizes {
  public var maxTokens: Int { adapter.maxTokens }
  public var embedsGuidance: Bool { false }
  public var outputChannels: Int { 16 }
}
