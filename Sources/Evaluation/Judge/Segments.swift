/// A connected part of an image that is not background.
struct Segment {
  var area: Int  // pixels that differ from the background
  var left: Int
  var right: Int  // last column
  var top: Int
  var bottom: Int
  var threshold: Float = 34  // minimum difference of its pixels from the background

  var center: (x: Double, y: Double) { (Double(left + right + 1) / 2, Double(top + bottom + 1) / 2) }
  var width: Int { right - left + 1 }
  var height: Int { bottom - top + 1 }
  var side: Int { max(width, height) }

  /// Whether another segment's box is inside this one's.
  func contains(_ other: Segment) -> Bool {
    left <= other.left && other.right <= right && top <= other.top && other.bottom <= bottom
  }

  /// The smallest box around both.
  func union(_ other: Segment) -> Segment {
    Segment(
      area: area + other.area, left: min(left, other.left), right: max(right, other.right), top: min(top, other.top),
      bottom: max(bottom, other.bottom), threshold: threshold)
  }
}

extension Segment {
  /// The two parts on both sides of the emptiest column, or row, of its middle half; none if one side is empty.
  func halves(in grid: PixelGrid, background: PixelGrid, alongX: Bool) -> [Segment] {
    let length = alongX ? width : height
    guard length >= 16 else { return [] }
    var counts = [Int](repeating: 0, count: length)
    var inside: [(x: Int, y: Int)] = []
    for y in top...bottom {
      for x in left...right where distance(grid[x, y], background[x, y]) > threshold {
        inside.append((x, y))
        counts[alongX ? x - left : y - top] += 1
      }
    }
    guard let cut = (length / 4..<length * 3 / 4).min(by: { counts[$0] < counts[$1] }) else { return [] }
    let empty = Segment(area: 0, left: grid.side, right: 0, top: grid.side, bottom: 0, threshold: threshold)
    var parts = [empty, empty]
    for (x, y) in inside {
      let along = alongX ? x - left : y - top
      if along == cut { continue }
      let part = along < cut ? 0 : 1
      parts[part] = parts[part].union(Segment(area: 1, left: x, right: x, top: y, bottom: y))
    }
    return parts.contains { $0.isSpeck(of: grid.side) } ? [] : parts
  }

  /// Stars and specks are smaller than half a percent of the image.
  func isSpeck(of side: Int) -> Bool { area * 250 < side * side }

  /// Parts that differ from the background by more than `threshold`, largest first; parts closer than `gap` are one.
  static func find(in grid: PixelGrid, background: PixelGrid, threshold: Float = 34, gap: Int = 3) -> [Segment] {
    let side = grid.side
    // Compare with the rows above and below too: a horizon that is off by a pixel is not an object.
    let differs = (0..<side * side).map { index in
      [index - side, index, index + side].allSatisfy { other in
        !background.pixels.indices.contains(other)
          || distance(grid.pixels[index], background.pixels[other]) > threshold
      }
    }
    var seen = differs.map { !$0 }
    var found: [Segment] = []
    for start in 0..<side * side where !seen[start] {
      var part = Segment(area: 0, left: side, right: 0, top: side, bottom: 0, threshold: threshold)
      var stack = [start]
      seen[start] = true
      while let at = stack.popLast() {
        let (x, y) = (at % side, at / side)
        part = part.union(Segment(area: 1, left: x, right: x, top: y, bottom: y))
        for ny in max(0, y - gap)...min(side - 1, y + gap) {
          for nx in max(0, x - gap)...min(side - 1, x + gap) where !seen[ny * side + nx] {
            seen[ny * side + nx] = true
            stack.append(ny * side + nx)
          }
        }
      }
      if !part.isSpeck(of: side) { found.append(part) }
    }
    return found.sorted { $0.area > $1.area }
  }
}
