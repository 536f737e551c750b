import Foundation
import TestSupport
import Testing
import Torch

@Suite struct TensorTests {
  @Test func arithmeticBroadcasts() {
    let a = Tensor([Float](arrayLiteral: 1, 2, 3, 4), shape: [2, 2])
    let b = Tensor([Float](arrayLiteral: 10, 20), shape: [2])
    expectClose(a + b, Tensor([11, 22, 13, 24] as [Float], shape: [2, 2]))
    expectClose(1 - a, Tensor([0, -1, -2, -3] as [Float], shape: [2, 2]))
    expectClose(2 / a, Tensor([2, 1, 2 / 3.0, 0.5] as [Float], shape: [2, 2]))
    expectClose(a.matmul(a), Tensor([7, 10, 15, 22] as [Float], shape: [2, 2]))
  }

  @Test func shapesAreNamedAndChecked() async {
    let (rows, columns) = Tensor.zeros([2, 3]).shape2
    #expect(rows == 2 && columns == 3)
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).shape4 }
  }

  @Test func aWrongShapeTraps() async {
    await #expect(processExitsWith: .failure) { _ = Tensor.zeros([2, 3]).matmul(Tensor.zeros([2, 3])) }
  }

  @Test func elementsSurviveTheRoundTripThroughOtherLayouts() {
    let x = Tensor((0..<24).map(Float.init), shape: [1, 2, 3, 4])
    #expect(x.channelsLast().isChannelsLast)
    #expect(x.channelsLast().floats() == x.floats())
    #expect(x.to(.bfloat16).dtype == .bfloat16)
    #expect(x.transposed(2, 3).floats()[1] == 4)
  }

  /// The first numbers of `torch.randn(5, generator=torch.Generator().manual_seed(42))` in PyTorch 2.13.
  @Test func aSeedGivesTorchsNumbers() {
    let x = Tensor.randn([5], generator: Generator(seed: 42))
    expectClose(
      x, Tensor([0.33669037, 0.12880941, 0.23446237, 0.23033303, -1.12285638] as [Float]), atol: 1e-6)
  }

  @Test func aGeneratorsStateContinuesExactly() {
    let generator = Generator(seed: 7)
    _ = Tensor.randn([33], generator: generator)
    let state = generator.state
    let first = Tensor.randn([33], generator: generator)
    generator.state = state
    #expect(Tensor.randn([33], generator: generator).floats() == first.floats())
  }

  @Test func gradientsFlowUnlessTurnedOff() {
    let x = Tensor([3] as [Float])
    x.requiresGrad = true
    (x * x).sum().backward()
    #expect(x.grad?.floats() == [6])
    x.clearGrad()
    #expect(x.grad == nil)
    #expect(!withNoGrad { x * x }.requiresGrad)
    #expect(!withInference { x * x }.requiresGrad)
  }

  /// A wave of 2 cycles down and 3 across has all its power there; a constant has it at zero, the squared area times its square.
  @Test func aPowerSpectrumShowsWavesWhereTheyAre() {
    let (height, width) = (8, 16)
    func image(_ value: (Double, Double) -> Double) -> Tensor {
      let values = (0..<height * width).map { index in
        value(Double(index / width) / Double(height), Double(index % width) / Double(width))
      }
      return Tensor(values, shape: [1, height, width])
    }
    func expected(_ row: Int, _ column: Int, _ power: Double) -> Tensor {
      var values = [Double](repeating: 0, count: height * (width / 2 + 1))
      values[row * (width / 2 + 1) + column] = power
      return Tensor(values, shape: [1, height, width / 2 + 1])
    }
    let area = Double(height * width)
    let wave = image { y, x in cos(2 * .pi * (2 * y + 3 * x)) }
    expectClose(wave.powerSpectrum2d(), expected(2, 3, area * area / 4), atol: 1e-9)
    expectClose(image { _, _ in 3 }.powerSpectrum2d(), expected(0, 0, 9 * area * area), atol: 1e-9)
  }

  @Test func autocastComputesInBFloat16AndEnds() {
    let x = Tensor.ones([4, 4])
    #expect(withAutocast(.cpu) { x.matmul(x) }.dtype == .bfloat16)
    #expect(x.matmul(x).dtype == .float32)
  }

  @Test func attentionUnderAutocastIsExactOnTheCPU() {
    let (q, k, v) = (
      Tensor.randn([2, 3, 5, 8], generator: Generator(seed: 1)),
      Tensor.randn([2, 3, 7, 8], generator: Generator(seed: 2)),
      Tensor.randn([2, 3, 7, 8], generator: Generator(seed: 3))
    )
    let mask = Tensor([1, 1, 0, 1, 1, 0, 1] as [Float], shape: [1, 1, 1, 7]) .> 0.5
    q.requiresGrad = true
    let mixed = withAutocast(.cpu) { Tensor.attention(q, k, v, mask: mask, scale: 0.5) }
    #expect(mixed.dtype == .float32)
    expectClose(mixed, Tensor.attention(q, k, v, mask: mask, scale: 0.5), atol: 1e-6)
    mixed.sum().backward()
    #expect(q.grad != nil)
  }

  /// 200 steps of 8 MiB each, in a process of their own, whose peak is theirs alone: it would grow by gigabytes if a
  /// tensor outlived its last use.
  @Test func aLongLoopKeepsMemoryFlat() async {
    await #expect(processExitsWith: .success) {
      func peak() throws -> Int {  // KiB
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmHWM") })
        return try #require(Int(line.split(whereSeparator: { !$0.isNumber }).first ?? ""))
      }
      func step(_ x: Tensor) -> Tensor { (x * 1.0001 + 0.1).tanh() - x * 0.01 }
      var x = Tensor.ones([2 << 20])
      for _ in 0..<5 { x = step(x) }
      let before = try peak()
      for _ in 0..<200 { x = step(x) }
      let grown = try peak() - before
      if grown >= 64 << 10 { fatalError("peak memory grew by \(grown) KiB") }
    }
  }
}
