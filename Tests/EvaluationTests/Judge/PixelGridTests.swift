import Images
import Testing

@testable import Evaluation

@Suite struct PixelGridTests {
  @Test func eachPixelIsTheExactMeanOfItsSquare() {
    let image = Image.drawn(6, 6) { x, y, c in Double(10 * x + 20 * y + c) }
    let grid = PixelGrid(image, side: 2)
    // Columns 0…2 have a mean of 1, columns 3…5 one of 4, and rows alike.
    #expect(grid.pixels == [SIMD3(30, 31, 32), SIMD3(60, 61, 62), SIMD3(90, 91, 92), SIMD3(120, 121, 122)])
    #expect(grid[1, 0] == SIMD3(60, 61, 62) && grid[0, 1] == SIMD3(90, 91, 92))
  }

  @Test func anImageOfTheGridsSizeKeepsItsValues() {
    let image = Image.drawn(4, 4) { x, y, c in Double(60 * x + 4 * y + c) }
    let grid = PixelGrid(image, side: 4)
    #expect(grid.pixels.flatMap { [$0.x, $0.y, $0.z] } == image.pixels.map { Float($0) })
  }

  @Test func theMedianIsTakenByChannel() {
    let colors: [SIMD3<Float>] = [SIMD3(1, 50, 0), SIMD3(9, 30, 0), SIMD3(5, 40, 255)]
    #expect(PixelGrid.median(colors) == SIMD3(5, 40, 0))
    #expect(PixelGrid.median([SIMD3(7, 8, 9)]) == SIMD3(7, 8, 9))
    #expect(PixelGrid.median([.zero, .zero, .zero, SIMD3(repeating: 255)]) == .zero, "one outlier moves nothing")
  }

  @Test func theDistanceIsEuclidean() {
    #expect(distance(SIMD3(1, 2, 3), SIMD3(1, 5, 7)) == 5)
    #expect(distance(Color(255, 0, 9).vector, SIMD3(255, 0, 9)) == 0)
  }
}
