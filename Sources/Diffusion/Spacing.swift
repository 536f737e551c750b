import Support

/// How a number of steps is spread over the training times.
///
/// The first three are Table 2 of Lin et al., 2024; Karras' is equation 5 of Karras et al., 2022.
public enum Spacing: String, Codable, Sendable, CaseIterable {
  /// Multiples of a whole stride from 0 up: ends at time 0, starts below the noisiest time.
  case leading
  /// Back from the noisiest time in equal strides: starts where training ends.
  case trailing
  /// Equally spread from the noisiest time to the first.
  case linspace
  /// Noise to signal spread evenly in its seventh root, which spends most steps on little noise.
  case karras
  /// Noise to signal spread evenly in its logarithm.
  case exponential

  /// What other programs call it.
  private var aliases: [String] {
    switch self {
    case .leading: ["ddim uniform"]
    case .trailing: ["sgm uniform", "simple"]
    case .linspace: ["uniform", "normal", "discrete"]
    case .karras: []
    case .exponential: ["uniform logsnr"]
    }
  }

  /// Reads any of the names, whatever their case, spaces, dashes and underscores; throws with the nearest name.
  public init(named name: String) throws(SamplingError) {
    let table = Self.allCases.flatMap { spacing in
      ([spacing.rawValue] + spacing.aliases).map { ($0, spacing) }
    }
    switch NameTable(table).lookUp(name) {
    case .found(let spacing): self = spacing
    case .missing(let near): throw .unknownSpacing(name, suggestion: near?.rawValue)
    }
  }
}
