import Torch

extension Prediction {
  /// Both parts of x that a prediction implies.
  ///
  /// When the clean part is clamped the noise is re-derived from it, so that α · clean + σ · noise is x still.
  public func estimate(
    _ output: Tensor, at x: Tensor, time: DiffusionTime, cleanRange: ClosedRange<Double>? = nil
  ) -> Estimate {
    let (alpha, sigma) = (time.alpha, time.sigma)
    let clean = clean(output, at: x, alpha: alpha, sigma: sigma)
    guard let cleanRange else {
      return Estimate(clean: clean, noise: noise(output, at: x, alpha: alpha, sigma: sigma))
    }
    let clamped = clean.clamped(to: cleanRange)
    return Estimate(clean: clamped, noise: (x - clamped * alpha) / sigma)
  }
}
