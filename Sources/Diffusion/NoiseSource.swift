import Torch

/// Standard noise with one generator for each picture of a batch.
///
/// Picture k draws from seed k alone, float32 on the CPU, so that a batch equals the same pictures made singly, on
/// every device and for any number of threads.
public final class NoiseSource {
  private let generators: [Generator]
  private let shape: [Int]  // [C, h, w]

  /// One picture for each seed; `shape` is one picture's, without the batch.
  public init(seeds: [UInt64], shape: [Int]) {
    guard !seeds.isEmpty else { fatalError("a noise source needs at least one seed") }
    generators = seeds.map { Generator(seed: $0) }
    self.shape = shape
  }

  /// The seeds of pictures 0 ..< count: seed, seed + 1, …; wraps around at the largest.
  public static func seeds(from seed: UInt64, count: Int) -> [UInt64] {
    (0..<count).map { seed &+ UInt64($0) }
  }

  /// The next noise of every picture, `[B, C, h, w]`, float32 on the CPU.
  public func next() -> Tensor {
    Tensor.cat(generators.map { Tensor.randn([1] + shape, generator: $0) }, dim: 0)  // [B, C, h, w]
  }
}
