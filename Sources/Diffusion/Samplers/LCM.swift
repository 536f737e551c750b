import Torch

/// Multistep consistency sampling (Luo et al., 2023, Algorithm 3): a clean estimate, then new noise at the next time.
///
/// Estimates are those of a consistency function, c_out · x₀ + c_skip · x, which is x itself at timestep 0.
public struct LCM: Sampler {
  /// Standard deviation of the data, and the factor of the timestep in the scalings: those of all published models.
  private static let (deviation, timestepScaling) = (0.5, 10.0)

  /// A sampler for one run; it keeps no history.
  public init() {}

  /// One network evaluation; draws noise in every step except the last.
  public mutating func step(
    _ x: Tensor, at index: Int, of grid: TimeGrid, estimate: (Tensor, DiffusionTime) -> Estimate,
    noise: () -> Tensor
  ) -> (x: Tensor, clean: Tensor) {
    let (s, t) = (grid.times[index], grid.times[index + 1])
    let clean = estimate(x, s).clean
    let (skip, out) = Self.scalings(timestep: s.timestep)
    let consistent = clean * out + x * skip
    guard t.sigma > 0 else { return (consistent, clean) }
    return (consistent * t.alpha + noise() * t.sigma, clean)
  }

  /// c_skip and c_out: 1 and 0 at timestep 0, and nearly 0 and 1 from the tenth timestep on.
  static func scalings(timestep: Double) -> (skip: Double, out: Double) {
    let scaled = timestep * timestepScaling
    let sum = scaled * scaled + deviation * deviation
    return (deviation * deviation / sum, scaled / sum.squareRoot())
  }
}
