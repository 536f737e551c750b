import Diffusion
import Foundation
import Models
import Torch

/// How fast pictures are drawn, and where the time goes.
public struct GenerationBenchmark: Codable, Sendable {
  public let batch: Int  // pictures that are drawn together
  public let steps: Int
  public let firstSeconds: Double  // until the first batch is there, the networks being in memory
  public let picturesPerSecond: Double  // of the batches after it
  public let textShare: Double  // of their time
  public let unetShare: Double  // with the sampler
  public let decoderShare: Double  // with the conversion to 8 bits
  public let peakBytes: Int
  public let operationsPerPicture: Double  // of U-Net and decoder
  public let teraflops: Double  // reached by U-Net and decoder together
  public let productTeraflops: Double  // reached by large matrix products on the same device
}

extension Pipeline {
  /// Draws `rounds` batches after a first one, and times their stages; nothing is kept.
  public func benchmark(
    _ request: GenerationRequest, batch: Int, rounds: Int, bfloat16: Bool = false
  ) throws -> GenerationBenchmark {
    var seconds = [0.0, 0.0, 0.0]  // text, U-Net, decoder
    func timed<R>(_ stage: Int, _ body: () throws -> R) rethrows -> R {
      let watch = Stopwatch()
      let result = try withAutocast(device, enabled: bfloat16, body)
      device.synchronize()
      seconds[stage] += watch.seconds
      return result
    }
    func draw() throws {
      let text = timed(0) { encodeText(request.prompt) }
      let latent = try timed(1) { () throws -> Tensor? in
        var latent: Tensor?
        for step in try denoise(text, request, count: batch) { latent = step.latent }
        return latent
      }
      guard let latent else { fatalError("a time grid has at least one step") }
      _ = timed(2) { decodeLatents(latent) }
    }
    try draw()
    let first = seconds.reduce(0, +)
    seconds = [0, 0, 0]
    for _ in 0..<rounds { try draw() }
    let total = seconds.reduce(0, +)
    let operations = Double(try operations(of: request))
    return GenerationBenchmark(
      batch: batch, steps: request.steps, firstSeconds: first, picturesPerSecond: Double(batch * rounds) / total,
      textShare: seconds[0] / total, unetShare: seconds[1] / total, decoderShare: seconds[2] / total,
      peakBytes: PeakMemory.bytes(of: device), operationsPerPicture: operations,
      teraflops: operations * Double(batch * rounds) / (seconds[1] + seconds[2]) / 1e12,
      productTeraflops: ProductSpeed.measure(on: device, bfloat16 ? .bfloat16 : .float32) / 1e12)
  }

  /// Floating-point operations of U-Net and decoder that one picture takes, with a sampler that asks once a step.
  func operations(of request: GenerationRequest) throws -> Int {
    let text = encodeText(request.prompt)
    let shape = try latentShape(request)
    let (h, w) = (shape[1], shape[2])
    let (c, tokens) = (model.configuration, text.mask.shape[1])
    var passes = 0
    let grid = try TimeGrid(model.schedule, kind: request.sampler, steps: request.steps, spacing: request.spacing)
    for time in grid.times.dropLast() { passes += request.guidance.applies(at: time) ? 2 : 1 }
    return passes * c.unet.operations(height: h, width: w, tokens: tokens)
      + c.autoencoder.decoderOperations(height: h, width: w)
      + c.autoencoder.superResolutionOperations(height: h, width: w)
  }
}
