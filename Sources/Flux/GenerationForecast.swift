import Diffusion
import Foundation
import Models

/// Time and memory of generation, estimated from the configurations of a model before its weights are read.
public struct GenerationForecast: Sendable, Equatable {
  /// Number of images.
  public let images: Int
  /// Evaluations of the U-Net for one image each: with guidance, two at a step.
  public let evaluations: Int
  /// Floating-point operations of U-Net and decoder.
  public let flops: Double
  /// Estimated seconds, with the time to read the model.
  public let seconds: Double
  /// Estimated peak memory, in bytes.
  public let peakBytes: Int

  /// Part of the speed of large matrix products that the networks reach, measured with `mini` on two CPU cores.
  static let efficiency = 0.5
  /// Seconds to read a model and the text encoder, and memory of the program without networks.
  static let (startSeconds, programBytes) = (0.6, 180_000_000)

  /// The estimate for requests that are drawn `batch` together, on a device with a `speed` of large matrix products in
  /// operations a second.
  ///
  /// Throws where the model cannot draw a request. `weightBytes` is the size of all networks as float32.
  public init(
    _ requests: [GenerationRequest], model: any ModelSizes, weightBytes: Int, speed: Double, batch: Int
  ) throws {
    let schedule = Schedule(model.schedule)
    var (evaluations, flops, pixels) = (0, 0.0, 0)
    for request in requests {
      let size = try OutputSize(request, model.geometry)
      let grid = try TimeGrid(schedule, kind: request.sampler, steps: request.steps, spacing: request.spacing)
      var passes = 0
      for time in grid.times.dropLast() {
        passes += request.guidance.applies(at: time) && !model.embedsGuidance ? 2 : 1
      }
      if request.sampler == .heun { passes = 2 * passes - 1 }  // two a step but for the last
      let (h, w) = size.latent
      evaluations += passes
      let cost = model.flops(height: h, width: w, tokens: model.maxTokens)
      flops += Double(passes * cost.unet + cost.decoder)
      pixels = max(pixels, size.rendered.height * size.rendered.width, size.base.height * size.base.width)
    }
    (images, self.evaluations, self.flops) = (requests.count, evaluations, flops)
    seconds = Self.startSeconds + flops / (speed * Self.efficiency)
    // The decoder's last feature maps are the largest tensors: about four are alive together.
    peakBytes = Self.programBytes + weightBytes + model.outputChannels * pixels * 4 * 4
  }
}
