import Support
import Testing

@testable import Scenes

@Suite struct FractalNoiseTests {
  private func heights(
    _ size: Int, seed: UInt64 = 1, cells: (x: Double, y: Double) = (4, 4), octaves: Int = 4
  ) -> [[Float]] {
    var random = SplitMix64(seed: seed, index: 0)
    let noise = FractalNoise(&random, size: size, cells: cells, octaves: octaves)
    return (0..<size).map { row in
      [Float](unsafeUninitializedCapacity: size) { buffer, filled in
        noise.fill(row, buffer.baseAddress!)
        filled = size
      }
    }
  }

  @Test func heightsLieBetweenZeroAndOneAndMostlyNearAHalf() {
    for seed in 0..<5 as Range<UInt64> {
      let all = heights(96, seed: seed).flatMap { $0 }
      #expect(all.allSatisfy { (0...1).contains($0) })
      let mean = all.reduce(0, +) / Float(all.count)
      #expect(abs(mean - 0.5) < 0.12, "\(mean)")
      #expect(all.max()! - all.min()! > 0.25, "they are not flat")
    }
  }

  @Test func rowsDependOnTheSeedAlone() {
    #expect(heights(40, seed: 7) == heights(40, seed: 7))
    #expect(heights(40, seed: 7) != heights(40, seed: 8))
  }

  /// A lattice of four cells over 128 pixels: neighbors differ by a smooth step's steepest slope at most, 1.5 per cell.
  @Test func neighborsAreAlike() {
    let rows = heights(128, octaves: 1)
    for y in 1..<128 {
      for x in 1..<128 {
        #expect(abs(rows[y][x] - rows[y][x - 1]) < 1.6 * 4 / 128 && abs(rows[y][x] - rows[y - 1][x]) < 1.6 * 4 / 128)
      }
    }
  }

  @Test func moreOctavesHaveMorePeaks() {
    func peaks(_ octaves: Int) -> Int {
      var count = 0
      for row in heights(128, octaves: octaves) {
        for x in 1..<127 where (row[x] > row[x - 1]) != (row[x + 1] > row[x]) { count += 1 }
      }
      return count
    }
    #expect(peaks(5) > 3 * peaks(1))
  }

  @Test func thePatternIsTheSameAtEverySize() {
    let (small, large) = (heights(32, octaves: 2), heights(128, octaves: 2))
    var worst: Float = 0
    for y in 0..<32 {
      for x in 0..<32 {
        var mean: Float = 0
        for dy in 0..<4 { for dx in 0..<4 { mean += large[4 * y + dy][4 * x + dx] / 16 } }
        worst = max(worst, abs(mean - small[y][x]))
      }
    }
    #expect(worst < 0.04, "\(worst)")
  }

  @Test func octavesFinerThanTwoPixelsAreLeftOut() {
    // Four cells of two pixels are the finest that eight pixels show.
    #expect(heights(8, octaves: 6) != heights(8, octaves: 1), "their heights still take their share")
    let (all, one) = (heights(8, octaves: 6).flatMap { $0 }, heights(8, octaves: 1).flatMap { $0 })
    let ratios = zip(all, one).filter { abs($1 - 0.5) > 0.05 }.map { ($0 - 0.5) / ($1 - 0.5) }
    // 1 + 1/2 + … + 1/32 is 63/32.
    #expect(!ratios.isEmpty && ratios.allSatisfy { abs($0 - 32.0 / 63) < 1e-4 })
  }

  @Test(arguments: [(0.25, 0.25), (3.75, 0.75), (-0.25, 0.75), (-3.5, 0.5), (7, 0), (-7, 0)] as [(Float, Float)])
  func theFractionIsAboveTheWholeNumberBelow(_ value: Float, _ fraction: Float) {
    #expect(value.fraction == fraction)
  }
}
