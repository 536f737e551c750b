import Diffusion
import Foundation
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
  /// Whether the denoising network also reads the image around what it draws, as networks for inpainting do.
  var readsSurroundings: Bool { get }
  /// Channels of the decoder's feature maps at the size of the image.
  var outputChannels: Int { get }
  /// Floating-point operations of one evaluation of the denoising network and of the decoder, for latents of this size.
  func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int)
}

extension ModelSizes {
  /// False, by default.
  public var readsSurroundings: Bool { false }

  /// The times that a request visits; throws where a model of these sizes cannot draw it, for its size, its steps or its edit.
  @discardableResult
  public func timeGrid(_ request: GenerationRequest) throws -> TimeGrid {
    try schedule.validate()
    return try Drawing(request, Schedule(schedule), geometry, readsSurroundings: readsSurroundings).grid
  }
}

extension Pipeline {
  /// What the configuration of a model says, of Flux or of Stable Diffusion's family, whose `options` are then used.
  public static func sizes(
    ofModel url: URL, options: StableDiffusionModel.Options = .init()
  ) throws -> any ModelSizes {
    if StableDiffusionFiles.isStored(at: url) {
      return try StableDiffusionModel.Configuration(StableDiffusionFiles(url), options)
    }
    try options.requireNone(for: url)
    return try ModelBundle.Configuration(directory: url)
  }
}

extension ModelBundle.Configuration: ModelSizes {
  public var maxTokens: Int { adapter.maxTokens }
  public var embedsGuidance: Bool { false }
  public var outputChannels: Int { 16 }
}
