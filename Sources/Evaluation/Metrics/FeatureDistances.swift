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
