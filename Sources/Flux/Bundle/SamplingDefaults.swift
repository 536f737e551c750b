import Diffusion
import Foundation
import Models
import Support

/// How a model is sampled unless a request says otherwise: `sampling` in `model_index.json`.
///
///     "sampling": {"steps": 12, "guidance": {"scale": 3, "rescale": 0.7, "interval": [0.5, 20]}}
public struct SamplingDefaults: ModelConfiguration, Equatable {
  /// Number of sampling steps, 1…1000.
  public var steps: Int
  /// Classifier-free guidance.
  public var guidance: Guidance
  /// The sampling algorithm; nil is `GenerationRequest`'s default.
  public var sampler: SamplerKind?

  /// Defaults of the given values; `ModelBundle` checks those of a directory.
  public init(steps: Int, guidance: Guidance, sampler: SamplerKind? = nil) {
    (self.steps, self.guidance, self.sampler) = (steps, guidance, sampler)
  }

  /// The defaults of models that have none of their own.
  public static let standard: SamplingDefaults = {
    let request = GenerationRequest(prompt: "")
    return SamplingDefaults(steps: request.steps, guidance: request.guidance)
  }()

  /// Guidance with the values that were given; a scale of 1, which disables it, also removes interval and rescale.
  public func guidance(
    scale: Double? = nil, interval: ClosedRange<Double>? = nil, rescale: Double? = nil
  ) -> Guidance {
    let isOff = scale == 1
    return Guidance(
      scale: scale ?? guidance.scale, interval: interval ?? (isOff ? nil : guidance.interval),
      rescale: rescale ?? (isOff ? 0 : guidance.rescale))
  }

  /// Throws if a value is out of range.
  public func validate() throws(ConfigurationError) {
    try require("sampling.steps", steps, in: 1...1000)
    try require("sampling.guidance.scale", guidance.scale, in: 0...100)
    try require("sampling.guidance.rescale", guidance.rescale, in: 0...1)
    if let interval = guidance.interval {
      try require("sampling.guidance.interval[0]", interval.lowerBound, in: 0...1e9)
    }
  }
}
