import Support

/// The sampling algorithms, by their names in commands and files.
public enum SamplerKind: String, Codable, Sendable, CaseIterable {
  /// Ancestral sampling (Ho et al., 2020), for 250 to 1000 steps.
  case ddpm
  /// Deterministic, or stochastic with `eta` (Song et al., 2021).
  case ddim
  /// Euler's method: Algorithm 1 of Karras et al., 2022, without the correction.
  case euler
  /// Euler's method with the noise of an ancestral step.
  case euler_a
  /// Heun's method: Algorithm 1 of Karras et al., 2022, with two network evaluations per step.
  case heun
  /// DPM-Solver++ (Lu et al., 2022), multistep, second order.
  case dpmpp_2m
  /// DPM-Solver++ (Lu et al., 2022), singlestep, second order.
  case dpmpp_2s
  /// UniPC (Zhao et al., 2023) of order 2 with B₂(h).
  case unipc
  /// Multistep consistency sampling (Luo et al., 2023), for consistency models in 1 to 8 steps.
  case lcm

  /// The name in the "Sampler" field of image metadata.
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
    case .lcm: "LCM"
    }
  }

  /// Names in other programs.
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
    case .lcm: ["LCMScheduler"]
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

  /// Parses a name that may end in that of a spacing, as in other programs: "DPM++ 2M Karras".
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
  public var isStochastic: Bool { self == .ddpm || self == .euler_a || self == .lcm }

  /// The default timestep spacing; nil for LCM, which takes timesteps that its model was distilled at.
  ///
  /// DDPM uses `leading`, as in the paper's code; the others start at the noisiest timestep.
  public var defaultSpacing: Spacing? {
    switch self {
    case .ddpm: .leading
    case .lcm: nil
    case .ddim, .euler, .euler_a, .heun, .dpmpp_2m, .dpmpp_2s, .unipc: .trailing
    }
  }

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
    case .lcm: LCM()
    }
  }
}

/// Timestep spacing: how the steps are distributed over the training timesteps.
///
/// The first three are Table 2 of Lin et al., 2024; Karras' is equation 5 of Karras et al., 2022.
public enum Spacing: String, Codable, Sendable, CaseIterable {
  /// Multiples of an integer stride from 0: ends at timestep 0, starts below the noisiest timestep.
  case leading
  /// Equal strides back from the noisiest timestep.
  case trailing
  /// Evenly spaced from the noisiest timestep to the first.
  case linspace
  /// Noise levels evenly spaced in their seventh root, with most steps at low noise.
  case karras
  /// Noise levels evenly spaced in their logarithm.
  case exponential

  /// Names in other programs.
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

/// An invalid sampling request.
public enum SamplingError: Error, Equatable, CustomStringConvertible {
  /// No sampler has this name; `suggestion` is the nearest name, if one is near.
  case unknownSampler(String, suggestion: String?)
  /// No spacing has this name; `suggestion` is the nearest name, if one is near.
  case unknownSpacing(String, suggestion: String?)
  /// The number of steps is outside the range that the schedule allows.
  case steps(Int, allowed: ClosedRange<Int>)
  /// Two steps of the grid would have the same timestep.
  case tooFine(sampler: SamplerKind, spacing: Spacing, steps: Int)
  /// The image-to-image strength is outside 0…1.
  case strength(Double)

  public var description: String {
    switch self {
    case .unknownSampler(let name, let suggestion):
      "unknown sampler \"\(name)\"" + (suggestion.map { "; did you mean \"\($0)\"?" } ?? "; use one of ")
        + (suggestion == nil ? SamplerKind.allCases.map(\.rawValue).joined(separator: ", ") : "")
    case .unknownSpacing(let name, let suggestion):
      "unknown scheduler \"\(name)\""
        + (suggestion.map { "; did you mean \"\($0)\"?" } ?? "; use one of ")
        + (suggestion == nil ? Spacing.allCases.map(\.rawValue).joined(separator: ", ") : "")
    case .steps(let steps, let allowed):
      "\(steps) steps: this schedule takes \(allowed.lowerBound) to \(allowed.upperBound)"
    case .tooFine(let sampler, let spacing, let steps):
      "\(steps) steps are too many for \(sampler.displayName) with \(spacing.rawValue) spacing: "
        + "two of them would have the same timestep; use fewer"
    case .strength(let strength): "strength \(strength.shown) is outside 0…1"
    }
  }
}
