import Foundation
import Images

/// Fidelity of a reconstruction: PSNR, SSIM and edge F1.
public struct Fidelity: Sendable, Codable, Equatable {
  /// Peak signal-to-noise ratio over all channels of 8-bit values, in dB; at most 99, for equal images.
  public var psnr: Double
  /// Structural similarity of the luma, −1…1 (Wang et al., 2004).
  public var ssim: Double
  /// F1 of edge pixels, which match within one pixel; 0…1.
  public var edges: Double

  /// A fidelity with known values.
  public init(psnr: Double, ssim: Double, edges: Double) {
    self.psnr = psnr
    self.ssim = ssim
    self.edges = edges
  }

  /// Compares two RGB images of one size, at least 11 pixels wide and high.
  public init(of reconstruction: Image, to reference: Image) {
    guard reconstruction.width == reference.width, reconstruction.height == reference.height,
      reconstruction.channels == .rgb, reference.channels == .rgb
    else {
      fatalError(
        "expected two RGB images of one size, got \(reconstruction.width)×\(reconstruction.height) and \(reference.width)×\(reference.height)"
      )
    }
    let (a, b) = (Lightness(reconstruction), Lightness(reference))
    self.init(
      psnr: Self.psnr(reconstruction, reference), ssim: StructuralSimilarity.mean(a, b),
      edges: Self.score(a.edges, b.edges, width: a.width))
  }

  /// The mean; nil if empty.
  public static func mean(_ all: [Fidelity]) -> Fidelity? {
    guard !all.isEmpty else { return nil }
    func mean(_ part: KeyPath<Fidelity, Double>) -> Double {
      all.reduce(0) { $0 + $1[keyPath: part] } / Double(all.count)
    }
    return Fidelity(psnr: mean(\.psnr), ssim: mean(\.ssim), edges: mean(\.edges))
  }

  private static func psnr(_ a: Image, _ b: Image) -> Double {
    var sum = 0
    for (p, q) in zip(a.pixels, b.pixels) {
      let d = Int(p) - Int(q)
      sum += d * d
    }
    guard sum > 0 else { return 99 }
    return min(99, 10 * log10(255 * 255 * Double(a.pixels.count) / Double(sum)))
  }

  /// F1 of edge pixels; an edge pixel matches one at the same position or next to it.
  private static func score(_ a: [Bool], _ b: [Bool], width: Int) -> Double {
    func found(_ these: [Bool], in others: [Bool]) -> (found: Int, count: Int) {
      let height = these.count / width
      var (hits, count) = (0, 0)
      for index in these.indices where these[index] {
        count += 1
        let (x, y) = (index % width, index / width)
        search: for ny in max(0, y - 1)...min(height - 1, y + 1) {
          for nx in max(0, x - 1)...min(width - 1, x + 1) where others[ny * width + nx] {
            hits += 1
            break search
          }
        }
      }
      return (hits, count)
    }
    let (exact, complete) = (found(a, in: b), found(b, in: a))
    guard exact.count > 0, complete.count > 0 else { return exact.count == complete.count ? 1 : 0 }
    let precision = Double(exact.found) / Double(exact.count)
    let recall = Double(complete.found) / Double(complete.count)
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
  }
}
