import ArgumentParser
import Foundation
import RegexBuilder

// Values of its options.

extension Generate {
  /// A seed: any 64-bit unsigned number, or a random one for a negative number.
  struct Seed: ExpressibleByArgument {
    let value: UInt64
    let isRandom: Bool
    var defaultValueDescription: String { "\(value)" }

    init(value: UInt64, isRandom: Bool = false) {
      self.value = value
      self.isRandom = isRandom
    }

    init?(argument: String) {
      if let value = UInt64(argument) {
        self.init(value: value)
      } else if let negative = Int64(argument), negative < 0 {
        self.init(value: .random(in: 0...UInt64(UInt32.max)), isRandom: true)
      } else {
        return nil
      }
    }
  }

  /// `0.2-5`: a range of noise levels, both non-negative.
  struct Interval: ExpressibleByArgument {
    let range: ClosedRange<Double>

    init?(argument: String) {
      // A dash may also belong to an exponent (1e-1-5).
      let number = /[0-9]+\.?[0-9]*(?:[eE][+\-]?[0-9]+)?|\.[0-9]+(?:[eE][+\-]?[0-9]+)?/
      let form = Regex {
        Capture(number)
        "-"
        Capture(number)
      }
      guard let match = argument.wholeMatch(of: form), let low = Double(match.1), let high = Double(match.2),
        low <= high, high.isFinite
      else { return nil }
      range = low...high
    }
  }
}
