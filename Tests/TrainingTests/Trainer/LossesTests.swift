import Flux
import Foundation
import Models
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct AutoencoderLossTests {
  private let decoded = Tensor.randn([2, 3, 8, 8], generator: Generator(seed: 1))
  private let image = Tensor.randn([2, 3, 8, 8], generator: Generator(seed: 2))

  /// One plane of 8 × 8 for each image and channel.
  private var errors: [[[Double]]] {
    let values = (decoded - image).doubles()
    let rows = stride(from: 0, to: values.count, by: 8).map { Array(values[$0..<$0 + 8]) }
    return stride(from: 0, to: rows.count, by: 8).map { Array(rows[$0..<$0 + 8]) }
  }

  private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  /// Differences to the right and below.
  private func differences(_ planes: [[[Double]]]) -> (across: [Double], down: [Double]) {
    var (across, down): ([Double], [Double]) = ([], [])
    for plane in planes {
      for (y, row) in plane.enumerated() {
        for (x, value) in row.enumerated() {
          if x > 0 { across.append(value - row[x - 1]) }
          if y > 0 { down.append(value - plane[y - 1][x]) }
        }
      }
    }
    return (across, down)
  }

  /// Means over squares of `side` × `side` pixels.
  private func pooled(_ planes: [[[Double]]], _ side: Int) -> [[[Double]]] {
    planes.map { plane in
      var small = [[Double]](repeating: [Double](repeating: 0, count: 8 / side), count: 8 / side)
      for (y, row) in plane.enumerated() {
        for (x, value) in row.enumerated() { small[y / side][x / side] += value / Double(side * side) }
      }
      return small
    }
  }

  private func meanSquare(_ values: [Double]) -> Double { mean(values.map { $0 * $0 }) }
  private func meanSize(_ values: [Double]) -> Double { mean(values.map { abs($0) }) }

  @Test func theEarlyLossIsItsFormula() {
    let (across, down) = differences(errors)
    let all = errors.flatMap { $0.flatMap { $0 } }
    var expected = 4 * meanSquare(all) + 0.2 * meanSize(all)
    expected += 8 * (meanSquare(across) + meanSquare(down))
    #expect(abs(AutoencoderLoss.loss(decoded, image).item() - expected) < 1e-4 * expected)
  }

  @Test func theLateLossIsItsFormula() {
    let (across, down) = differences(errors)
    let all = errors.flatMap { $0.flatMap { $0 } }
    var expected = 2 * meanSquare(all) + meanSize(all)
    expected += 8 * (meanSquare(across) + meanSquare(down))
    for planes in [errors, pooled(errors, 2), pooled(errors, 4)] {
      let (across, down) = differences(planes)
      expected += meanSize(across) + meanSize(down)
    }
    #expect(abs(AutoencoderLoss.loss(decoded, image, .late).item() - expected) < 1e-4 * expected)
  }

  @Test func aPerfectImageCostsNothing() {
    #expect(AutoencoderLoss.loss(image, image).item() == 0 && AutoencoderLoss.loss(image, image, .late).item() == 0)
  }

  @Test func aHazeWeighsMoreInTheLateLoss() {
    // Two levels of 255 everywhere: squares hardly see it.
    let haze = image + 2 / 127.5
    let (early, late) = (AutoencoderLoss.loss(haze, image).item(), AutoencoderLoss.loss(haze, image, .late).item())
    #expect(late > 3 * early)
  }

  @Test func theSignalToNoiseRatioIsInDecibels() {
    let black = Tensor.full([1, 3, 4, 4], -1)
    #expect(abs(AutoencoderLoss.psnr(black + 0.2, black) - 20) < 1e-4)  // a tenth of the range
    #expect(abs(AutoencoderLoss.psnr(black + 2, black)) < 1e-4)  // all of it
    #expect(abs(AutoencoderLoss.psnr(black - 5, black) - 10 * log10(4e12)) < 1e-4)  // clamped to the range: equal
  }

  @Test func onlyTailsBeyondThreeDeviationsArePenalized() {
    #expect(AutoencoderLoss.tailPenalty(Tensor([-3, 0, 2.9, 3] as [Float])).item() == 0)
    let penalty = AutoencoderLoss.tailPenalty(Tensor([-5, 0, 4, 3] as [Float])).item()
    #expect(abs(penalty - 0.01 * (4 + 1) / 4) < 1e-7)
  }

  @Test func aPaletteIsKeptSmallAndEveryColorInUse() throws {
    let configuration = Autoencoder.Configuration(
      latentChannels: 4, encoderPatch: 2, encoderWidths: [8], encoderBlocks: [1], decoderWidths: [8],
      decoderBlocks: [1], decoderOutputWidth: 8, superResolutionWidths: [], normGroups: 4,
      palette: Autoencoder.Palette(colors: 3, enlargement: 4, sharpness: 6, encoderShrink: 2))
    let decoder = Autoencoder(configuration, .empty).decoder
    func penalty(feature: Double, logits: [Double]) throws -> Double {
      let fields = Tensor.cat(
        logits.map { Tensor.full([1, 1, 2, 2], $0) } + [Tensor.zeros([1, 9, 2, 2])], dim: 1)
      let output = DecoderOutput(
        features: Tensor.full([1, 8, 2, 2], feature), pixels: Tensor.zeros([1, 3, 8, 8]), fields: fields)
      return try #require(AutoencoderLoss.palettePenalty(output, decoder)).item()
    }
    #expect(abs(try penalty(feature: 2, logits: [0, 0, 0])) < 1e-8)  // a mean square of 4 is no reason
    #expect(abs(try penalty(feature: 3, logits: [0, 0, 0]) - 0.05) < 1e-6)
    #expect(abs(try penalty(feature: 0, logits: [9, 0, 0]) - 2 * 0.08 * 0.08) < 1e-6)  // two colors are nowhere
    let none = DecoderOutput(features: image, pixels: image)
    #expect(AutoencoderLoss.palettePenalty(none, decoder) == nil)
  }
}

