import Foundation
import Images
import Support

/// A picture as 64 numbers that nothing was trained for: its colours and where its edges are.
///
/// Square roots of a histogram of 4×4×4 colours (so that distances are Hellinger's), and the mean gradient in each of
/// 8×8 fields, brought from 128 numbers to 64 by a fixed random projection, which keeps distances nearly (Johnson &
/// Lindenstrauss 1984).
public struct PictureFeatures: Sendable, Equatable {
  public static let count = 64
  public let values: [Double]

  public init(values: [Double]) { self.values = values }

  /// Of a square RGB picture whose side is a multiple of 128.
  public init(_ image: Image) {
    let grid = PixelGrid(image, side: 128)
    let raw = Self.colours(grid) + Self.edges(grid)
    values = (0..<Self.count).map { row in
      var sum = 0.0
      for (index, value) in raw.enumerated() { sum += Self.projection[row * raw.count + index] * value }
      return sum
    }
  }

  /// Euclid's.
  public func distance(to other: PictureFeatures) -> Double {
    var sum = 0.0
    for (a, b) in zip(values, other.values) { sum += (a - b) * (a - b) }
    return sum.squareRoot()
  }

  private static func colours(_ grid: PixelGrid) -> [Double] {
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
    // A field full of strong edges has a mean of some 40: then its weight is that of a colour.
    return sums.map { $0 / Double(side * side / 64) / 64 }
  }

  /// Normal numbers with a mean square of 1/64, always the same.
  private static let projection: [Double] = {
    var random = SplitMix64(seed: 64, index: 128)
    return (0..<count * 128).map { _ in
      let (u, v) = (1 - random.unit(), random.unit())  // Box & Muller 1958
      return (-2 * log(u)).squareRoot() * cos(2 * .pi * v) / Double(count).squareRoot()
    }
  }()
}

/// Distances between pictures in the space of their features.
public enum FeatureDistances {
  /// The mean distance between different members of a group; nil when no group has two.
  public static func within(_ groups: [[PictureFeatures]]) -> Double? {
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

  /// The mean distance between the first members of different groups; nil of fewer than two.
  public static func between(_ groups: [[PictureFeatures]]) -> Double? { within([groups.compactMap(\.first)]) }

  /// The distance of each to the nearest of others.
  public static func nearest(_ pictures: [PictureFeatures], among others: [PictureFeatures]) -> [Double] {
    pictures.map { picture in others.map { picture.distance(to: $0) }.min() ?? .infinity }
  }

  /// The middle of a list in order; nil of none.
  public static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }
}
