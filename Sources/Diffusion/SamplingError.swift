/// A request that sampling cannot follow.
public enum SamplingError: Error, Equatable, CustomStringConvertible {
  case unknownSampler(String, suggestion: String?)
  case unknownSpacing(String, suggestion: String?)
  case steps(Int, allowed: ClosedRange<Int>)
  case tooFine(sampler: SamplerKind, spacing: Spacing, steps: Int)
  case strength(Double)

  public var description: String {
    switch self {
    case .unknownSampler(let name, let suggestion):
      "no sampler is called \"\(name)\"" + (suggestion.map { "; did you mean \"\($0)\"?" } ?? "; there are ")
        + (suggestion == nil ? SamplerKind.allCases.map(\.rawValue).joined(separator: ", ") : "")
    case .unknownSpacing(let name, let suggestion):
      "no schedule of steps is called \"\(name)\""
        + (suggestion.map { "; did you mean \"\($0)\"?" } ?? "; there are ")
        + (suggestion == nil ? Spacing.allCases.map(\.rawValue).joined(separator: ", ") : "")
    case .steps(let steps, let allowed):
      "\(steps) steps: this schedule takes \(allowed.lowerBound) to \(allowed.upperBound)"
    case .tooFine(let sampler, let spacing, let steps):
      "\(steps) steps are too many for \(sampler.displayName) with \(spacing.rawValue) spacing: "
        + "two of them would fall on one training time; take fewer"
    case .strength(let strength): "strength \(strength) is outside 0…1"
    }
  }
}
