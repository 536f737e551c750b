import TestSupport
import Testing
import Torch

@Suite struct WinogradTests {
  /// What a convolution and its gradients are made from.
  private struct Example {
    let x, weight, bias, gradient: Tensor  // [B, C, H, W], [K, C, 3, 3], [K], [B, K, H, W]

    init(batch: Int, inputs: Int, outputs: Int, height: Int, width: Int) {
      let generator = Generator(seed: 7)
      x = Tensor.randn([batch, inputs, height, width], generator: generator).channelsLast()
      weight = Tensor.randn([outputs, inputs, 3, 3], generator: generator)
      bias = Tensor.randn([outputs], generator: generator)
      gradient = Tensor.randn([batch, outputs, height, width], generator: generator)
    }

    /// The output and the gradients of input, weight and bias.
    func results(
      of dtype: DType = .float32, inputNeedsGradient: Bool = true, by convolution: (Tensor, Tensor, Tensor) -> Tensor
    ) -> [Tensor?] {
      let (x, weight, bias) = (x.to(dtype).detached(), weight.to(dtype).detached(), bias.to(dtype).detached())
      for tensor in [weight, bias] { tensor.requiresGrad = true }
      x.requiresGrad = inputNeedsGradient
      let y = convolution(x, weight, bias)
      (y * gradient.to(dtype)).sum().backward()
      return [y.detached(), x.grad, weight.grad, bias.grad]
    }

    func direct(of dtype: DType = .float64) -> [Tensor?] { results(of: dtype) { $0.conv2d($1, $2, padding: 1) } }
    func winograd() -> [Tensor?] { results { $0.winogradConv2d($1, $2) } }
  }

