import ArgumentParser
import Torch

extension Device {
  /// The device that a flag names, which this libtorch must have.
  init(flag name: String) throws(Failure) {
    guard let device = Device(name), device != .mps else {
      throw Failure("device \"\(name)\" is not known; there are cpu, cuda and cuda:N", code: 2)
    }
    if case .cuda(let index) = device, index >= Device.cudaCount {
      let found = Device.cudaCount
      throw Failure(
        "there is no device \(device): libtorch sees \(found == 0 ? "no CUDA device" : "\(found) CUDA devices")")
    }
    self = device
  }
}

/// How many threads may be asked for; more only wait for each other, and starting them takes seconds.
enum ThreadCount {
  static let range = 1...1024

  /// Throws where `--threads` is outside.
  static func check(_ threads: Int?) throws(ValidationError) {
    guard let threads, !range.contains(threads) else { return }
    throw ValidationError("--threads \(threads) must be \(range.lowerBound) to \(range.upperBound)")
  }
}

/// A stretch of time as people type it: 90s, 9m, 1h30m; a plain number is seconds.
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
