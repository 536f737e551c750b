import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct QuantizationTests {
  private func stored(_ tensor: Tensor, _ format: Quantization) -> [String: Tensor] {
    Dictionary(uniqueKeysWithValues: format.stored("w", tensor).map { ($0.key, $0.tensor) })
  }

  /// What is read of a tensor that was stored.
  private func read(_ tensor: Tensor, _ format: Quantization) throws -> Tensor {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(format.stored("w", tensor), directory: folder, name: "x")
      return try Quantization.read("w", tensor.shape, from: WeightSet(folder, name: "x"))
    }
  }

  @Test func eightBitsAreSteps127OfWhichReachTheLargestNumberOfARow() throws {
    let tensor = Tensor([1, -0.3, 0.25, -254, 127, 2] as [Float], shape: [2, 3])
    let parts = stored(tensor, .int8)
    #expect(parts.count == 2)
    #expect(try #require(parts["w"]).dtype == .int8)
    #expect(try #require(parts["w"]).ints() == [127, -38, 32, -127, 64, 1])  // of 38.1, 31.75 and 63.5
    expectClose(try #require(parts["w_scale"]), Tensor([1.0 / 127, 2]), atol: 1e-9)
    expectClose(
      try read(tensor, .int8), Tensor([1, -38.0 / 127, 32.0 / 127, -254, 128, 2], shape: [2, 3]), atol: 1e-6)
  }

  @Test(arguments: [[5, 7], [4, 3, 3, 3]]) func eightBitsAreWithinHalfAStepOfEveryNumber(_ shape: [Int]) throws {
    let tensor = Tensor.randn(shape, generator: Generator(seed: 1))
    let rows = tensor.reshaped([shape[0], -1])
    let error = (try read(tensor, .int8).reshaped(rows.shape) - rows).abs().max([1])
    let step = rows.abs().max([1]) / 127
    #expect((step * 0.5001 - error).min().item() > 0)
  }

  @Test(arguments: [[6, 9], [4, 64], [2, 32, 3, 3]]) func whatWasReadIsStoredAsBefore(_ shape: [Int]) throws {
    for format in Quantization.allCases {
      let once = try read(Tensor.randn(shape, generator: Generator(seed: 2)), format)
      expectClose(try read(once, format), once, atol: 1e-7, format.rawValue)
    }
  }

  @Test(arguments: [[5, 32], [3, 96], [4, 32, 3, 3]])
  func fourBitsAreStepsOfGroupsWhoseFarthestNumberIsExact(_ shape: [Int]) throws {
    let tensor = Tensor.randn(shape, generator: Generator(seed: 1))
    let parts = stored(tensor, .int4)
    #expect(try #require(parts["w"]).dtype == .uint8)
    #expect(try #require(parts["w"]).count == tensor.count / 2)
    #expect(try #require(parts["w_scale"]).dtype == .float16)
    let groups = tensor.reshaped([-1, 32])
    let error = (try read(tensor, .int4).reshaped(groups.shape) - groups).abs()
    let largest = groups.abs().max([1], keepDims: true)
    // The side that the farthest number is not on ends at 7 steps of 8.
    #expect((largest / 8 * 1.01 - error.max([1], keepDims: true)).min().item() > 0)
    #expect(error.mean().item() < 0.3 * (largest / 8).mean().item(), "a quarter of a step if numbers are uniform")
    let atLargest = Tensor.where(groups.abs() .== largest, error, .zeros(groups.shape))
    #expect((atLargest / largest).max().item() < 1e-3, "only its scale is rounded")
  }

  @Test func fourBitsBecomeEightWhereGroupsDoNotFit() throws {
    let parts = stored(Tensor.randn([5, 33], generator: Generator(seed: 1)), .int4)
    #expect(try #require(parts["w"]).dtype == .int8)
  }

  @Test func aGroupOfZerosStaysZero() throws {
    let tensor = Tensor.zeros([2, 64])
    tensor[1].fill_(3)
    #expect(try read(tensor, .int4).floats() == [Float](repeating: 0, count: 64) + [Float](repeating: 3, count: 64))
  }

  @Test func aRowOfZerosStaysZero() throws {
    let tensor = Tensor.zeros([2, 4])
    tensor[1].fill_(3)
    #expect(try read(tensor, .int8).floats() == [0, 0, 0, 0, 3, 3, 3, 3])
  }

  @Test(arguments: Quantization.allCases) func vectorsAndIntegersAreStoredAsTheyAre(_ format: Quantization) throws {
    let vector = Tensor([0.1, 1.0 / 3] as [Float])
    #expect(stored(vector, format).count == 1)
    #expect(try #require(stored(vector, format)["w"]).bytes() == vector.bytes())
    let table = Tensor([1, 2, 3, 4] as [Int64], shape: [2, 2])
    #expect(try #require(stored(table, format)["w"]).dtype == .int64)
  }

  @Test func sixteenBitsKeepEightOfThem() throws {
    let tensor = Tensor.randn([3, 5], generator: Generator(seed: 3))
    let parts = stored(tensor, .bfloat16)
    #expect(try parts.count == 1 && #require(parts["w"]).dtype == .bfloat16)
    let error = ((try read(tensor, .bfloat16) - tensor) / tensor).abs().max().item()
    #expect(error <= 1.0 / 256 && error > 0)
  }

  @Test func fullPrecisionIsExact() throws {
    let tensor = Tensor.randn([3, 5], generator: Generator(seed: 4))
    #expect(try read(tensor, .float32).bytes() == tensor.bytes())
  }

  @Test func aStoredTensorIsACopyOutsideTheGraph() throws {
    let tensor = Tensor.randn([3, 5], generator: Generator(seed: 5))
    tensor.requiresGrad = true
    for format in Quantization.allCases {
      for part in stored(tensor, format).values { #expect(!part.requiresGrad) }
    }
  }

  @Test func onlyTheKeysOfScalesHaveAParameterOfAnotherName() {
    #expect(Quantization.quantizedKey("a.weight_scale") == "a.weight")
    #expect(Quantization.quantizedKey("a.weight") == "a.weight")
  }
}
