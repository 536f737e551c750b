import Foundation
import Images
import Testing
import Torch

@testable import Evaluation

@Suite struct OctaveSpectrumTests {
  private static let side = 128
  private let spectrum = OctaveSpectrum(side: side)

  /// The power of an image whose values are given by column, row and channel.
  private func power(_ value: (_ x: Int, _ y: Int, _ channel: Int) -> Double) -> [Double] {
    var values: [Float] = []
    for c in 0..<3 { for y in 0..<Self.side { for x in 0..<Self.side { values.append(Float(value(x, y, c))) } } }
    return spectrum.power(Tensor(values, shape: [3, Self.side, Self.side]))
  }

  private func wave(_ cycles: Double, _ at: Int) -> Double {
    sin(2 * .pi * cycles * Double(at) / Double(Self.side))
  }

  /// A wave of amplitude A has a mean square of A²/2, and the squared window a mean of (3/8)².
  @Test(arguments: [(10.0, 0), (24, 1), (45, 2)])
  func aWaveHasItsPowerInItsOctave(_ cycles: Double, _ octave: Int) {
    let expected = 50.0 * 50 / 2 * 9 / 64
    for isVertical in [false, true] {
      let found = power { x, y, _ in 128 + 50 * wave(cycles, isVertical ? y : x) }
      #expect(abs(found[octave] / expected - 1) < 0.03, "\(found)")
      for other in found.indices where other != octave { #expect(found[other] < 1e-3 * expected, "\(found)") }
    }
  }

  /// (12, 16) is 20 cycles long; 12 by themselves would be in the octave below.
  @Test func theFrequencyOfASlantedWaveIsTheLengthOfItsVector() {
    let found = power { x, y, _ in
      128 + 50 * sin(2 * .pi * (12 * Double(x) + 16 * Double(y)) / Double(Self.side))
    }
    #expect(abs(found[1] / (50.0 * 50 / 2 * 9 / 64) - 1) < 0.03, "\(found)")
    #expect(found[0] < 0.01 * found[1])
  }

  @Test func powerGrowsWithTheSquareOfTheAmplitude() {
    let (one, three) = (power { x, _, _ in 10 * wave(24, x) }, power { x, _, _ in 30 * wave(24, x) })
    #expect(abs(three[1] / one[1] - 9) < 1e-3)
  }

  @Test func oneChannelCountsByItsShareOfTheLuma() {
    let all = power { x, _, _ in 50 * wave(24, x) }
    for (channel, weight) in [0.299, 0.587, 0.114].enumerated() {
      let one = power { x, _, c in c == channel ? 50 * wave(24, x) : 90 }
      #expect(abs(one[1] / all[1] - weight * weight) < 1e-3, "channel \(channel)")
    }
  }

  @Test func evenImagesAndTheMeanHaveNoPower() {
    for value in [0.0, 77, 255] { #expect(power { _, _, _ in value }.allSatisfy { $0 < 1e-6 }) }
    let (dark, light) = (power { x, _, _ in wave(24, x) }, power { x, _, _ in 200 + wave(24, x) })
    #expect(abs(dark[1] - light[1]) < 1e-4 * dark[1])
  }

  @Test func octavesBeyondTheImageHaveNothing() {
    let noise = power { x, y, c in Double((x * 7919 + y * 104_729 + x * y * 31 + c) % 256) }
    #expect(noise[0] > 0 && noise[1] > 0 && noise[2] > 0)
    #expect(noise[4] == 0, "128 cycles and more need 256 pixels")
  }
}
