import Diffusion
import Foundation
import Images
import Models
import Torch

/// The speed of generation, and the share of the time that each stage takes.
public struct GenerationBenchmark: Codable, Sendable {
  /// Number of images generated together.
  public let batch: Int
  /// Number of sampling steps.
  public let steps: Int
  /// Seconds of the first batch, with the networks already in memory.
  public let firstSeconds: Double
  /// Throughput of the batches after the first.
  public let imagesPerSecond: Double
  /// Fraction of their time spent on text, 0…1.
  public let textShare: Double
  /// Fraction of their time spent in U-Net and sampler, 0…1.
  public let unetShare: Double
  /// Fraction of their time spent in the decoder and the conversion to 8 bits, 0…1.
  public let decoderShare: Double
  /// Peak memory of the device in bytes; on a CPU, that of the process.
  public let peakBytes: Int
  /// Floating-point operations of U-Net and decoder for one image.
  public let flopsPerImage: Double
  /// TFLOP/s of U-Net and decoder together.
  public let teraflops: Double
  /// TFLOP/s of large matrix products on the same device and in the same precision.
  public let matmulTeraflops: Double
}

extension Pipeline {
  /// Draws `rounds` batches after a first one, and times their stages; nothing is kept.
  public func benchmark(
    _ request: GenerationRequest, batch: Int, rounds: Int
  ) throws -> GenerationBenchmark {
    var seconds = [0.0, 0.0, 0.0]  // text, U-Net, decoder
    func timed<R>(_ stage: Int, _ body: () throws -> R) rethrows -> R {
      let watch = Stopwatch()
      let result = try body()
      device.synchronize()
      seconds[stage] += watch.seconds
      return result
    }
    func draw() throws {
      let text = try timed(0) { try encodeText(request.prompt) }
      let latent = try timed(1) { () throws -> Tensor? in
        var latent: Tensor?
        for step in try denoise(text, request, count: batch) { latent = step.latent }
        return latent
      }
      guard let latent else { fatalError("a time grid has at least one step") }
      _ = try timed(2) { try decodeLatents(latent) }
    }
    try draw()
    let first = seconds.reduce(0, +)
    seconds = [0, 0, 0]
    for _ in 0..<rounds { try draw() }
    let total = seconds.reduce(0, +)
    let flops = Double(try flops(of: request))
    return GenerationBenchmark(
      batch: batch, steps: request.steps, firstSeconds: first, imagesPerSecond: Double(batch * rounds) / total,
      textShare: seconds[0] / total, unetShare: seconds[1] / total, decoderShare: seconds[2] / total,
      peakBytes: PeakMemory.bytes(of: device), flopsPerImage: flops,
      teraflops: flops * Double(batch * rounds) / (seconds[1] + seconds[2]) / 1e12,
      matmulTeraflops: MatmulThroughput.measure(on: device, precision.dtype) / 1e12)
  }

  /// Floating-point operations of U-Net and decoder that one image takes, with a sampler that asks once a step.
  func flops(of request: GenerationRequest) throws -> Int {
    let text = try encodeText(request.prompt)
    let shape = try latentShape(request)
    let (h, w) = (shape[1], shape[2])
    var passes = 0
    let grid = try timeGrid(request)
    for time in grid.times.dropLast() { passes += request.guidance.applies(at: time) ? 2 : 1 }
    let flops = model.flops(height: h, width: w, tokens: text.conditional.mask.shape[1])
    return passes * flops.unet + flops.decoder
  }
}

extension Pipeline {
  /// The noise levels that are measured, from nearly clean to nearly noise.
  public static let measuredTimesteps = [100, 300, 500, 700, 900]

  /// A mean square error of clean latents, whose variance is about 1.
  public typealias DenoisingError = (
    timestep: Int,
    own: Double,  // under the image's own caption
    other: Double  // under the caption half the list away
  )

  /// Errors of the model's estimates of known images' latents, in units that every prediction and loss share.
  ///
  /// Finer than scores of drawn images, and blind to what samplers and guidance do. The noise depends on `seed` alone.
  public func denoisingErrors(_ images: [Image], captions: [String], seed: UInt64) -> [DenoisingError] {
    withInference {
      // [B, C, h, w]
      let latents = Tensor.cat(
        images.map { model.encode(TensorImage.tensor([$0]).to(device)) { .zeros([1], device: device) } })
      let tokens = captions.map(conditioner.ids)
      let text = conditioner.encode(tokens, padTo: tokens.map(\.count).max() ?? 0).rows
      let generator = Generator(seed: seed)
      return Self.measuredTimesteps.map { timestep in
        let noise = Tensor.randn(latents.shape, generator: generator).to(device)
        let (alpha, sigma) = (model.schedule.alpha(timestep), model.schedule.sigma(timestep))
        let noisy = (latents * alpha + noise * sigma).channelsLast()
        func error(_ text: TextConditioning) -> Double {
          let timesteps = Tensor.full([images.count], Double(timestep), device: device)
          let output = model.predict(noisy, at: timesteps, text)
          let clean = model.schedule.configuration.predictionType.clean(output, at: noisy, alpha: alpha, sigma: sigma)
          return (clean - latents).square().mean().item()
        }
        let half = images.count / 2
        func turned(_ x: Tensor) -> Tensor {
          Tensor.cat([x.narrowed(0, half, images.count - half), x.narrowed(0, 0, half)])
        }
        return (timestep, error(text), error(text.map(turned)))
      }
    }
  }
}
