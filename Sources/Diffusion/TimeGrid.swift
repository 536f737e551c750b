import Foundation

/// The times of a sampling run, from noisy to clean; plain numbers, no tensors.
public struct TimeGrid: Sendable, Equatable {
  /// From the noisiest time down; the last one is `DiffusionTime.clean`, unless a file of another program ends elsewhere.
  public let times: [DiffusionTime]

  /// The factor of the initial noise.
  public let initialScale: Double

  /// How the times are spaced; nil for timesteps that a consistency model was distilled at.
  public let spacing: Spacing?

  /// Number of steps: intervals between the times.
  public var count: Int { times.count - 1 }

  /// The timesteps of diffusers' scheduler of this kind.
  ///
  /// - Parameters:
  ///   - schedule: the training timesteps and their noise levels.
  ///   - kind: the sampler.
  ///   - steps: 1 … the number of training timesteps. Fewer times may result if `lowestLambda` removes some.
  ///   - spacing: nil is the configuration's, else the kind's default.
  ///   - lowestLambda: times with log(α/σ) below it are left out; nil is the configuration's, or `stableLowestLambda`.
  public init(
    _ schedule: Schedule, kind: SamplerKind, steps: Int, spacing: Spacing? = nil, lowestLambda: Double? = nil
  ) throws(SamplingError) {
    let asked = spacing ?? schedule.configuration.spacing(for: kind)
    self.spacing = asked
    let distilled = asked == nil ? schedule.distilledTimesteps : nil
    let allowed = 1...(distilled?.count ?? schedule.count)
    guard allowed.contains(steps) else { throw .steps(steps, allowed: allowed) }
    let spacing = asked ?? .leading
    let schedule = schedule.seen(by: kind, spacing)
    let lowest = lowestLambda ?? Self.stableLowestLambda(schedule, kind: kind, spacing: spacing)
    let last = schedule.lastTimestep(lambda: lowest)
    let visited: [DiffusionTime] =
      if let distilled {
        (0..<steps).map { schedule.time(at: distilled[$0 * distilled.count / steps]) }
      } else {
        switch spacing {
        case .karras, .exponential: Self.levels(schedule, kind, spacing, steps, last)
        case .leading, .trailing, .linspace:
          Self.timesteps(schedule, kind, spacing, steps, last).map { schedule.time(at: $0) }
        }
      }
    let falls = zip(visited, visited.dropFirst()).allSatisfy { $0.noiseLevel > $1.noiseLevel }
    guard falls, !visited.isEmpty else {
      throw .tooFine(sampler: kind, spacing: spacing, steps: steps)
    }
    times = visited + [schedule.end(for: kind)]
    // Euler-type samplers start with variance σ², as if there were no signal, except with leading spacing, which starts
    // where there is some.
    initialScale = kind.countsInNoiseLevels && spacing != .leading ? visited[0].sigma : 1
  }

  /// The log(α/σ) below which a combination is ill-conditioned: −5.1, or minus infinity if it is harmless.
  ///
  /// The cosine schedule ends at σ/α = 20,000, which multiplies the error of ε in x₀. Timesteps below −5.1 (σ/α = 164,
  /// the last four of a thousand) are left out, as diffusers recommends for this schedule. Heun diverges there, and Karras
  /// and exponential spacing would use most steps there. DDPM keeps all timesteps: it forgets early errors, and its
  /// estimates are clamped. Other schedules end well above −5.1. With files of other programs no time is left out but those
  /// that they name themselves, as in diffusers.
  public static func stableLowestLambda(_ schedule: Schedule, kind: SamplerKind, spacing: Spacing) -> Double {
    if schedule.configuration.scheduler != nil { return schedule.configuration.lambdaMinClipped ?? -.infinity }
    let isSensitive =
      kind == .heun || spacing == .karras || spacing == .exponential
      || (kind != .ddpm && schedule.configuration.predictionType == .epsilon)
    return isSensitive ? -5.1 : -.infinity
  }

  /// Timesteps for a number of steps, descending; fractional if the kind allows it.
  private static func timesteps(
    _ schedule: Schedule, _ kind: SamplerKind, _ spacing: Spacing, _ steps: Int, _ last: Int
  ) -> [Double] {
    let count = schedule.count
    // Multistep solvers leave out timestep 0, which is nearly clean.
    let points = kind.leavesOutFirstTime ? steps + 1 : steps
    switch spacing {
    case .leading:
      let stride = max(1, (last + 1) / points)
      let offset = schedule.configuration.stepsOffset ?? 0
      let all = (0..<points).map { Double($0 * stride + offset) }.filter { $0 <= Double(last) }
      return Array(all.suffix(steps).reversed())
    case .trailing:
      let stride = Double(count) / Double(steps)
      return (0..<steps).map { (Double(last + 1) - Double($0) * stride).rounded(.toNearestOrEven) - 1 }
        .filter { $0 >= 0 }
    default:
      guard points > 1 else { return [Double(last)] }
      return (0..<steps).map { index in
        let t = Double(last) * Double(points - 1 - index) / Double(points - 1)
        return kind.countsInNoiseLevels ? t : t.rounded(.toNearestOrEven)
      }
    }
  }

  /// Noise levels from the highest to the lowest, evenly spaced in their seventh root or logarithm.
  private static func levels(
    _ schedule: Schedule, _ kind: SamplerKind, _ spacing: Spacing, _ steps: Int, _ last: Int
  ) -> [DiffusionTime] {
    let (highest, lowest) = (schedule.noiseLevel(last), schedule.noiseLevel(0))
    return (0..<steps).map { index in
      let ramp = steps > 1 ? Double(index) / Double(steps - 1) : 0
      let level =
        switch spacing {
        case .karras: pow(pow(highest, 1 / 7) + ramp * (pow(lowest, 1 / 7) - pow(highest, 1 / 7)), 7)
        default: exp(log(highest) + ramp * (log(lowest) - log(highest)))
        }
      let t = schedule.timestep(noiseLevel: level)
      let asked = kind.countsInNoiseLevels ? t : t.rounded(.toNearestOrEven)
      return DiffusionTime(timestep: asked, noiseLevel: level)
    }
  }

  /// The first step of an image-to-image run with this strength: 0 at strength 1, `count` (no steps) at 0.
  ///
  /// diffusers' rule: the whole part of count · strength is the number of steps. The product is that of binary numbers, so
  /// that 0.29 of 100 steps are 28.
  public func start(strength: Double) throws(SamplingError) -> Int {
    guard (0...1).contains(strength) else { throw .strength(strength) }
    return count - min(Int(Double(count) * strength), count)
  }
}

extension Schedule {
  /// The timesteps that a consistency model was distilled at, descending (Luo et al., 2023): whole strides, less one.
  var distilledTimesteps: [Double] {
    let steps = min(configuration.originalInferenceSteps ?? 50, count)
    let stride = count / steps
    return (1...steps).reversed().map { Double($0 * stride - 1) }
  }
}

extension SamplerKind {
  /// Karras' formulation, in which the noise level is the time and may be between two timesteps.
  var countsInNoiseLevels: Bool { self == .euler || self == .euler_a || self == .heun }

  /// Whether steps are in noise levels σ/α or their logarithms, so that a time without signal has none.
  var dividesBySignal: Bool { self != .ddpm && self != .ddim && self != .lcm }

  /// Whether a grid of n steps has n + 1 points without the last.
  var leavesOutFirstTime: Bool { self == .dpmpp_2m || self == .dpmpp_2s || self == .unipc }
}
