import Support

/// The sampling algorithms, under short names that commands and files use.
public enum SamplerKind: String, Codable, Sendable, CaseIterable {
  case ddpm  // Ho et al., 2020: ancestral, 1000 or 250 steps
  case ddim  // Song et al., 2021: deterministic, or with as much noise as `eta` says
  case euler  // Karras et al., 2022, Algorithm 2 without the correction
  case euler_a  // Euler with the noise of an ancestral step
  case heun  // Karras et al., 2022, Algorithm 2
  case dpmpp_2m  // Lu et al., 2022 (DPM-Solver++), multistep, second order
  case dpmpp_2s  // the same, singlestep
  case unipc  // Zhao et al., 2023, order 2, B₂(h)

  /// The name that pictures carry in their "Sampler" field.
  public var displayName: String {
    switch self {
    case .ddpm: "DDPM"
    case .ddim: "DDIM"
    case .euler: "Euler"
    case .euler_a: "Euler a"
    case .heun: "Heun"
    case .dpmpp_2m: "DPM++ 2M"
    case .dpmpp_2s: "DPM++ 2S"
    case .unipc: "UniPC"
    }
  }

  /// What other programs call it, beside our own two names.
  private var aliases: [String] {
    switch self {
    case .ddpm: ["DDPMScheduler"]
    case .ddim: ["DDIMScheduler", "ddim_trailing"]
    case .euler: ["EulerDiscreteScheduler", "k_euler"]
    case .euler_a: ["EulerAncestralDiscreteScheduler", "euler_ancestral", "k_euler_a", "k_euler_ancestral"]
    case .heun: ["HeunDiscreteScheduler", "k_heun"]
    case .dpmpp_2m: ["DPMSolverMultistepScheduler", "dpmpp", "dpmsolver++", "k_dpmpp_2m", "dpm-solver++ 2m"]
    case .dpmpp_2s: ["DPMSolverSinglestepScheduler", "dpm++2s_singlestep"]
    case .unipc: ["UniPCMultistepScheduler", "uni_pc"]
    }
  }

  /// Reads any of the names, whatever their case, spaces, dashes and underscores; throws with the nearest name.
  public init(named name: String) throws(SamplingError) {
    let table = Self.allCases.flatMap { kind in
      ([kind.rawValue, kind.displayName] + kind.aliases).map { ($0, kind) }
    }
    switch NameTable(table).lookUp(name) {
    case .found(let kind): self = kind
    case .missing(let near): throw .unknownSampler(name, suggestion: near?.rawValue)
    }
  }

  /// Reads a name that may end in that of a spacing, as other programs have one list of both: "DPM++ 2M Karras".
  public static func read(_ name: String) throws(SamplingError) -> (kind: SamplerKind, spacing: Spacing?) {
    do throws(SamplingError) {
      return (try SamplerKind(named: name), nil)
    } catch {
      let key = NameTable<SamplerKind>.key(name)
      for (ending, spacing) in Spacing.names {
        let end = NameTable<Spacing>.key(ending)
        guard key.hasSuffix(end), let kind = try? SamplerKind(named: String(key.dropLast(end.count))) else { continue }
        return (kind, spacing)
      }
      throw error
    }
  }

  /// Whether noise is added while sampling (with `ddim`, only when eta is above 0).
  public var isStochastic: Bool { self == .ddpm || self == .euler_a }

  /// Which times a step count stands for unless the caller says.
  ///
  /// DDPM's re-spacing is `leading`, as in the paper's own code; the others start from the noisiest time there is.
  public var defaultSpacing: Spacing { self == .ddpm ? .leading : .trailing }

  /// The algorithm with an empty history.
  ///
  /// `eta` is DDIM's share of ancestral noise, 0…1; the others ignore it.
  public func makeSampler(eta: Double = 0) -> any Sampler {
    switch self {
    case .ddpm: DDPM()
    case .ddim: DDIM(eta: eta)
    case .euler: Euler()
    case .euler_a: EulerAncestral()
    case .heun: Heun()
    case .dpmpp_2m: DPMSolverMultistep()
    case .dpmpp_2s: DPMSolverSinglestep()
    case .unipc: UniPC()
    }
  }
}

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

  /// All names of all spacings.
  static var names: [(String, Spacing)] {
    allCases.flatMap { spacing in ([spacing.rawValue] + spacing.aliases).map { ($0, spacing) } }
  }

  /// Reads any of the names, whatever their case, spaces, dashes and underscores; throws with the nearest name.
  public init(named name: String) throws(SamplingError) {
    switch NameTable(Self.names).lookUp(name) {
    case .found(let spacing): self = spacing
    case .missing(let near): throw .unknownSpacing(name, suggestion: near?.rawValue)
    }
  }
}

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
