import Foundation
import Images
import Testing

@testable import Scenes

@Suite struct SceneBackgroundTests {
  private func image(_ background: Scene.Background, horizon: Double = 0.6, size: Int = 128) -> Image {
    let painter = SceneBackground(background, horizon: horizon, size: size)
    return Image(width: size, height: size) { row, pixels in painter.paint(row: row, into: pixels) }
  }

  private func isClose(_ a: Color, _ b: Color, _ tolerance: Int) -> Bool {
    zip([a.red, a.green, a.blue], [b.red, b.green, b.blue]).allSatisfy { abs(Int($0) - Int($1)) <= tolerance }
  }

  @Test(arguments: ColorName.allCases) func aPlainBackgroundIsOneColor(_ color: ColorName) {
    #expect(image(.plain(color), size: 16) == Image.canvas(16, color.backgroundColor) { _ in })
  }

  @Test func aGradientGoesEvenlyFromTopToBottom() {
    let (top, bottom) = (ColorName.red.backgroundColor, ColorName.blue.backgroundColor)
    let gradient = image(.gradient(top: .red, bottom: .blue))
    for y in 0..<128 {
      let expected = top.mixed(with: bottom, (Double(y) + 0.5) / 128)
      #expect(isClose(gradient.color(0, y), expected, 1) && gradient.color(127, y) == gradient.color(0, y))
    }
  }

  // MARK: - Patterns

  private func share(_ pattern: Scene.Pattern, size: Int = 128) -> Double {
    var sum = 0.0
    for y in 0..<size {
      for x in 0..<size {
        sum += pattern.cover((Double(x) + 0.5) / Double(size), (Double(y) + 0.5) / Double(size), pixels: Double(size))
      }
    }
    return sum / Double(size * size)
  }

  /// Stripes and checks are half of each color; 64 dots have a radius of 0.028.
  @Test func patternsHaveTheirShareOfTheFigure() {
    for size in [64, 128, 200] {
      #expect(abs(share(.stripes, size: size) - 0.5) < 0.01, "\(size)")
      #expect(abs(share(.checks, size: size) - 0.5) < 0.01, "\(size)")
      #expect(abs(share(.dots, size: size) / (64 * .pi * 0.028 * 0.028) - 1) < 0.06, "\(size)")
    }
  }

  @Test(arguments: Scene.Pattern.allCases) func aPatternRepeatsItself(_ pattern: Scene.Pattern) {
    for x in stride(from: 0.01, to: 0.74, by: 0.037) {
      for y in stride(from: 0.02, to: 0.74, by: 0.041) {
        let cover = pattern.cover(x, y, pixels: 512)
        #expect((0...1).contains(cover))
        #expect(abs(cover - pattern.cover(x + 0.25, y, pixels: 512)) < 1e-6)
        #expect(abs(cover - pattern.cover(x, y + 0.25, pixels: 512)) < 1e-6)
      }
    }
  }

  @Test func stripesAreUprightAndAnEighthWide() {
    let stripes = image(.pattern(.stripes, ground: .white, figure: .red))
    let (red, white) = (ColorName.red.backgroundColor, ColorName.white.backgroundColor)
    for stripe in 0..<8 {
      for x in 16 * stripe + 2..<16 * stripe + 14 {
        #expect(stripes.color(x, 5) == (stripe % 2 == 0 ? red : white) && stripes.color(x, 100) == stripes.color(x, 5))
      }
    }
  }

  @Test func checksChangeInBothDirections() {
    let checks = image(.pattern(.checks, ground: .white, figure: .red))
    let colors = [ColorName.red.backgroundColor, ColorName.white.backgroundColor]
    for row in 0..<8 {
      for column in 0..<8 {
        #expect(checks.color(16 * column + 8, 16 * row + 8) == colors[(row + column + 1) % 2], "\(row), \(column)")
      }
    }
  }

  // MARK: - Landscapes

  @Test(arguments: Scene.Landscape.allCases) func aLandscapeHasItsEdgeColors(_ landscape: Scene.Landscape) {
    let scene = image(.landscape(landscape))
    #expect(isClose(scene.color(0, 0), landscape.edgeColors.top, 2))
    #expect(isClose(scene.color(0, 127), landscape.edgeColors.bottom, landscape == .sky ? 14 : 2))
  }

