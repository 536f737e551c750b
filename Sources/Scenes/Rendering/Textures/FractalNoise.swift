import Support

extension Float {
  /// What is left above the next whole number below; of numbers of less than 2³¹.
  ///
  /// `rounded(.down)` is a call of the C library on processors from before 2008, for which Swift compiles.
  @inline(__always)
  var fraction: Float {
    let rest = self - Float(Int32(self))
    return rest < 0 ? rest + 1 : rest
  }
}

/// Value noise in several octaves, a row of pixels at a time: smooth random heights between 0 and 1, most near a half.
///
/// Random numbers lie on a lattice and are joined by smooth steps. A row of every octave's lattice is found once for a row
/// of pixels, and then every pixel costs one multiplication an octave. Sums and products only: the same everywhere.
struct FractalNoise {
  private struct Octave {
    let lattice: [Float]
    let stride: Int  // numbers in a row of the lattice
    let rows: [(first: Int, weight: Float)]  // for every row of pixels
    let runs: [(columns: Range<Int32>, first: Int32)]  // columns between the same two numbers of the lattice
    let weights: [Float]  // for every column
  }

  private let octaves: [Octave]
  private let offset: Float

  /// Noise on a square of `size` pixels: of the coarsest octave so many cells lie along its width and its height, of each
  /// further one about twice as many, `gain` times as high; octaves finer than two pixels are left out.
  init(
    _ random: inout SplitMix64, size: Int, cells: (x: Double, y: Double), octaves: Int, gain: Float = 0.5
  ) {
    var parts: [Octave] = []
    var (total, height) = (Float(0), Float(1))
    var cells = cells
    for octave in 0..<octaves {
      // Random numbers are drawn for octaves that are left out, too: the same pattern at every size.
      var own = SplitMix64(seed: random.next(), index: UInt64(octave))
      let isFine = max(cells.x, cells.y) * 2 > Double(size)
      if !isFine || octave == 0 { parts.append(Self.octave(&own, size, cells, height)) }
      total += height
      height *= gain
      // Not quite twice: cells of two octaves must not end in the same place.
      cells = (cells.x * 1.93, cells.y * 1.93)
    }
    self.octaves = parts.map { part in
      Octave(
        lattice: part.lattice.map { $0 / total }, stride: part.stride, rows: part.rows, runs: part.runs,
        weights: part.weights)
    }
    offset = 0.5
  }

  private static func octave(
    _ random: inout SplitMix64, _ size: Int, _ cells: (x: Double, y: Double), _ height: Float
  ) -> Octave {
    let shift = (random.unit(), random.unit())
    let (width, depth) = (Int(cells.x) + 3, Int(cells.y) + 3)
    let lattice = (0..<width * depth).map { _ in Float(random.unit() - 0.5) * height }
    func places(_ cells: Double, _ shift: Double) -> [(first: Int, weight: Float)] {
      (0..<size).map { pixel in
        let place = (Double(pixel) + 0.5) / Double(size) * cells + shift
        let part = place - place.rounded(.down)
        return (Int(place), Float(part * part * (3 - 2 * part)))
      }
    }
    let columns = places(cells.x, shift.0)
    var runs: [(columns: Range<Int32>, first: Int32)] = []
    var start = 0
    while start < size {
      let end = columns[start...].firstIndex { $0.first != columns[start].first } ?? size
      runs.append((Int32(start)..<Int32(end), Int32(columns[start].first)))
      start = end
    }
    return Octave(
      lattice: lattice, stride: width, rows: places(cells.y, shift.1), runs: runs, weights: columns.map(\.weight))
  }

  /// Puts the heights of a row of pixels into `target`.
  func fill(_ row: Int, _ target: UnsafeMutablePointer<Float>) {
    guard let first = octaves.first else { return }
    let count = first.weights.count
    target.update(repeating: offset, count: count)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: octaves.map(\.stride).max() ?? 1) { line in
      for octave in octaves {
        let (start, weight) = octave.rows[row]
        octave.lattice.withUnsafeBufferPointer { lattice in
          let (above, below) = (start * octave.stride, (start + 1) * octave.stride)
          for index in 0..<octave.stride {
            line[index] = lattice[above + index] + (lattice[below + index] - lattice[above + index]) * weight
          }
        }
        octave.weights.withUnsafeBufferPointer { weights in
          for run in octave.runs {
            let left = line[Int(run.first)]
            let rise = line[Int(run.first) + 1] - left
            for x in Int(run.columns.lowerBound)..<Int(run.columns.upperBound) { target[x] += left + rise * weights[x] }
          }
        }
      }
    }
  }
}
