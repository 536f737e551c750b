extension Scene {
  /// What stands in each cell of a square grid, in rows.
  ///
  /// 0 is the background, else 1 + the object's place in `World.objects`. An object holds the cells whose centres its
  /// box covers, and always the one it is centred in.
  public func cells(side: Int, world: World = .small) -> [Int] {
    var cells = [Int](repeating: 0, count: side * side)
    for placed in objects {
      let label = world.label(of: placed.object)
      let reach = 0.45 * placed.side
      for row in 0..<side {
        for column in 0..<side {
          let (x, y) = ((Double(column) + 0.5) / Double(side), (Double(row) + 0.5) / Double(side))
          if abs(x - placed.x) <= reach, abs(y - placed.y) <= reach { cells[row * side + column] = label }
        }
      }
      let (column, row) = (Int(placed.x * Double(side)), Int(placed.y * Double(side)))
      cells[min(row, side - 1) * side + min(column, side - 1)] = label
    }
    return cells
  }
}
