/// A small symmetric matrix, for its eigenvalues.
struct SymmetricMatrix: Equatable {
  let size: Int
  private var values: [Double]  // rows

  init(size: Int) {
    self.size = size
    values = [Double](repeating: 0, count: size * size)
  }

  subscript(row: Int, column: Int) -> Double {
    get { values[row * size + column] }
    set { values[row * size + column] = newValue }
  }

  var trace: Double { (0..<size).reduce(0) { $0 + self[$1, $1] } }

  func times(_ other: SymmetricMatrix) -> SymmetricMatrix {
    var product = SymmetricMatrix(size: size)
    for i in 0..<size {
      for k in 0..<size {
        let factor = self[i, k]
        for j in 0..<size { product[i, j] += factor * other[k, j] }
      }
    }
    return product
  }

  /// The matrix square root; negative eigenvalues, due to rounding, count as 0.
  var squareRoot: SymmetricMatrix {
    let (roots, vectors) = eigen()
    var root = SymmetricMatrix(size: size)
    for k in 0..<size {
      let length = max(0, roots[k]).squareRoot()
      for i in 0..<size { for j in 0..<size { root[i, j] += length * vectors[i, k] * vectors[j, k] } }
    }
    return root
  }

  /// Eigenvalues (unsorted) and eigenvectors (as columns), by cyclic Jacobi rotations (Golub & Van Loan 2013, 8.5).
  func eigen() -> (values: [Double], vectors: SymmetricMatrix) {
    var (a, v) = (self, SymmetricMatrix(size: size))
    for i in 0..<size { v[i, i] = 1 }
    let scale = values.reduce(0) { $0 + $1 * $1 }
    for _ in 0..<60 {
      var off = 0.0
      for p in 0..<size { for q in 0..<p { off += a[p, q] * a[p, q] } }
      if off <= 1e-24 * scale { break }
      for p in 0..<size - 1 { for q in p + 1..<size where a[p, q] != 0 { a.rotate(p, q, &v) } }
    }
    return ((0..<size).map { a[$0, $0] }, v)
  }

  /// Zeroes element (p, q) by a rotation, which is also applied to the vectors.
  private mutating func rotate(_ p: Int, _ q: Int, _ vectors: inout SymmetricMatrix) {
    let tau = (self[q, q] - self[p, p]) / (2 * self[p, q])
    let t = (tau >= 0 ? 1 : -1) / (abs(tau) + (1 + tau * tau).squareRoot())
    let c = 1 / (1 + t * t).squareRoot()
    let s = t * c
    for k in 0..<size {
      let (x, y) = (self[k, p], self[k, q])
      (self[k, p], self[k, q]) = (c * x - s * y, s * x + c * y)
    }
    for k in 0..<size {
      let (x, y) = (self[p, k], self[q, k])
      (self[p, k], self[q, k]) = (c * x - s * y, s * x + c * y)
    }
    for k in 0..<size {
      let (x, y) = (vectors[k, p], vectors[k, q])
      (vectors[k, p], vectors[k, q]) = (c * x - s * y, s * x + c * y)
    }
  }
}
