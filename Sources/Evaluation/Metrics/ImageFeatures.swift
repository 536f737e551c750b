import Foundation
import Images
import Support

/// An untrained feature vector of an image with 64 elements, for its colors and edges.
///
/// Square roots of a 4×4×4 color histogram (so that distances are Hellinger distances) and the mean gradient in each of
/// 8×8 fields, 128 numbers in all, reduced to 64 by a fixed random projection that nearly preserves distances (Johnson &
/// Lindenstrauss 1984).
public struct ImageFeatures: Sendable, Equatable {
  /// Number of elements of a feature vector.
  public static let count = 64
  /// The elements, `count` of them if they were computed from an image.
  public let values: [Double]

  /// Features with known elements.
  public init(values: [Double]) { self.values = values }

  /// The features of a square RGB image whose side is a multiple of 128.
  public init(_ image: Image) {
    let grid = PixelGrid(image, side: 128)
    let raw = Self.colors(grid) + Self.edges(grid)
    values = (0..<Self.count).map { row in
      var sum = 0.0
      for (index, value) in raw.enumerated() { sum += Self.projection[row * raw.count + index] * value }
      return sum
    }
  }

  /// The Euclidean distance.
  public func distance(to other: ImageFeatures) -> Double {
    var sum = 0.0
    for (a, b) in zip(values, other.values) { sum += (a - b) * (a - b) }
    return sum.squareRoot()
  }

  private static func colors(_ grid: PixelGrid) -> [Double] {
    var counts = [Double](repeating: 0, count: 64)
    for pixel in grid.pixels {
      func level(_ value: Float) -> Int { min(3, Int(value) / 64) }
      counts[16 * level(pixel.x) + 4 * level(pixel.y) + level(pixel.z)] += 1
    }
    return counts.map { ($0 / Double(grid.pixels.count)).squareRoot() }
  }

  private static func edges(_ grid: PixelGrid) -> [Double] {
    let side = grid.side
    let light = Lightness(
      width: side, height: side, values: grid.pixels.map { 0.299 * $0.x + 0.587 * $0.y + 0.114 * $0.z })
    var sums = [Double](repeating: 0, count: 64)
    for (index, length) in light.gradients.enumerated() {
      sums[index / side * 8 / side * 8 + index % side * 8 / side] += Double(length)
    }
    // A field full of strong edges has a mean of about 40; this scale gives it the weight of a color.
    return sums.map { $0 / Double(side * side / 64) / 64 }
  }

  /// Fixed normal random numbers with a mean square of 1/64.
  private static let projection: [Double] = {
    var random = SplitMix64(seed: 64, index: 128)
    return (0..<count * 128).map { _ in
      let (u, v) = (1 - random.unit(), random.unit())  // Box & Muller 1958
      return (-2 * log(u)).squareRoot() * cos(2 * .pi * v) / Double(count).squareRoot()
    }
  }()
}

/// Distances between images in the space of their features.
public enum FeatureDistances {
  /// The mean distance between members of the same group; nil if no group has two.
  public static func within(_ groups: [[ImageFeatures]]) -> Double? {
    var (sum, count) = (0.0, 0)
    for group in groups {
      for (index, first) in group.enumerated() {
        for second in group[(index + 1)...] {
          sum += first.distance(to: second)
          count += 1
        }
      }
    }
    return count > 0 ? sum / Double(count) : nil
  }

  /// The mean distance between the first members of different groups; nil for fewer than two groups.
  public static func between(_ groups: [[ImageFeatures]]) -> Double? { within([groups.compactMap(\.first)]) }

  /// The distance of each to the nearest of the others.
  public static func nearest(_ images: [ImageFeatures], among others: [ImageFeatures]) -> [Double] {
    images.map { image in others.map { image.distance(to: $0) }.min() ?? .infinity }
  }

  /// The median; nil if empty.
  public static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}
