/// How likely each cell of a square grid holds the centre of an object.
struct HeatMap {
  /// A cell that is likelier than its eight neighbours.
  struct Peak: Equatable {
    let cell: Int  // in rows
    let heat: Float  // 0…1
  }

  let side: Int
  let heat: [Float]

  init(_ heat: [Float], side: Int) {
    self.heat = heat
    self.side = side
  }

  /// The peaks above a threshold, the hottest first; of equal neighbours the first is one.
  func peaks(above threshold: Float) -> [Peak] {
    let found = heat.indices.filter { heat[$0] > threshold && isPeak($0) }
    return found.map { Peak(cell: $0, heat: heat[$0]) }.sorted {
      ($1.heat, $0.cell) < ($0.heat, $1.cell)
    }
  }

  private func isPeak(_ cell: Int) -> Bool {
    let (x, y) = (cell % side, cell / side)
    for ny in max(0, y - 1)...min(side - 1, y + 1) {
      for nx in max(0, x - 1)...min(side - 1, x + 1) {
        let other = ny * side + nx
        if heat[other] > heat[cell] || (heat[other] == heat[cell] && other < cell) { return false }
      }
    }
    return true
  }
}
