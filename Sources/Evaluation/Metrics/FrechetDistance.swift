/// The Fréchet distance of two sets of vectors as normal distributions (Dowson & Landau 1982).
///
///     |μ₁ − μ₂|² + tr(Σ₁ + Σ₂ − 2 (Σ₁^½ Σ₂ Σ₁^½)^½)
///
/// With `ImageFeatures` it is not FID and not comparable with values of other programs.
public enum FrechetDistance {
  /// The distance of two sets of at least two vectors each; small sets overestimate it.
  public static func between(_ first: [ImageFeatures], _ second: [ImageFeatures]) -> Double {
    let (a, b) = (Cloud(first), Cloud(second))
    let shift = zip(a.mean, b.mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    let root = a.covariance.squareRoot
    let middle = root.times(b.covariance).times(root)
    let overlap = middle.eigen().values.reduce(0) { $0 + max(0, $1).squareRoot() }
    return max(0, shift + a.covariance.trace + b.covariance.trace - 2 * overlap)
  }

  private struct Cloud {
    let mean: [Double]
    let covariance: SymmetricMatrix

    init(_ vectors: [ImageFeatures]) {
      guard vectors.count > 1, let size = vectors.first?.values.count else {
        fatalError("a distribution needs at least two vectors, got \(vectors.count)")
      }
      var mean = [Double](repeating: 0, count: size)
      for vector in vectors { for i in 0..<size { mean[i] += vector.values[i] / Double(vectors.count) } }
      var sums = SymmetricMatrix(size: size)
      for vector in vectors {
        let d = zip(vector.values, mean).map { $0 - $1 }
        for i in 0..<size { for j in 0..<size { sums[i, j] += d[i] * d[j] / Double(vectors.count - 1) } }
      }
      self.mean = mean
      covariance = sums
    }
  }
}
