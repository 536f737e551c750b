/// Seconds since it was made, by a clock that nobody sets.
public struct Stopwatch {
  private let begun = ContinuousClock.now

  public init() {}

  public var seconds: Double {
    let (whole, parts) = begun.duration(to: .now).components
    return Double(whole) + Double(parts) * 1e-18
  }
}
