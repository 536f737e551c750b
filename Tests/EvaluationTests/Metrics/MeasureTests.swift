import Foundation
import Images
import Support
import Testing

@testable import Evaluation

@Suite struct MeasureTests {
  /// Any image will do: waves and noise.
  private func image(_ seed: UInt64, shift: Int = 0, side: Int = 32) -> Image {
    var random = SplitMix64(seed: seed, index: 0)
    let pixels = (0..<3 * side * side).map { index in
      UInt8(min(255, 90 + 60 * sin(Double(index % (3 * side)) / 9) + random.real(-20, 20)) + Double(shift))
    }
    return Image(width: side, height: side, channels: .rgb, pixels: pixels)
  }

  private func vectors(_ seed: UInt64, count: Int, shift: Double = 0) -> [ImageFeatures] {
    var random = SplitMix64(seed: seed, index: 1)
    return (0..<count).map { _ in
      ImageFeatures(values: (0..<8).map { Double($0) * random.real(-1, 1) + shift })
    }
  }

  @Test func equalImagesAreAsNearAsCanBe() {
    for seed in 0..<5 as Range<UInt64> {
      let fidelity = Fidelity(of: image(seed), to: image(seed))
      #expect(fidelity.psnr == 99)
      #expect(abs(fidelity.ssim - 1) < 1e-9)
      #expect(fidelity.edges == 1)
    }
  }

  @Test func fidelityIsSymmetric() {
    for seed in 0..<5 as Range<UInt64> {
      let (a, b) = (image(seed), image(seed + 100))
      let (there, back) = (Fidelity(of: a, to: b), Fidelity(of: b, to: a))
      #expect(abs(there.ssim - back.ssim) < 1e-12)
      #expect(there.psnr == back.psnr)
      #expect(abs(there.edges - back.edges) < 1e-12)
      #expect(there.ssim < 0.99)
    }
  }

  /// Two even images differ in lightness alone: (2ab + C₁) / (a² + b² + C₁), C₁ = 6.5025.
  @Test func aConstantShiftHasAKnownSimilarity() {
    func even(_ value: UInt8) -> Image {
      Image(width: 16, height: 16, channels: .rgb, pixels: [UInt8](repeating: value, count: 768))
    }
    let fidelity = Fidelity(of: even(100), to: even(110))
    #expect(abs(fidelity.ssim - (2 * 100 * 110 + 6.5025) / (100 * 100 + 110 * 110 + 6.5025)) < 1e-4)
    #expect(abs(fidelity.psnr - 20 * log10(255.0 / 10)) < 1e-9)
  }

  @Test func eigenvectorsRebuildTheMatrix() {
    for size in [1, 2, 5, 16] {
      var random = SplitMix64(seed: UInt64(size), index: 2)
      var matrix = SymmetricMatrix(size: size)
      for i in 0..<size {
        for j in 0...i {
          let value = random.real(-1, 1)
          (matrix[i, j], matrix[j, i]) = (value, value)
        }
      }
      let (values, vectors) = matrix.eigen()
      for i in 0..<size {
        for j in 0..<size {
          let rebuilt = (0..<size).reduce(0) { $0 + values[$1] * vectors[i, $1] * vectors[j, $1] }
          #expect(abs(rebuilt - matrix[i, j]) < 1e-9)
        }
      }
      let square = matrix.times(matrix)
      let root = square.squareRoot
      let again = root.times(root)
      for i in 0..<size { for j in 0..<size { #expect(abs(again[i, j] - square[i, j]) < 1e-9) } }
    }
  }

  @Test func frechetDistanceIsZeroOfEqualSetsAndTheSquareOfAShift() {
    for seed in 0..<3 as Range<UInt64> {
      let set = vectors(seed, count: 50)
      #expect(FrechetDistance.between(set, set) < 1e-6)
      // Eight numbers, each shifted by 0.5.
      #expect(abs(FrechetDistance.between(set, vectors(seed, count: 50, shift: 0.5)) - 8 * 0.25) < 1e-6)
      let other = vectors(seed + 9, count: 50)
      #expect(abs(FrechetDistance.between(set, other) - FrechetDistance.between(other, set)) < 1e-6)
    }
  }

  @Test func distancesAreTakenWithinAndBetweenGroups() throws {
    func at(_ x: Double) -> ImageFeatures { ImageFeatures(values: [x]) }
    let groups = [[at(0), at(1)], [at(10), at(13)]]
    #expect(FeatureDistances.within(groups) == 2)
    #expect(FeatureDistances.between(groups) == 10)
    #expect(FeatureDistances.within([[at(0)]]) == nil)
    #expect(FeatureDistances.nearest([at(4)], among: [at(0), at(6)]) == [2])
    #expect(ImageFeatures(image(1, side: 128)).values.count == ImageFeatures.count)
  }

  @Test func aBootstrapHoldsTheMeanAndRepeatsItself() {
    let groups = [[1.0, 0, 1, 1, 0.5, 0.75], [0, 0, 0.25, 1, 0, 0.5]]
    let interval = Bootstrap.interval(groups)
    #expect(interval == Bootstrap.interval(groups))
    #expect(interval.contains((4.25 / 6 + 1.75 / 6) / 2))
    #expect(interval.upperBound - interval.lowerBound > 0.1)
    #expect(Bootstrap.interval([[1, 1], [1]]) == 1...1)
  }
}
