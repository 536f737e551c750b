import Testing
import Torch

@testable import Optimizers

@Suite struct AdamWTests {
  private func parameter(_ values: [Float]) -> Tensor {
    let tensor = Tensor(values, shape: [values.count])
    tensor.requiresGrad = true
    return tensor
  }

  @Test func aQuadraticIsMinimized() throws {
    let x = parameter([3, -2])
    let optimizer = Optimizer([AdamW([("x", x)], weightDecay: 0)], maxGradNorm: 1)
    for _ in 0..<500 {
      (x - 1).square().sum().backward()
      try optimizer.step(learningRate: 0.02)
    }
    #expect(x.floats().allSatisfy { abs($0 - 1) < 0.01 }, "\(x.floats())")
  }

  @Test func theReportedNormIsThatBeforeTheLimit() throws {
    let x = parameter([0, 0])
    (x * Tensor([3, 4] as [Float], shape: [2])).sum().backward()
    #expect(try Optimizer([AdamW([("x", x)], weightDecay: 0)], maxGradNorm: 1).step(learningRate: 0.1) == 5)
  }

  @Test func aGradientThatIsNotFiniteChangesNothing() {
    let x = parameter([1])
    let optimizer = Optimizer([AdamW([("x", x)], weightDecay: 0.1)], maxGradNorm: 1)
    (x * Double.nan).sum().backward()
    let error = #expect(throws: Optimizer.NotFinite.self) { try optimizer.step(learningRate: 0.1) }
    #expect(error?.key == "x")
    #expect(x.floats() == [1])
    #expect(optimizer.state.allSatisfy { $0.tensor.floats().allSatisfy { $0 == 0 } })
  }
}