@Suite struct AlignmentTests {
  private let alignment = Alignment(Preset.tiny.configuration, labels: 3, .random(Generator(seed: 1)))

  /// The logarithms of the softmax of some scores.
  private func logSoftmax(_ scores: [Double]) -> [Double] {
    let total = log(scores.map(exp).reduce(0, +))
    return scores.map { $0 - total }
  }

  @Test func cellsWithAnObjectWeighTenTimesAsMuchAsBackground() {
    let map = Tensor.randn([2, 64, 2, 2], generator: Generator(seed: 2))
    let labels: [Int64] = [0, 1, 0, 2, 0, 0, 0, 1]
    let scores = withNoGrad { alignment.latents(map) }.permuted([0, 2, 3, 1]).doubles()
    var (sum, weights) = (0.0, 0.0)
    for (cell, label) in labels.enumerated() {
      let weight = label == 0 ? 0.1 : 1
      sum -= weight * logSoftmax(Array(scores[cell * 3..<cell * 3 + 3]))[Int(label)]
      weights += weight
    }
    let loss = alignment.loss(map, through: alignment.latents, Tensor(labels, shape: [2, 4]))
    #expect(abs(loss.item() - sum / weights) < 1e-5)
  }

  @Test func captionsAreComparedWithTheObjectsOfTheirImageAlone() {
    let pooled = Tensor.randn([2, 32], generator: Generator(seed: 3))
    let scores = withNoGrad { alignment.text(pooled) }.doubles()
    let (first, second) = (logSoftmax(Array(scores[0..<3])), logSoftmax(Array(scores[3..<6])))
    // Two cells of object 1 and one of object 2 in the first image, one of object 2 in the second.
    let labels = Tensor([0, 1, 1, 2, 2, 0, 0, 0] as [Int64], shape: [2, 4])
    let expected = -(2 * first[1] + first[2] + second[2]) / 4
    #expect(abs(alignment.textLoss(pooled, labels).item() - expected) < 1e-5)
  }

  @Test func withoutObjectsOrExtraWeightAllCellsWeighOne() {
    let empty = Alignment.cellWeights(Tensor.zeros([2, 4], dtype: .int64), side: 2, extra: 5)
    #expect(empty.floats() == [Float](repeating: 1, count: 8))
    let labels = Tensor([0, 1, 2, 0] as [Int64], shape: [1, 4])
    #expect(Alignment.cellWeights(labels, side: 2, extra: 0).floats() == [1, 1, 1, 1])
  }
}