  /// Root mean square of the difference over that of what is expected.
  private func relativeError(_ actual: Tensor?, _ expected: Tensor?) throws -> Double {
    let (actual, expected) = (try #require(actual).to(.float64), try #require(expected).to(.float64))
    #expect(actual.shape == expected.shape)
    return ((actual - expected).square().sum() / expected.square().sum()).sqrt().item()
  }

  private func expectEqual(_ example: Example, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let (actual, expected) = (example.winograd(), example.direct())
    for (index, limit) in [1e-5, 3e-5, 3e-5, 3e-5].enumerated() {
      #expect(try relativeError(actual[index], expected[index]) < limit, "\(index)", sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: [(4, 4), (8, 8), (5, 7), (1, 1), (2, 2), (3, 9), (13, 4)])
  func everySizeOfImageIsThatOfADirectConvolution(height: Int, width: Int) throws {
    try expectEqual(Example(batch: 3, inputs: 16, outputs: 24, height: height, width: width))
  }

  @Test(arguments: [(16, 16), (1, 1), (3, 20), (17, 9), (33, 64), (400, 24), (24, 400)])
  func everyNumberOfChannelsIsThatOfADirectConvolution(inputs: Int, outputs: Int) throws {
    try expectEqual(Example(batch: 2, inputs: inputs, outputs: outputs, height: 6, width: 8))
  }

  @Test(arguments: [1, 5]) func severalBlocksOfTilesAddUp(batch: Int) throws {
    try expectEqual(Example(batch: batch, inputs: 160, outputs: 160, height: 44, width: 36))
  }

  @Test func layoutDoesNotMatter() throws {
    let example = Example(batch: 2, inputs: 20, outputs: 18, height: 8, width: 12)
    let expected = example.direct()
    let results = [
      example.results { x, w, b in x.contiguous().winogradConv2d(w, b) },
      example.results { x, w, b in
        x.transposed(2, 3).contiguous().transposed(2, 3).winogradConv2d(w.channelsLast(), b)
      },
    ]
    for actual in results {
      for index in expected.indices { #expect(try relativeError(actual[index], expected[index]) < 1e-5) }
    }
    #expect(example.x.winogradConv2d(example.weight, nil).isChannelsLast)
  }

  @Test func onlyWhatIsWantedGetsAGradient() throws {
    let example = Example(batch: 2, inputs: 16, outputs: 16, height: 8, width: 8)
    let expected = example.direct()
    let actual = example.results(inputNeedsGradient: false) { $0.winogradConv2d($1, $2) }
    #expect(actual[1] == nil)
    for index in [0, 2, 3] { #expect(try relativeError(actual[index], expected[index]) < 1e-5) }
    let withoutBias = example.results { x, w, _ in x.winogradConv2d(w, nil) }
    #expect(withoutBias[3] == nil)
    for index in [1, 2] { #expect(try relativeError(withoutBias[index], expected[index]) < 1e-5) }
    let frozen = example.results { x, w, b in x.winogradConv2d(w.detached(), b) }
    #expect(frozen[2] == nil)
    for index in [0, 1, 3] { #expect(try relativeError(frozen[index], expected[index]) < 1e-5) }
  }

  @Test func theSameNumbersEveryTime() {
    let example = Example(batch: 2, inputs: 48, outputs: 32, height: 20, width: 20)
    let (first, second) = (example.winograd(), example.winograd())
    for (a, b) in zip(first, second) { #expect(a?.floats() == b?.floats() && a != nil) }
  }

  @Test func gradientCheckpointingGivesTheSameGradients() {
    let example = Example(batch: 2, inputs: 16, outputs: 16, height: 8, width: 8)
    let recomputing = example.results { x, w, b in recomputed([x]) { $0[0].winogradConv2d(w, b) } }
    for (a, b) in zip(example.winograd(), recomputing) { #expect(a?.floats() == b?.floats() && a != nil) }
  }

  @Test func gradientsNeedNotBeRecorded() {
    let example = Example(batch: 2, inputs: 16, outputs: 16, height: 8, width: 8)
    let expected = example.winograd()[0]?.floats()
    #expect(withInference { example.x.winogradConv2d(example.weight, example.bias).floats() } == expected)
    #expect(withNoGrad { example.x.winogradConv2d(example.weight, example.bias).floats() } == expected)
  }

  @Test func theSwitchChangesWhereItIsFasterOnly() {
    /// Whether the switch changes the numbers of a convolution.
    func changes(
      channels: Int = 16, side: Int = 8, batch: Int = 8, kernel: Int = 3, stride: Int = 1, groups: Int = 1,
      dtype: DType = .float32, bfloat16: Bool = false
    ) -> Bool {
      let generator = Generator(seed: 3)
      let x = Tensor.randn([batch, channels, side, side], generator: generator).channelsLast().to(dtype)
      let weight = Tensor.randn([channels, channels / groups, kernel, kernel], generator: generator).to(dtype)
      let results = [false, true].map { on in
        withWinograd(enabled: on) {
          withAutocast(.cpu, enabled: bfloat16) {
            x.conv2d(weight, nil, stride: stride, padding: kernel / 2, groups: groups)
          }
        }.doubles()
      }
      return results[0] != results[1]
    }
    #expect(changes())
    #expect(!changes(channels: 8))
    #expect(!changes(side: 2))
    #expect(!changes(side: 4, batch: 2))
    #expect(!changes(kernel: 1))
    #expect(!changes(stride: 2))
    #expect(!changes(channels: 32, groups: 2))
    #expect(!changes(dtype: .float64))
    #expect(!changes(bfloat16: true))
  }

  @Test func theSwitchIsOffBeforeAndAfter() {
    #expect(!Libtorch.usesWinograd)
    withWinograd {
      #expect(Libtorch.usesWinograd)
      withWinograd(enabled: false) { #expect(!Libtorch.usesWinograd) }
      #expect(Libtorch.usesWinograd)
    }
    #expect(!Libtorch.usesWinograd)
  }

  @Test func theBackwardPassRecomputesAsItComputed() {
    let example = Example(batch: 8, inputs: 16, outputs: 16, height: 8, width: 8)
    example.x.requiresGrad = true
    var during: [Bool] = []
    let result = withWinograd {
      recomputed([example.x]) { inputs in
        during.append(Libtorch.usesWinograd)
        return inputs[0].conv2d(example.weight, example.bias, padding: 1)
      }
    }
    result.sum().backward()
    #expect(during == [true, true])
    #expect(!Libtorch.usesWinograd)
  }
}
