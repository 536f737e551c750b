import ArgumentParser
import Support
import Torch

extension Device {
  /// The device that a flag names; throws if this libtorch does not have it.
  init(flag name: String) throws(Failure) {
    guard let device = Device(name), device != .mps else {
      throw Failure("unknown device \"\(name)\"; use cpu, cuda or cuda:N", code: 2)
    }
    if case .cuda(let index) = device, index >= Device.cudaCount {
      let found = Device.cudaCount
      throw Failure(
        "device \(device) does not exist: libtorch finds \(found == 0 ? "no CUDA device" : "\(found) CUDA devices")")
    }
    self = device
  }
}

/// The range of `--threads`; more threads would only wait, and starting them takes seconds.
enum ThreadCount {
  static let range = 1...1024

  /// Throws if `--threads` is out of range.
  static func check(_ threads: Int?) throws(ValidationError) {
    guard let threads, !range.contains(threads) else { return }
    throw ValidationError("--threads \(threads) must be \(range.lowerBound) to \(range.upperBound)")
  }
}

/// The ranges of counts: beyond them arithmetic overflows, or no memory is large enough.
enum CountLimit {
  static let steps = 1_000_000_000
  static let batch = 65_536
  static let rank = 4096
  static let pool = 10_000_000  // latents
  static let shard = 1 << 20  // MiB
  static let images = 1_000_000

  /// Throws if a count is below `lowest` or above `highest`; nil passes.
  static func check(_ flag: String, _ value: Int?, from lowest: Int = 1, to highest: Int) throws(ValidationError) {
    guard let value else { return }
    if value < lowest { throw ValidationError("\(flag) \(value) must be at least \(lowest)") }
    if value > highest { throw ValidationError("\(flag) \(value) must be at most \(highest)") }
  }
}

/// Ranges of numbers that need not be whole.
enum NumberRange {
  /// What is at least 0.
  static let nonnegative = 0...Double.greatestFiniteMagnitude

  /// Throws if a number is out of range, as NaN always is; nil passes.
  static func check(_ flag: String, _ value: Double?, _ range: ClosedRange<Double>) throws(ValidationError) {
    guard let value, !range.contains(value) else { return }
    let bounds =
      range.upperBound == .greatestFiniteMagnitude
      ? "at least \(text(range.lowerBound))" : "\(text(range.lowerBound)) to \(text(range.upperBound))"
    throw ValidationError("\(flag) \(value.shown) must be \(bounds)")
  }

  private static func text(_ bound: Double) -> String { Int(exactly: bound).map(String.init) ?? "\(bound)" }
}

/// A duration: 90s, 9m, 1h30m; a plain number is in seconds.
struct TimeLimit: ExpressibleByArgument {
  let seconds: Double

  init?(argument: String) {
    let units: [Character: Double] = ["h": 3600, "m": 60, "s": 1]
    var (total, number): (Double, String) = (0, "")
    for character in argument {
      guard let unit = units[character] else {
        number.append(character)
        continue
      }
      guard let value = Double(number), value >= 0 else { return nil }
      total += value * unit
      number = ""
    }
    if !number.isEmpty {
      guard let value = Double(number), value >= 0 else { return nil }
      total += value
    }
    guard total > 0, total.isFinite else { return nil }
    seconds = total
  }
}
