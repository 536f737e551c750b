import Diffusion
import Foundation
import Models
import Torch

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

  /// The weights that are in memory while an image is drawn, in bytes.
  public struct WeightBytes: Sendable, Equatable {
    /// While prompts are read.
    public var reading: Int
    /// While the denoising network computes.
    public var denoising: Int
    /// While the image is decoded.
    public var decoding: Int

    /// All networks at all times.
    public init(all: Int) { (reading, denoising, decoding) = (all, all, all) }

    /// One network after the other, as `Residency.needed` has those of Stable Diffusion's family; packed where a `Pipeline`
    /// packs them, and only known by the headers of their files.
    ///
    /// Throws where a header is missing or does not fit its configuration.
    public init(
      of files: StableDiffusionFiles, _ options: StableDiffusionModel.Options, _ precision: Precision, on device: Device
    ) throws(CheckpointError) {
      let denoiser = try files.storedUNet()
      let isXL = denoiser.network.configuration.isXL
      var encoders = [try files.storedTextEncoder()]
      if isXL { encoders.append(try files.storedTextEncoder(isSecond: true)) }
      let parts = StableDiffusionModel.parts(
        encoders, denoiser, try files.storedAutoencoder(other: options.autoencoder), isXL: isXL, precision,
        packsWeights: StableDiffusionModel.packsWeights(precision, on: device))
      reading = parts[.text]?.bytes ?? 0
      denoising = parts[.denoiser]?.bytes ?? 0
      decoding = parts[.autoencoder]?.bytes ?? 0
    }
  }

  /// The estimate for requests that are drawn `batch` together, on a device with a `speed` of large matrix products in
  /// operations a second.
  ///
  /// Throws where the model cannot draw a request. `weights` are the bytes of the networks in memory.
  public init(
    _ requests: [GenerationRequest], model: any ModelSizes, weights: WeightBytes, speed: Double, batch: Int
  ) throws {
    let schedule = Schedule(model.schedule)
    var (evaluations, flops, pixels) = (0, 0.0, 0)
    for request in requests {
      let size = try OutputSize(request, model.geometry)
      let grid = try TimeGrid(schedule, kind: request.sampler, steps: request.steps, spacing: request.spacing)
      let first = try request.edit.map { try grid.start(strength: $0.strength) } ?? 0
      // Heun also evaluates at the end of each step but the last.
      let steps = Array(grid.times[first..<grid.count])
      let times = request.sampler == .heun ? steps + steps.dropFirst() : steps
      let passes = times.reduce(0) { count, time in
        count + (request.guidance.applies(at: time) && !model.embedsGuidance ? 2 : 1)
      }
      let (h, w) = size.latent
      evaluations += passes
      let cost = model.flops(height: h, width: w, tokens: model.maxTokens)
      flops += Double(passes * cost.unet + cost.decoder)
      pixels = max(pixels, size.rendered.height * size.rendered.width, size.base.height * size.base.width)
    }
    (images, self.evaluations, self.flops) = (requests.count, evaluations, flops)
    seconds = Self.startSeconds + flops / (speed * Self.efficiency)
    // The decoder's last feature maps are the largest tensors: about four are alive together. The features of Stable
    // Diffusion's U-Net took half as much at 512×512 pixels.
    let features = model.outputChannels * pixels * 4 * 4
    peakBytes = Self.programBytes + max(weights.denoising + features / 2, weights.decoding + features, weights.reading)
  }
}
