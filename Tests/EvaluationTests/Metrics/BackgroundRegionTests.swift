import Images
import Scenes
import Testing

@testable import Evaluation

@Suite struct BackgroundRegionTests {
  /// A region of 128 × 128 pixels without a box of 40…80, around which 6 pixels belong to it.
  private let region = BackgroundRegion(boxes: [[40, 40, 80, 80]], side: 128)

  @Test func theMedianIsThatOfThePixelsOutsideTheBox() {
    let image = Image.drawn(128, 128) { x, y, c in
      (34...86).contains(x) && (34...86).contains(y) ? 250 : Double(10 * (c + 1))
    }
    #expect(region.median(image) == SIMD3(10, 20, 30))
    #expect(region.share(of: image, within: 0, of: SIMD3(10, 20, 30)) == 1)
  }

  @Test func theMedianOfTwoHalvesLiesBetweenThem() {
    let halves = Image.gray(128, 128) { x, _ in x < 64 ? 100 : 103 }
    #expect(BackgroundRegion(boxes: [], side: 128).median(halves) == SIMD3(repeating: 101.5))
  }

  @Test func theToleranceIncludesItsBoundInEveryChannel() {
    let whole = BackgroundRegion(boxes: [], side: 128)
    let image = Image.drawn(128, 128) { x, _, c in x < 32 && c == 2 ? 104 : x < 64 && c == 0 ? 97 : 100 }
    let middle = SIMD3<Double>(repeating: 100)
    #expect(whole.share(of: image, within: 4, of: middle) == 1)
    #expect(whole.share(of: image, within: 3, of: middle) == 0.75)
    #expect(whole.share(of: image, within: 2, of: middle) == 0.5)
  }

  @Test func boxesBeyondTheImageAreCutOff() {
    let edge = BackgroundRegion(boxes: [[-50, -50, 20, 200]], side: 128)
    let image = Image.gray(128, 128) { x, _ in x <= 26 ? 200 : 50 }
    #expect(edge.median(image) == SIMD3(repeating: 50))
    #expect(edge.share(of: image, within: 0, of: SIMD3(repeating: 50)) == 1)
    #expect(BackgroundRegion(boxes: [[300, 0, 400, 90]], side: 128).isLargeEnough)
  }

  /// 5000 of 512 × 512 pixels are 312.5 of 128 × 128.
  @Test func aRegionNeedsAFiftiethOfTheImage() {
    // Columns 0…125 belong to the box and its margin: 2 · 128 pixels are left.
    #expect(!BackgroundRegion(boxes: [[0, 0, 119.5, 128]], side: 128).isLargeEnough)
    #expect(BackgroundRegion(boxes: [[0, 0, 118.5, 128]], side: 128).isLargeEnough)
  }

  @Test func theObjectsOfASceneAreOutsideTheRegion() throws {
    let atlas = try SmallAtlas.get()
    let scene = Readings.scene([Readings.redCircle, Readings.panda], on: .plain(.white))
    let region = BackgroundRegion(scene, side: 128, atlas: atlas)
    let render = scene.render(size: 128, atlas: atlas)
    let white = ColorName.white.backgroundColor
    #expect(region.median(render) == SIMD3(Double(white.red), Double(white.green), Double(white.blue)))
    #expect(region.share(of: render, within: 0, of: region.median(render)) == 1)
  }
}
