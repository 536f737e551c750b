import TestSupport
import Testing

@testable import Torch

@Suite struct CompactWeightTests {
  private let generator = Generator(seed: 1)

  private var half: CompactWeight {
    CompactWeight(.half(Tensor.randn([4, 6], generator: generator).to(.float16)), shape: [4, 6])
  }

  private func int8(_ shape: [Int]) -> CompactWeight {
    let values = (Tensor.randn(shape, generator: generator) * 50).clamped(to: -127...127).to(.int8)
    return CompactWeight(.int8(values, scale: Tensor.rand([shape[0]], generator: generator)), shape: shape)
  }

  private func int4(_ shape: [Int]) -> CompactWeight {
    let (rows, width) = (shape[0], shape.dropFirst().reduce(1, *))
    let bytes = (0..<rows * width / 2).map { UInt8(truncatingIfNeeded: $0 &* 0x9E37_79B9 >> 11) }
    let scale = Tensor.randn([rows, width / 32], generator: generator).to(.float16)
    return CompactWeight(.int4(Tensor(bytes, shape: [rows, width / 2]), scale: scale), shape: shape)
  }

  @Test(arguments: [[3, 5], [4, 3, 3, 3], [1, 70_000]]) func eightBitsAreTimesTheScaleOfTheirRow(_ shape: [Int]) throws
  {
    let weight = int8(shape)
    guard case .int8(let values, let scale) = weight.form else { return }
    let expected = values.to(.float32) * scale.reshaped([shape[0]] + shape.dropFirst().map { _ in 1 })
    #expect(weight.values(as: .float32).bytes() == expected.bytes())
    #expect(weight.values(as: .bfloat16).bytes() == expected.to(.bfloat16).bytes())
  }

  @Test(arguments: [[2, 32], [3, 64], [2, 32, 3, 3]]) func fourBitsAreTimesTheScaleOfTheirGroup(_ shape: [Int]) throws {
    let weight = int4(shape)
    guard case .int4(let values, let scale) = weight.form else { return }
    let (bytes, scales) = (values.bytes(), scale.to(.float32).floats())
    let expected = (0..<2 * bytes.count).map { index in
      let (group, place) = (index / 32, index % 32)
      let byte = bytes[group * 16 + place % 16]
      return Float(Int(place < 16 ? byte & 15 : byte >> 4) - 8) * scales[group]
    }
    #expect(weight.values(as: .float32).shape == shape)
    #expect(weight.values(as: .float32).floats() == expected)
    #expect(weight.values(as: .bfloat16).bytes() == Tensor(expected, shape: shape).to(.bfloat16).bytes())
  }

  @Test func rowsAreThoseOfTheWidenedMatrix() {
    let ids = Tensor([3, 0, 0, 2, 1, 3] as [Int64], shape: [2, 3])
    for weight in [half, int8([4, 7]), int4([4, 64])] {
      let expected = Tensor.embedding(weight.values(as: .float32), ids)
      #expect(weight.rows(ids, as: .float32).shape == expected.shape)
      #expect(weight.rows(ids, as: .float32).bytes() == expected.bytes())
    }
  }

  @Test func memoryIsThatOfTheCompactForm() {
    #expect(half.bytes == 2 * 24)
    #expect(int8([4, 6]).bytes == 24 + 4 * 4)
    #expect(int4([4, 64]).bytes == 128 + 2 * 8)
  }

  @Test func aTensorWithACompactWeightKeepsShapeAndTypeAndHasNoNumbersOfItsOwn() throws {
    let tensor = Tensor.zeros([4, 6])
    let weight = half
    tensor.setCompact_(weight, widenedTo: .float32)
    #expect(tensor.shape == [4, 6] && tensor.dtype == .float32)
    #expect(tensor.floats().allSatisfy { $0.isNaN }, "a computation that forgets to widen shows")
    #expect(tensor.values.bytes() == weight.values(as: .float32).bytes())
    tensor.widen_()
    #expect(tensor.compact == nil)
    #expect(tensor.bytes() == weight.values(as: .float32).bytes())
    tensor.release_()
    #expect(tensor.shape == [4, 6] && tensor.floats().allSatisfy { $0.isNaN })
    tensor.setCompact_(weight, widenedTo: .bfloat16)
    #expect(tensor.dtype == .bfloat16)
    tensor.setData_(.ones([4, 6]))
    #expect(tensor.values.floats() == [Float](repeating: 1, count: 24), "other data replaces a compact weight")
  }
}
