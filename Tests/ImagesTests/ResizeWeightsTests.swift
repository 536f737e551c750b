import Foundation
import Testing

@testable import Images

@Suite struct ResizeWeightsTests {
  private static let sizes = [(1, 1), (1, 7), (7, 1), (16, 8), (8, 16), (100, 37), (37, 100), (5, 4), (3000, 2)]

  @Test(arguments: ResizeFilter.allCases) func theWeightsOfEveryPixelAddUpToOne(_ filter: ResizeFilter) {
    for (old, new) in Self.sizes {
      let kernel = ResizeWeights(filter, from: old, to: new)
      let one = 1 << ResizeWeights.precision
      for index in 0..<new {
        let sum = kernel.weights[index * kernel.stride..<(index + 1) * kernel.stride].reduce(0) { $0 + Int($1) }
        // Every weight is rounded by itself.
        #expect(abs(sum - one) <= kernel.counts[index], "\(filter) \(old) to \(new), pixel \(index)")
      }
    }
  }

  @Test(arguments: ResizeFilter.allCases) func onlyPixelsOfTheImageAreRead(_ filter: ResizeFilter) {
    for (old, new) in Self.sizes {
      let kernel = ResizeWeights(filter, from: old, to: new)
      for index in 0..<new {
        #expect(kernel.firsts[index] >= 0 && kernel.counts[index] > 0 && kernel.counts[index] <= kernel.stride)
        #expect(kernel.firsts[index] + kernel.counts[index] <= old, "\(filter) \(old) to \(new), pixel \(index)")
      }
    }
  }

  @Test(arguments: [ResizeFilter.box, .bilinear]) func filtersWithoutLobesHaveNoNegativeWeight(_ filter: ResizeFilter) {
    for (old, new) in Self.sizes {
      #expect(ResizeWeights(filter, from: old, to: new).weights.allSatisfy { $0 >= 0 })
    }
  }

  /// Keys' cubic and the windowed sinc are 1 at 0 and 0 at all other whole numbers: they interpolate.
  @Test func filtersInterpolate() {
    for filter in ResizeFilter.allCases {
      #expect(filter.weight(0) == 1)
      for distance in [1.0, 2, 3] { #expect(abs(filter.weight(-distance)) < 1e-15, "\(filter) at \(distance)") }
    }
    #expect(ResizeFilter.bilinear.weight(0.25) == 0.75)
    #expect(ResizeFilter.bicubic.weight(0.5) == 0.5625 && ResizeFilter.bicubic.weight(1.5) == -0.0625)
    // sinc(1/2) sinc(1/6) = 2/π · 3/π
    #expect(abs(ResizeFilter.lanczos.weight(0.5) - 6 / (Double.pi * Double.pi)) < 1e-12)
  }

  @Test(arguments: ResizeFilter.allCases) func nothingIsWeighedBeyondTheSupport(_ filter: ResizeFilter) {
    for step in 1...20 {
      let distance = filter.support + 0.05 * Double(step)
      #expect(filter.weight(distance) == 0 && filter.weight(-distance) == 0, "\(filter) at \(distance)")
    }
  }

  @Test func shrinkingByTwoHasTheWeightsOfTheWidenedFilter() {
    func weights(_ filter: ResizeFilter) -> [Double] {
      let kernel = ResizeWeights(filter, from: 32, to: 16)
      return (0..<kernel.counts[8]).map {
        Double(kernel.weights[8 * kernel.stride + $0]) / Double(1 << ResizeWeights.precision)
      }
    }
    #expect(weights(.box).filter { $0 != 0 } == [0.5, 0.5])
    #expect(weights(.bilinear).filter { $0 != 0 } == [0.125, 0.375, 0.375, 0.125])
    // Half of Keys' cubic at the distances 1/4, 3/4, 5/4 and 7/4.
    let cubic = [0.25, 0.75, 1.25, 1.75].map { 0.5 * ResizeFilter.bicubic.weight($0) }
    let expected = cubic.reversed() + cubic
    for (found, value) in zip(weights(.bicubic).filter { $0 != 0 }, expected) { #expect(abs(found - value) < 1e-6) }
  }
}
