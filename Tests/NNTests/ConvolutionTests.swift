import NN
import TestSupport
import Testing
import Torch

@Suite struct ConvolutionTests {
  /// A convolution as the formula states it: every output is a sum over a window of the zero-padded image.
  private func byHand(
    _ x: Tensor, _ weight: Tensor, _ bias: Tensor?, stride: Int, padding: Int, groups: Int
  ) -> Tensor {
    let (B, C, H, W) = x.shape4
    let (O, I, k, _) = weight.shape4
    let (values, kernel, offset) = (x.doubles(), weight.doubles(), bias?.doubles())
    let (height, width) = ((H + 2 * padding - k) / stride + 1, (W + 2 * padding - k) / stride + 1)
    var result: [Double] = []
    for b in 0..<B {
      for o in 0..<O {
        let first = o / (O / groups) * I  // the first input channel of this output's group
        for row in 0..<height {
          for column in 0..<width {
            var sum = offset?[o] ?? 0
            for i in 0..<I {
              for dy in 0..<k {
                for dx in 0..<k {
                  let (y, x) = (row * stride + dy - padding, column * stride + dx - padding)
                  guard (0..<H).contains(y), (0..<W).contains(x) else { continue }
                  sum += kernel[((o * I + i) * k + dy) * k + dx] * values[((b * C + first + i) * H + y) * W + x]
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return Tensor(result, shape: [B, O, height, width])
  }

  @Test(arguments: [(3, 1, 1, 1), (3, 2, 1, 1), (3, 2, 0, 2), (1, 1, 0, 1), (2, 2, 0, 1), (5, 1, 2, 2), (4, 3, 2, 4)])
  func itSumsOverTheWindowOfEveryOutput(_ kernel: Int, _ stride: Int, _ padding: Int, _ groups: Int) {
    let layer = Conv2d(
      in: 4, out: 8, kernel: kernel, stride: stride, padding: padding, groups: groups,
      .random(Generator(seed: UInt64(kernel)))
    ).inFloat64()
    let x = random([2, 4, 7, 6], seed: 2)
    #expect(layer.weight.shape == [8, 4 / groups, kernel, kernel])
    let expected = byHand(x, layer.weight, layer.bias, stride: stride, padding: padding, groups: groups)
    expectClose(layer(x), expected, atol: 1e-12)
    expectClose(layer(x.channelsLast()), expected, atol: 1e-12, "channels last")
  }

  @Test(arguments: [1, 3, 5]) func paddingKeepsTheSizeUnlessGiven(_ kernel: Int) {
    let layer = Conv2d(in: 2, out: 3, kernel: kernel, bias: false, .empty)
    #expect(layer.bias == nil)
    #expect(layer(Tensor.ones([1, 2, 6, 9])).shape == [1, 3, 6, 9])
  }

  @Test func initialValuesDependOnTheInputsOfOneOutput() {
    // 8 channels in 2 groups: 4 · 3 · 3 = 36 products an output.
    let layer = Conv2d(in: 8, out: 64, kernel: 3, groups: 2, .random(Generator(seed: 1)))
    let largest = layer.weight.abs().max().item()
    #expect(largest <= 1 / 6.0 + 1e-7 && largest > 0.95 / 6)
    #expect((layer.bias?.abs().max().item() ?? 1) <= 1 / 6.0 + 1e-7)
  }

  @Test func zeroedIsTheSameLayerWithoutEffect() {
    let layer = Conv2d(in: 2, out: 2, kernel: 3, .random(Generator(seed: 1)))
    #expect(layer.zeroed() === layer)
    #expect(layer(Tensor.ones([1, 2, 3, 3])).abs().max().item() == 0)
  }

  @Test(arguments: [(1, 1), (2, 2)]) func itsGradientsAreFiniteDifferences(_ stride: Int, _ groups: Int) {
    let layer = Conv2d(in: 2, out: 2, kernel: 3, stride: stride, groups: groups, .random(Generator(seed: 3)))
    let x = random([1, 2, 4, 5], seed: 4)
    let weights = random(layer.inFloat64()(x).shape, seed: 5)
    expectGradients(layer.parameters, inputs: [x], of: { (layer(x).square() * weights).sum() })
  }
}

@Suite struct TransposedConvolutionTests {
  @Test func everyInputSpreadsItsKernel() {
    let layer = ConvTranspose2d(in: 1, out: 2, kernel: 2, stride: 2, .empty)
    layer.weight.copy_(Tensor([1, 2, 3, 4, 10, 20, 30, 40] as [Float], shape: [1, 2, 2, 2]))
    layer.bias.copy_(Tensor([0, 0.5] as [Float]))
    let y = layer(Tensor([1, -1] as [Float], shape: [1, 1, 1, 2]))
    #expect(y.shape == [1, 2, 2, 4])
    #expect(y.floats() == [1, 2, -1, -2, 3, 4, -3, -4, 10.5, 20.5, -9.5, -19.5, 30.5, 40.5, -29.5, -39.5])
  }

  /// ⟨convolve x, y⟩ = ⟨x, spread y⟩ for the same kernels.
  @Test(arguments: [(2, 2), (3, 1), (3, 2)]) func itIsTheAdjointOfTheConvolution(_ kernel: Int, _ stride: Int) {
    let down = Conv2d(
      in: 3, out: 2, kernel: kernel, stride: stride, padding: 0, bias: false, .random(Generator(seed: 1))
    ).inFloat64()
    let up = ConvTranspose2d(in: 2, out: 3, kernel: kernel, stride: stride, .empty).inFloat64()
    up.weight.copy_(down.weight)
    let y = random([1, 2, 4, 3], seed: 2)
    let spread = up(y)
    #expect(spread.shape == [1, 3, 3 * stride + kernel, 2 * stride + kernel])
    let x = random(spread.shape, seed: 3)
    expectClose((down(x) * y).sum(), (x * spread).sum(), atol: 1e-11)
  }
}
