import Testing

@testable import Evaluation

@Suite struct SegmentTests {
  private static let side = 64

  /// A grid of one gray with rectangles of left, top, width, height and gray.
  private func grid(_ base: Float = 0, _ boxes: [(Int, Int, Int, Int, Float)] = []) -> PixelGrid {
    var pixels = [SIMD3<Float>](repeating: SIMD3(repeating: base), count: Self.side * Self.side)
    for (left, top, width, height, value) in boxes {
      for y in top..<top + height {
        for x in left..<left + width { pixels[y * Self.side + x] = SIMD3(repeating: value) }
      }
    }
    return PixelGrid(side: Self.side, pixels: pixels)
  }

  private func find(_ image: PixelGrid, threshold: Float = 34, gap: Int = 3) -> [Segment] {
    Segment.find(in: image, background: grid(), threshold: threshold, gap: gap)
  }

  @Test func aPartHasTheBoxAndTheAreaOfWhatDiffers() throws {
    let found = find(grid(0, [(10, 20, 12, 8, 200)]))
    #expect(found.count == 1)
    let part = try #require(found.first)
    #expect([part.left, part.right, part.top, part.bottom] == [10, 21, 20, 27])
    #expect(part.area == 96 && part.width == 12 && part.height == 8 && part.side == 12)
    #expect(part.center.x == 16 && part.center.y == 24)
  }

  @Test func partsAreSortedByArea() {
    let found = find(grid(0, [(2, 2, 5, 5, 99), (40, 40, 20, 10, 99), (2, 40, 10, 10, 99)]))
    #expect(found.map(\.area) == [200, 100, 25])
  }

  @Test func partsWithinTheGapAreOne() {
    func parts(_ left: Int, gap: Int) -> Int { find(grid(0, [(5, 5, 6, 9, 99), (left, 5, 6, 9, 99)]), gap: gap).count }
    // The first ends in column 10.
    #expect(parts(13, gap: 3) == 1 && parts(14, gap: 3) == 2)
    #expect(parts(11, gap: 1) == 1 && parts(12, gap: 1) == 2)
  }

  @Test func corneringPartsAreOne() {
    #expect(find(grid(0, [(5, 5, 6, 6, 99), (11, 11, 6, 6, 99)]), gap: 1).count == 1)
  }

  /// Half a percent of 64 × 64 pixels is 16.4.
  @Test func specksAreNoParts() {
    #expect(find(grid(0, [(5, 5, 4, 4, 99)])).isEmpty)
    #expect(find(grid(0, [(5, 5, 17, 1, 99)])).map(\.area) == [17])
    #expect(find(grid()).isEmpty)
  }

  /// √3 · 19 is 32.9 and √3 · 20 is 34.6.
  @Test func onlyWhatDiffersByMoreThanTheThresholdIsAPart() {
    #expect(find(grid(0, [(5, 5, 9, 9, 19)])).isEmpty)
    #expect(find(grid(0, [(5, 5, 9, 9, 20)])).count == 1)
    #expect(find(grid(0, [(5, 5, 9, 9, 19)]), threshold: 22).map(\.threshold) == [22])
  }

  @Test func aHorizonThatIsOffByAPixelIsNoPart() {
    let background = grid(200, [(0, 30, Self.side, 34, 40)])
    func parts(_ horizon: Int) -> Int {
      let image = grid(200, [(0, horizon, Self.side, Self.side - horizon, 40)])
      return Segment.find(in: image, background: background).count
    }
    #expect(parts(30) == 0 && parts(29) == 0 && parts(31) == 0)
    #expect(parts(28) == 1 && parts(33) == 1)
  }

  @Test func aUnionIsTheSmallestBoxAroundBoth() {
    let first = Segment(area: 5, left: 3, right: 9, top: 10, bottom: 12)
    let second = Segment(area: 7, left: 1, right: 4, top: 11, bottom: 30)
    let both = first.union(second)
    #expect([both.left, both.right, both.top, both.bottom, both.area] == [1, 9, 10, 30, 12])
    #expect(both.contains(first) && both.contains(second) && both.contains(both))
    #expect(!first.contains(both) && !first.contains(second))
  }

  // MARK: - Halves

  @Test func aPartIsCutAtItsEmptiestColumn() throws {
    let image = grid(0, [(4, 10, 14, 20, 99), (18, 19, 6, 2, 99), (24, 10, 14, 20, 99)])
    let whole = try #require(find(image).first)
    #expect(whole.width == 34)
    let parts = whole.halves(in: image, background: grid(), alongX: true)
    #expect(parts.count == 2)
    // One column of the bridge, two pixels high, is left out.
    #expect(parts.reduce(0) { $0 + $1.area } == whole.area - 2)
    #expect(parts[0].left == 4 && parts[1].right == 37 && parts[0].right < parts[1].left)
    #expect(whole.halves(in: image, background: grid(), alongX: false).allSatisfy { $0.width == 34 })
  }

  @Test func aPartIsCutAtItsEmptiestRowToo() throws {
    let image = grid(0, [(10, 2, 12, 12, 99), (15, 14, 2, 4, 99), (10, 18, 12, 12, 99)])
    let whole = try #require(find(image).first)
    let parts = whole.halves(in: image, background: grid(), alongX: false)
    #expect(parts.map(\.width) == [12, 12])
    #expect(parts.count == 2 && parts[0].bottom < parts[1].top)
  }

  @Test func smallPartsAndPartsWithAnEmptySideAreNotCut() throws {
    let small = grid(0, [(10, 10, 15, 15, 99)])
    #expect(try #require(find(small).first).halves(in: small, background: grid(), alongX: true).isEmpty)
    // A heavy left side, and a thread to the right that is no more than a speck.
    let thread = grid(0, [(10, 10, 20, 20, 99), (30, 20, 12, 1, 99)])
    #expect(try #require(find(thread).first).halves(in: thread, background: grid(), alongX: true).isEmpty)
  }
}
