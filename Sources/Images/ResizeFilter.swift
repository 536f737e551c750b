import Foundation

/// How new pixels are weighed from old ones; shrinking widens every filter, so that nothing is skipped.
public enum ResizeFilter: String, Sendable, Codable, CaseIterable {
  case box
  case bilinear
  case bicubic  // Keys 1981, a = -0.5
  case lanczos  // three lobes

  /// Half the width, in pixels of the coarser of the two pictures.
  var support: Double {
    switch self {
    case .box: 0.5
    case .bilinear: 1
    case .bicubic: 2
    case .lanczos: 3
    }
  }

  /// The weight at a distance, which is within the support.
  func weight(_ x: Double) -> Double {
    let d = abs(x)
    switch self {
    case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
    case .bilinear: return max(0, 1 - d)
    case .bicubic:
      let a = -0.5
      if d < 1 { return ((a + 2) * d - (a + 3)) * d * d + 1 }
      return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0
    case .lanczos: return x >= -3 && x < 3 ? Self.sinc(x) * Self.sinc(x / 3) : 0
    }
  }

  private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }
}

/// For every pixel of a resized line, the old pixels that it is made of and their weights.
struct ResizeWeights {
  static let precision = 22  // binary places: 8 bits of value, 2 of sign and overshoot remain

  let firsts: [Int]  // per new pixel, the first old one
  let counts: [Int]  // per new pixel, how many
  let weights: [Int32]  // per new pixel, `stride` weights whose sum is 2^precision, nearly
  let stride: Int

  /// Weights for a line of `old` pixels that becomes one of `new`.
  init(_ filter: ResizeFilter, from old: Int, to new: Int) {
    let scale = Double(old) / Double(new)
    let widening = max(scale, 1)
    let support = filter.support * widening
    stride = 2 * Int(support.rounded(.up)) + 1
    var (firsts, counts) = ([Int](), [Int]())
    var weights = [Int32](repeating: 0, count: new * stride)
    for index in 0..<new {
      let centre = (Double(index) + 0.5) * scale
      let first = max(0, Int(centre - support + 0.5))
      let last = min(old, Int(centre + support + 0.5))
      let exact = (first..<last).map { filter.weight((Double($0) - centre + 0.5) / widening) }
      let sum = exact.reduce(0, +)
      for (tap, weight) in exact.enumerated() {
        weights[index * stride + tap] = Int32((weight / sum * Double(1 << Self.precision)).rounded())
      }
      firsts.append(first)
      counts.append(exact.count)
    }
    (self.firsts, self.counts, self.weights) = (firsts, counts, weights)
  }
}
