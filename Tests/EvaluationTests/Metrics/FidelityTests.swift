import Foundation
import Images
import Testing

@testable import Evaluation

/// PSNR, SSIM and edge F1 where their values are known.
@Suite struct FidelityTests {
  /// A gray image, with `value` added where column and row have an even sum and subtracted elsewhere.
  private func checks(_ middle: Double, _ value: Double, side: Int = 32) -> Image {
    .gray(side, side) { x, y in middle + ((x + y) % 2 == 0 ? value : -value) }
  }

  /// Black to the left of a column and white from there on.
  private func step(at column: Int, low: Double = 0, high: Double = 255) -> Image {
    .gray(32, 32) { x, _ in x < column ? low : high }
  }

  @Test(arguments: [1.0, 3, 16, 100]) func noiseOfOneStrengthHasAKnownPSNR(_ strength: Double) {
    let fidelity = Fidelity(of: checks(128, strength), to: checks(128, 0))
    #expect(abs(fidelity.psnr - 20 * log10(255 / strength)) < 1e-9)
  }

  @Test func aSingleWrongByteIsSpreadOverAllOfThem() {
    var image = checks(100, 0)
    image.pixels[50] = 104
    // 16 squared levels on 3 · 32 · 32 bytes.
    #expect(abs(Fidelity(of: image, to: checks(100, 0)).psnr - 10 * log10(255 * 255 * 3072.0 / 16)) < 1e-9)
  }

  @Test func blackAndWhiteAreAsFarApartAsCanBe() {
    #expect(Fidelity(of: checks(0, 0), to: checks(255, 0)).psnr == 0)
    #expect(Fidelity(of: checks(0, 0), to: checks(0, 0)) == Fidelity(psnr: 99, ssim: 1, edges: 1))
  }

  @Test func anInvertedImageHasTheSameEdgesAndTheOppositeStructure() {
    let image = Image.gray(48, 48) { x, y in 128 + 60 * sin(Double(x) / 3) * sin(Double(y) / 4) }
    let inverted = Image(width: 48, height: 48, channels: .rgb, pixels: image.pixels.map { 255 - $0 })
    let fidelity = Fidelity(of: inverted, to: image)
    #expect(fidelity.edges == 1)
    #expect(fidelity.ssim < -0.5)
  }

  /// The window is so much wider than a pixel that it averages checks: their mean is μ and their variance a².
  @Test(arguments: [0.0, 0.25, 0.5, 1, -1]) func contrastHasAKnownSimilarity(_ factor: Double) {
    let (strength, c2) = (40.0, 58.5225)
    let found = Fidelity(of: checks(128, factor * strength), to: checks(128, strength)).ssim
    let variance = strength * strength
    let expected = (2 * factor * variance + c2) / ((1 + factor * factor) * variance + c2)
    #expect(abs(found - expected) < 2e-3, "\(found), expected \(expected)")
  }

  // MARK: - Edges

  /// A step has edge pixels on both sides of it: the shifted one shares both, one or none within a pixel.
  @Test(arguments: [(0, 1.0), (1, 1.0), (2, 0.5), (3, 0), (9, 0)])
  func aShiftedEdgeMatchesWithinAPixel(_ shift: Int, _ expected: Double) {
    #expect(Fidelity(of: step(at: 16 + shift), to: step(at: 16)).edges == expected)
  }

  @Test func edgesThatOneImageLacksCountOnce() {
    let two = Image.gray(32, 32) { x, _ in (8..<24).contains(x) ? 255 : 0 }
    // All edges of the one are found, half of those of the other: precision 1 and recall 1/2, or the reverse.
    #expect(abs(Fidelity(of: step(at: 8), to: two).edges - 2.0 / 3) < 1e-12)
    #expect(abs(Fidelity(of: two, to: step(at: 8)).edges - 2.0 / 3) < 1e-12)
    #expect(Fidelity(of: step(at: 8), to: checks(90, 0)).edges == 0)
    #expect(Fidelity(of: checks(20, 0), to: checks(90, 0)).edges == 1, "neither has an edge")
  }

  @Test func onlyStepsAboveATwelfthOfTheRangeAreEdges() {
    #expect(Fidelity(of: step(at: 16, low: 100, high: 120), to: step(at: 16)).edges == 0)
    #expect(Fidelity(of: step(at: 16, low: 100, high: 122), to: step(at: 16)).edges == 1)
  }

  @Test func moreBlurIsWorseByAllThree() {
    let image = Image.gray(48, 48) { x, y in (x / 8 + y / 8) % 2 == 0 ? 30 : 220 }
    func blurred(_ side: Int) -> Image {
      image.resized(width: side, height: side, filter: .box).resized(width: 48, height: 48, filter: .bilinear)
    }
    let found = [24, 16, 8].map { Fidelity(of: blurred($0), to: image) }
    for (sharper, softer) in zip(found, found.dropFirst()) {
      #expect(sharper.psnr > softer.psnr && sharper.ssim > softer.ssim && sharper.edges >= softer.edges)
    }
    #expect(found[2].edges < 0.9 && found[2].ssim < 0.8)
  }

  @Test func theMeanIsTakenByPart() {
    let all = [Fidelity(psnr: 10, ssim: 0.5, edges: 1), Fidelity(psnr: 30, ssim: 1, edges: 0)]
    #expect(Fidelity.mean(all) == Fidelity(psnr: 20, ssim: 0.75, edges: 0.5))
    #expect(Fidelity.mean([all[0]]) == all[0] && Fidelity.mean([]) == nil)
  }

  // MARK: - Lightness

  @Test func lightnessHasTheWeightsOfRec601() {
    let image = Image(width: 4, height: 1, channels: .rgb, pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255])
    for (value, expected) in zip(Lightness(image).values, [76.245, 149.685, 29.07, 255] as [Float]) {
      #expect(abs(value - expected) < 1e-3)
    }
  }

  @Test func aStepHasItsHeightAsGradientOnBothSidesAndARampTwiceItsSlope() {
    let across = Lightness(step(at: 16, low: 50, high: 90)).gradients
    for (value, expected) in zip(across[32 * 10 + 14..<32 * 10 + 18], [0, 40, 40, 0] as [Float]) {
      #expect(abs(value - expected) < 1e-3)
    }
    let ramp = Lightness(.gray(32, 32) { _, y in Double(3 * y) }).gradients
    #expect(abs(ramp[32 * 10 + 10] - 6) < 1e-3 && abs(ramp[32 * 20 + 30] - 6) < 1e-3)
    #expect(ramp[5] == 0 && ramp[32 * 31 + 5] == 0 && ramp[32 * 10] == 0, "the border has none")
    let diagonal = Lightness(.gray(32, 32) { x, y in Double(3 * x + 4 * y) }).gradients
    #expect(abs(diagonal[32 * 10 + 10] - 10) < 1e-3)
  }
}