  @Test func theHorizonIsWhereItIsSaidToBe() {
    for horizon in [0.56, 0.6, 0.64] {
      let sea = image(.landscape(.sea), horizon: horizon)
      let line = horizon * 128
      let (sky, water) = (sea.color(64, Int(line) - 2), sea.color(64, Int(line) + 2))
      #expect(isClose(water, Scene.Landscape.sea.colors.ground, 0))
      #expect(isClose(sky, Scene.Landscape.sea.colors.horizon, 4), "the foot of the sky: \(sky)")
    }
  }

  /// The row that the horizon cuts is mixed by the share of it that is sky.
  @Test func theHorizonIsAntialiased() {
    let (sky, ground) = (Scene.Landscape.sea.colors.horizon, Scene.Landscape.sea.colors.ground)
    for part in [0.25, 0.5, 0.75] {
      let row = image(.landscape(.sea), horizon: (70 + part) / 128).color(64, 70)
      #expect(isClose(row, ground.mixed(with: sky, part), 3), "\(part): \(row)")
    }
  }

  @Test func aMereSkyHasNoHorizon() {
    let (low, high) = (image(.landscape(.sky), horizon: 0.56), image(.landscape(.sky), horizon: 0.64))
    #expect(low == high)
  }

  // MARK: - Decorations

  @Test func quietLandscapesHaveNoDecorations() {
    for landscape in [Scene.Landscape.grass, .beach, .snow, .sea] {
      #expect(SceneDecoration.of(landscape, horizon: 0.6, size: 64).isEmpty)
      let plain = image(.landscape(landscape))
      for y in 0..<128 { #expect(plain.color(0, y) == plain.color(77, y), "\(landscape), row \(y)") }
    }
  }

  @Test func twelveStarsShineInTheUpperHalf() {
    let stars = SceneDecoration.of(.night, horizon: 0.6, size: 512)
    #expect(stars.count == 12)
    #expect(stars.allSatisfy { $0.rows.upperBound < 300 })
    let night = image(.landscape(.night), size: 512)
    func isBright(_ x: Int, _ y: Int) -> Bool { night.color(x, y).red > 150 }
    let bright = (0..<512 * 512).count { isBright($0 % 512, $0 / 512) }
    // Discs with a radius of 3.07 pixels, which may overlap.
    #expect((Double(bright) / (12 * .pi * 3.07 * 3.07) - 1).magnitude < 0.25, "\(bright)")
  }

  @Test(arguments: Scene.Landscape.allCases) func decorationsStayOnTheCanvasAndLieAlike(_ landscape: Scene.Landscape) {
    for size in [16, 64, 100] {
      for part in SceneDecoration.of(landscape, horizon: 0.6, size: size) {
        #expect(part.rows.lowerBound >= 0 && part.rows.upperBound <= size)
      }
    }
    // A star is less than a pixel of the small image.
    let (large, small) = (image(.landscape(landscape), size: 256), image(.landscape(landscape), size: 64))
    let shrunk = large.shrunk(by: 4)
    let differences = zip(shrunk.pixels, small.pixels).map { abs(Int($0) - Int($1)) }
    #expect(Double(differences.reduce(0, +)) / Double(differences.count) < 1.5, "\(landscape)")
  }

  @Test func housesStandOnTheHorizonAndFloorsLieBelowIt() {
    for horizon in [0.56, 0.64] {
      let (street, room) = (image(.landscape(.street), horizon: horizon), image(.landscape(.room), horizon: horizon))
      let line = Int(horizon * 128)
      // The first house is 0.3 high and brown.
      #expect(street.color(1, line - 30) == Color(190, 156, 140))
      #expect(street.color(1, line - 42) != Color(190, 156, 140))
      #expect(isClose(room.color(64, line - 2), Color(250, 246, 238), 1), "the skirting board")
      let joints = (line + 1..<128).filter { room.color(3, $0) != Scene.Landscape.room.colors.ground }
      #expect(joints.count >= 4)
    }
  }
}
