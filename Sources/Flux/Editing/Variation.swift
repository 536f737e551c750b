import Diffusion
import Torch

/// A second seed whose noise the initial noise is led towards.
public struct Variation: Codable, Sendable, Equatable {
  /// The second seed.
  public var seed: UInt64
  /// 0 (the noise of the request's seed) … 1 (the noise of the second seed).
  public var strength: Double

  /// A variation of the given values; `GenerationRequest.validate` checks them.
  public init(seed: UInt64, strength: Double) {
    self.seed = seed
    self.strength = strength
  }
}

extension GenerationRequest {
  /// The request of image `index` of a batch: seed + index, or with a variation the same seed and the second seed + index.
  ///
  /// A negative index goes back from an image to those before it.
  public func image(_ index: Int) -> GenerationRequest {
    var request = self
    if variation == nil {
      request.seed = seed &+ UInt64(bitPattern: Int64(index))
    } else {
      request.variation?.seed &+= UInt64(bitPattern: Int64(index))
    }
    return request
  }

  /// The requests of a batch, as `image(_:)` numbers them.
  public func batch(_ count: Int) -> [GenerationRequest] { (0..<count).map(image) }

  /// The noise of a batch's images: that of their seeds.
  func noiseSource(_ count: Int, shape: [Int]) -> NoiseSource {
    NoiseSource(seeds: batch(count).map(\.seed), shape: shape)
  }

  /// The initial noise of a batch, `[count, C, h, w]`: the first from `source`, led towards that of the second seeds.
  ///
  /// Later noise, which stochastic samplers draw, is that of the seeds alone.
  func initialNoise(_ source: NoiseSource, count: Int, shape: [Int]) -> Tensor {
    guard let variation else { return source.next() }
    let second = NoiseSource(seeds: NoiseSource.seeds(from: variation.seed, count: count), shape: shape)
    return source.next(towards: second, strength: variation.strength)
  }
}
