import Foundation
import Images

/// How near a copy is to its picture, in three ways that need no judge.
public struct Fidelity: Sendable, Codable, Equatable {
  public var decibels: Double  // PSNR over all channels, of 8-bit values; 99 for equal pictures
  public var ssim: Double  // structural similarity of the lightness, −1…1
  public var edges: Double  // F1 of edge pixels, 0…1

  public init(decibels: Double, ssim: Double, edges: Double) {
    self.decibels = decibels
    self.ssim = ssim
    self.edges = edges
  }

  /// Compares two RGB pictures of one size, at least 11 pixels wide and high.
  public init(of copy: Image, to picture: Image) {
    guard copy.width == picture.width, copy.height == picture.height, copy.channels == .rgb, picture.channels == .rgb
    else {
      fatalError(
        "expected two RGB pictures of one size, got \(copy.width)×\(copy.height) and \(picture.width)×\(picture.height)"
      )
    }
    let (a, b) = (Lightness(copy), Lightness(picture))
    self.init(
      decibels: Self.psnr(copy, picture), ssim: StructuralSimilarity.mean(a, b),
      edges: Self.score(a.edges, b.edges, width: a.width))
  }

  /// The mean of several; nil of none.
  public static func mean(_ all: [Fidelity]) -> Fidelity? {
    guard !all.isEmpty else { return nil }
    func mean(_ part: KeyPath<Fidelity, Double>) -> Double {
      all.reduce(0) { $0 + $1[keyPath: part] } / Double(all.count)
    }
    return Fidelity(decibels: mean(\.decibels), ssim: mean(\.ssim), edges: mean(\.edges))
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

  /// An edge pixel is found when the other picture has one at the same place or next to it.
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
