import Foundation
import Images

/// SSIM (Wang, Bovik, Sheikh & Simoncelli 2004): Gaussian window of 11 pixels and σ 1.5, K₁ 0.01, K₂ 0.03, range 255.
enum StructuralSimilarity {
  private static let window: [Float] = {
    let weights = (-5...5).map { exp(-Double($0 * $0) / (2 * 1.5 * 1.5)) }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }()

  /// The mean over all positions of the window inside the image.
  static func mean(_ a: Lightness, _ b: Lightness) -> Double {
    guard a.width >= 11, a.height >= 11 else { fatalError("SSIM needs 11 pixels, got \(a.width)×\(a.height)") }
    func blurred(_ values: [Float]) -> [Float] { blur(values, width: a.width, height: a.height) }
    func product(_ p: [Float], _ q: [Float]) -> [Float] { zip(p, q).map { $0 * $1 } }
    let (muA, muB) = (blurred(a.values), blurred(b.values))
    let (aa, bb) = (blurred(product(a.values, a.values)), blurred(product(b.values, b.values)))
    let ab = blurred(product(a.values, b.values))
    let (c1, c2) = (6.5025, 58.5225)  // (K L)²
    var sum = 0.0
    for index in muA.indices {
      let (mA, mB) = (Double(muA[index]), Double(muB[index]))
      let varianceA = max(0, Double(aa[index]) - mA * mA)
      let varianceB = max(0, Double(bb[index]) - mB * mB)
      let covariance = Double(ab[index]) - mA * mB
      sum +=
        (2 * mA * mB + c1) * (2 * covariance + c2) / ((mA * mA + mB * mB + c1) * (varianceA + varianceB + c2))
    }
    return sum / Double(muA.count)
  }

  /// Weighted means under the window; ten pixels smaller in both directions.
  private static func blur(_ values: [Float], width: Int, height: Int) -> [Float] {
    let (w, h) = (width - 10, height - 10)
    var rows = [Float](repeating: 0, count: w * height)
    var result = [Float](repeating: 0, count: w * h)
    values.withUnsafeBufferPointer { v in
      rows.withUnsafeMutableBufferPointer { r in
        for y in 0..<height {
          for (k, weight) in window.enumerated() {
            for x in 0..<w { r[y * w + x] += weight * v[y * width + x + k] }
          }
        }
        result.withUnsafeMutableBufferPointer { s in
          for y in 0..<h {
            for (k, weight) in window.enumerated() {
              for x in 0..<w { s[y * w + x] += weight * r[(y + k) * w + x] }
            }
          }
        }
      }
    }
    return result
  }
}

/// An image's luma, ITU-R BT.601, 0…255.
struct Lightness {
  let width: Int
  let height: Int
  let values: [Float]

  init(width: Int, height: Int, values: [Float]) {
    self.width = width
    self.height = height
    self.values = values
  }

  init(_ image: Image) {
    self.init(
      width: image.width, height: image.height,
      values: image.pixels.withUnsafeBufferPointer { bytes in
        (0..<image.width * image.height).map {
          0.299 * Float(bytes[3 * $0]) + 0.587 * Float(bytes[3 * $0 + 1]) + 0.114 * Float(bytes[3 * $0 + 2])
        }
      })
  }

  /// The gradient magnitude at every pixel (Sobel / 4), 0 at the border: on both sides of a step it is the step's height.
  var gradients: [Float] {
    var lengths = [Float](repeating: 0, count: values.count)
    values.withUnsafeBufferPointer { v in
      for y in 1..<height - 1 {
        for x in 1..<width - 1 {
          let (a, b, c) = ((y - 1) * width + x, y * width + x, (y + 1) * width + x)
          let right = v[a + 1] + 2 * v[b + 1] + v[c + 1]
          let left = v[a - 1] + 2 * v[b - 1] + v[c - 1]
          let below = v[c - 1] + 2 * v[c] + v[c + 1]
          let above = v[a - 1] + 2 * v[a] + v[a + 1]
          let (dx, dy) = ((right - left) / 4, (below - above) / 4)
          lengths[b] = (dx * dx + dy * dy).squareRoot()
        }
      }
    }
    return lengths
  }

  /// Edge pixels: gradients above a twelfth of the range.
  var edges: [Bool] { gradients.map { $0 > 21 } }
}
