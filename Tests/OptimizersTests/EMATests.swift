import Foundation
import Testing
import Torch

@testable import Optimizers

@Suite struct EMATests {
  /// Averages the numbers 1, 2, 3, … `count`.
  private func average(upTo count: Int, width: Double) -> Double {
    let x = Tensor(0)
    let average = EMA([("x", x)], decay: .relativeWidth(width))
    for step in 0..<count {
      withNoGrad { x.fill_(Double(step + 1)) }
      average.update(count: step)
    }
    return average.parameters[0].tensor.item()
  }

  @Test func exponentsAreThoseOfThePaper() {
    // Karras et al., 2024, §3.1: γ = 16.97 and 6.94.
    #expect(abs(EMA.exponent(relativeWidth: 0.05) - 16.97) < 0.01)
    #expect(abs(EMA.exponent(relativeWidth: 0.10) - 6.94) < 0.01)
  }

  @Test func theMeanAgeIsAShareOfTheSteps() {
    // Weights (a/t)^γ have the mean (γ + 1) / (γ + 2).
    for width in [0.05, 0.1, 0.2] {
      let exponent = EMA.exponent(relativeWidth: width)
      #expect(abs(average(upTo: 2000, width: width) / 2000 - (exponent + 1) / (exponent + 2)) < 0.002)
    }
  }

  @Test func widthZeroIsTheWeightsThemselves() { #expect(average(upTo: 7, width: 0) == 7) }

  @Test func theAverageIsLentAndTakenBack() {
    let x = Tensor([0] as [Float], shape: [1])
    let average = EMA([("x", x)], decay: .relativeWidth(0.1))
    withNoGrad { x.fill_(10) }
    for count in 0..<1000 { average.update(count: count) }
    withNoGrad { x.fill_(2) }
    average.withEMAWeights { #expect(abs(x.item() - 10) < 1e-3) }
    #expect(x.item() == 2)
  }

  @Test func aConstantDecayForgetsTheStartFirst() {
    let x = Tensor([Float(0)], shape: [1])
    let average = EMA([("x", x)], decay: .constant(0.5))
    withNoGrad { x.fill_(1) }
    // (1 + n) / (10 + n) of the average is kept, until that is more than a half: 1 − 0.1, then what remains × 2 / 11.
    average.update(count: 0)
    #expect(abs(average.parameters[0].tensor.item() - 0.9) < 1e-6)
    average.update(count: 1)
    #expect(abs(average.parameters[0].tensor.item() - (1 - 0.1 * 2 / 11)) < 1e-6)
    average.copyToParameters()
    #expect(abs(x.item() - (1 - 0.1 * 2 / 11)) < 1e-6)
  }

  @Test(arguments: [0, 7, 8, 1000]) func aConstantDecayIsNeverExceeded(_ count: Int) {
    let (x, y) = (Tensor([Float(0)], shape: [1]), min(0.5, Double(1 + count) / Double(10 + count)))
    let average = EMA([("x", x)], decay: .constant(0.5))
    withNoGrad { x.fill_(1) }
    average.update(count: count)
    #expect(abs(average.parameters[0].tensor.item() - (1 - y)) < 1e-6)
  }
}
