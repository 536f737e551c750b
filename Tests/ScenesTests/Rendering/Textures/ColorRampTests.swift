import Support
import Testing

@testable import Scenes

@Suite struct ColorRampTests {
  private func stop(_ place: Double, _ value: Float) -> ColorRamp.Stop {
    ColorRamp.Stop(place: place, color: SIMD4(value, 2 * value, 0, 255))
  }

  @Test func colorsAreMixedEvenlyBetweenStops() {
    let ramp = ColorRamp([stop(0, 0), stop(0.5, 100), stop(1, 60)], smooth: false)
    for (place, value) in [(0.1, 20), (0.25, 50), (0.4, 80), (0.75, 80), (0.9, 68)] as [(Float, Float)] {
      #expect(abs(ramp[place].x - value) < 0.1 && abs(ramp[place].y - 2 * value) < 0.2, "\(place): \(ramp[place])")
    }
  }

  /// 3 t² − 2 t³.
  @Test func aSmoothWayIsSlowAtBothEnds() {
    let ramp = ColorRamp([stop(0, 0), stop(1, 100)], smooth: true)
    for (place, value) in [(0.25, 15.625), (0.5, 50), (0.75, 84.375)] as [(Float, Float)] {
      #expect(abs(ramp[place].x - value) < 0.15, "\(place): \(ramp[place])")
    }
    #expect(ramp[0.02].x < 0.2 && ramp[0.98].x > 99.8)
  }

  @Test func beyondTheEndsAreTheLastColors() {
    let ramp = ColorRamp([stop(0.3, 10), stop(0.6, 90)], smooth: false)
    for place in [-5, 0, 0.1, 0.29] as [Float] { #expect(ramp[place].x == 10, "\(place)") }
    for place in [0.61, 1, 7] as [Float] { #expect(ramp[place].x == 90, "\(place)") }
  }

  @Test func bandsBeginAtTheirPlacesAndRepeat() {
    let ramp = ColorRamp(bands: [stop(0, 10), stop(0.25, 50), stop(0.75, 90)], blend: 0.02)
    for (place, value) in [(0.1, 10), (0.2, 10), (0.3, 50), (0.7, 50), (0.8, 90), (0.95, 90)] as [(Float, Float)] {
      #expect(ramp[place].x == value, "\(place)")
    }
    // Halfway between the neighbors where one begins, and between the last and the first at either end.
    #expect(abs(ramp[0.25].x - 30) < 1.5 && abs(ramp[0.75].x - 70) < 1.5)
    #expect(abs(ramp[0].x - 50) < 3 && abs(ramp[1].x - 50) < 3)
  }

  @Test func drawnColorsAreBytesOfAnyHue() {
    var random = SplitMix64(seed: 3, index: 0)
    let colors = (0..<2000).map { _ in random.color() }
    #expect(colors.allSatisfy { $0.w == 255 && $0.min() >= 0 && $0.max() <= 255 })
    let grays = Double(colors.count { $0.x == $0.y && $0.y == $0.z }) / 2000
    #expect(abs(grays - 0.125) < 0.03)
    for channel in 0..<3 {
      let strongest = Double(colors.count { color in (0..<3).allSatisfy { color[$0] <= color[channel] } }) / 2000
      #expect(abs(strongest - 0.33) < 0.16, "channel \(channel)")
    }
  }

  @Test func drawnStopsRiseFromZeroToOne() {
    var random = SplitMix64(seed: 4, index: 0)
    for count in 2...6 {
      for _ in 0..<50 {
        let stops = random.stops([SIMD4<Float>](repeating: .zero, count: count))
        #expect(stops.count == count && stops[0].place == 0 && abs(stops[count - 1].place - 1) < 1e-12)
        #expect(zip(stops, stops.dropFirst()).allSatisfy { $1.place - $0.place > 0.01 })
      }
    }
  }

  @Test func drawnDirectionsHaveLengthOneAndAllAngles() {
    var random = SplitMix64(seed: 5, index: 0)
    let all = (0..<2000).map { _ in random.direction() }
    #expect(all.allSatisfy { abs($0.x * $0.x + $0.y * $0.y - 1) < 1e-12 })
    for quadrant in [(1.0, 1.0), (1, -1), (-1, 1), (-1, -1)] {
      let share = Double(all.count { $0.x * quadrant.0 > 0 && $0.y * quadrant.1 > 0 }) / 2000
      #expect(abs(share - 0.25) < 0.04)
    }
  }
}
