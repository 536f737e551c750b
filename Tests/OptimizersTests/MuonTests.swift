import TestSupport
import Testing
import Torch

@testable import Optimizers

@Suite struct MuonTests {
  private func parameter(_ shape: [Int], seed: UInt64) -> Tensor {
    let tensor = Tensor.randn(shape, generator: Generator(seed: seed))
    tensor.requiresGrad = true
    return tensor
  }

  @Test(arguments: [[3, 5, 9], [2, 12, 4], [1, 7, 7]])
  func directionsHaveSingularValuesNearOne(_ shape: [Int]) {
    let matrices = Tensor.randn(shape, generator: Generator(seed: 1))
    let directions = Muon.orthogonalized(matrices)
    #expect(directions.shape == shape)
    for index in 0..<shape[0] {
      let x = shape[1] > shape[2] ? directions[index].transposed(0, 1) : directions[index]
      let values = x.matmul(x.transposed(0, 1)).symmetricEigenvalues().doubles().map { $0.squareRoot() }
      // Five steps do not reach 1, they end in a band around it (Jordan et al., 2024).
      #expect(values.allSatisfy { (0.3...1.3).contains($0) }, "\(values)")
    }
  }

  @Test(arguments: [[3, 4, 36], [1, 16, 16 * 9], [2, 7, 200]])
  func theStepsOnTheGramMatrixEqualTheStepsOnTheMatrix(shape: [Int]) {
    let matrices = Tensor.randn(shape, generator: Generator(seed: 5))
    let x = matrices / matrices.square().sum([1, 2], keepDims: true).sqrt()
    expectClose(Muon.newtonSchulzOnGram(x), Muon.newtonSchulz(x), atol: 1e-4)
  }

  @Test func theStepsOnTheGramMatrixEndureARankDeficientMatrix() {
    let x = Tensor.randn([1, 1, 90], generator: Generator(seed: 6)) * Tensor.ones([1, 8, 1])
    let normalized = x / x.square().sum([1, 2], keepDims: true).sqrt()
    expectClose(Muon.newtonSchulzOnGram(normalized), Muon.newtonSchulz(normalized), atol: 1e-4)
  }

  @Test func aDirectionHasTheSidesOfItsMatrix() {
    // U Vᵀ: the singular vectors stay, so that the product with the matrix is symmetric and positive.
    let matrix = Tensor.randn([1, 4, 6], generator: Generator(seed: 2))
    let product = Muon.orthogonalized(matrix)[0].matmul(matrix[0].transposed(0, 1))
    expectClose(product, product.transposed(0, 1), atol: 1e-3)
    #expect(product.symmetricEigenvalues().doubles().allSatisfy { $0 > 0 })
  }

  @Test func aLinearProblemIsSolved() throws {
    let (x, target) = (parameter([6, 4, 1, 1], seed: 3), Tensor.randn([6, 4, 1, 1], generator: Generator(seed: 4)))
    let optimizer = Optimizer([Muon([("x", x)], learningRateScale: 1, weightDecay: 0)], maxGradNorm: 1e9)
    for step in 0..<400 {
      (x - target).square().sum().backward()
      try optimizer.step(learningRate: 0.05 * (1 - Double(step) / 400))
    }
    #expect((x - target).abs().max().item() < 0.02)
  }

  @Test func parametersOfEqualShapeAreUpdatedAsEachAlone() throws {
    func trained(_ together: Bool) throws -> [[Float]] {
      let xs = (0..<3).map { parameter([4, 3, 3, 3], seed: UInt64($0)) }
      let named = xs.enumerated().map { (key: "x\($0)", tensor: $1) }
      let rules =
        together
        ? [Muon(named, learningRateScale: 2, weightDecay: 0.1)]
        : named.map { Muon([$0], learningRateScale: 2, weightDecay: 0.1) }
      let optimizer = Optimizer(rules, maxGradNorm: 1e9)
      for _ in 0..<3 {
        xs.reduce(Tensor(0)) { $0 + $1.square().sum() }.backward()
        try optimizer.step(learningRate: 0.01)
      }
      return xs.map { $0.floats() }
    }
    let (together, alone) = (try trained(true), try trained(false))
    for (a, b) in zip(together, alone) { #expect(zip(a, b).allSatisfy { abs($0 - $1) < 1e-5 }) }
  }

  @Test func weightDecayShrinksWithoutAGradient() throws {
    let x = parameter([2, 2], seed: 5)
    let before = x.floats()
    let optimizer = Optimizer([Muon([("x", x)], learningRateScale: 1, weightDecay: 0.5)], maxGradNorm: 1)
    (x * 0.0).sum().backward()
    try optimizer.step(learningRate: 0.1)
    #expect(zip(x.floats(), before).allSatisfy { abs($0 - $1 * 0.95) < 1e-6 })
  }

  @Test func aSkippedUpdateChangesNothing() {
    let x = parameter([3, 3], seed: 6)
    let muon = Muon([("x", x)], learningRateScale: 1, weightDecay: 0.5)
    let (before, momentum) = (x.floats(), muon.state[0].tensor.floats())
    muon.update([Tensor.full([3, 3], .nan)], learningRate: 0.1, skip: Tensor(1))
    #expect(x.floats() == before && muon.state[0].tensor.floats() == momentum)
  }

  @Test func eachRuleHasItsOwnParametersUnderOneLimit() throws {
    let (matrix, vector) = (parameter([3, 3], seed: 7), parameter([3], seed: 8))
    let optimizer = Optimizer(
      [Muon([("matrix", matrix)], learningRateScale: 1, weightDecay: 0), AdamW([("vector", vector)], weightDecay: 0)],
      maxGradNorm: 1)
    (matrix.sum() * 4 + vector.sum() * 3).backward()
    let norm = try optimizer.step(learningRate: 0.01)
    #expect(abs(norm - (16.0 * 9 + 9.0 * 3).squareRoot()) < 1e-3)
    #expect(optimizer.state.map(\.key) == ["momentum.matrix", "first.vector", "second.vector", "steps.vector"])
  }
}
