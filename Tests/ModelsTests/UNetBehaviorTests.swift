import NN
import TestSupport
import Testing
import Torch

@testable import Models

/// What holds for a U-Net of any weights.
@Suite struct UNetBehaviorTests {
  private func unet(_ change: (inout UNet.Configuration) -> Void = { _ in }) -> UNet {
    var configuration = SmallNetworks.unet
    change(&configuration)
    let unet = UNet(configuration, .random(Generator(seed: 1)))
    SmallNetworks.awaken(unet)
    return unet
  }

  private struct Input {
    var sample = Tensor.randn([2, 4, 8, 6], generator: Generator(seed: 2))
    var timesteps = Tensor([900, 20] as [Float])
    var context = Tensor.randn([2, 5, 6], generator: Generator(seed: 3))
    var mask: Tensor?
    var pooled = Tensor.randn([2, 6], generator: Generator(seed: 4))

    /// The input of one row.
    func row(_ index: Int) -> Input {
      let rows = index..<index + 1
      return Input(
        sample: sample[rows], timesteps: timesteps[rows], context: context[rows], mask: mask?[rows],
        pooled: pooled[rows])
    }
  }

  private func run(_ unet: UNet, _ input: Input) -> Tensor {
    withNoGrad {
      unet(
        input.sample, timesteps: input.timesteps, context: input.context, contextMask: input.mask,
        classLabels: input.pooled)
    }
  }

  /// The largest change of the output when a part of the input changes.
  private func effect(_ unet: UNet, _ change: (inout Input) -> Void) -> Double {
    var changed = Input()
    change(&changed)
    return (run(unet, changed) - run(unet, Input())).abs().max().item()
  }

  @Test func rowsOfABatchAreIndependent() {
    let unet = unet()
    var input = Input()
    input.mask = Tensor([1, 1, 1, 1, 1, 1, 1, 0, 0, 0] as [Float], shape: [2, 5])
    let together = run(unet, input)
    for index in 0..<2 { expectClose(run(unet, input.row(index)), together[index..<index + 1], atol: 1e-5) }
  }

  @Test func everyInputReachesTheOutput() {
    let unet = unet()
    #expect(effect(unet) { $0.timesteps = Tensor([100, 700] as [Float]) } > 1e-4)
    #expect(effect(unet) { $0.context = $0.context * 2 } > 1e-4)
    #expect(effect(unet) { $0.pooled = $0.pooled * 2 } > 1e-4)
    #expect(effect(unet) { $0.sample = $0.sample.flipped([3]) } > 1e-2)
  }

  @Test func maskedTokensAreAsIfTheyWereNotThere() {
    let unet = unet()
    var (masked, short) = (Input(), Input())
    masked.mask = Tensor([1, 1, 1, 0, 0, 1, 1, 1, 0, 0] as [Float], shape: [2, 5])
    short.context = short.context.sliced(1, 0..<3)
    expectClose(run(unet, masked), run(unet, short), atol: 1e-5)
  }

  @Test func theOrderOfTheTokensDoesNotMatter() {
    // The adapter has put their order into them.
    #expect(effect(unet()) { $0.context = $0.context.flipped([1]) } < 1e-5)
  }

  @Test func withoutResidualBranchesOnlyTheLatentIsSeen() {
    let unet = unet()
    unet.zeroResidualBranches()
    #expect(effect(unet) { $0.timesteps = Tensor([1, 2] as [Float]) } == 0)
    #expect(effect(unet) { ($0.context, $0.pooled) = ($0.context * 5, $0.pooled * 5) } == 0)
    #expect(effect(unet) { $0.sample = $0.sample.flipped([3]) } > 1e-2)
    let untouched = unet.parameters.filter { $0.key.contains(".conv1.weight") || $0.key.contains(".proj_in.weight") }
    #expect(untouched.count == 12 && untouched.allSatisfy { $0.tensor.abs().max().item() > 0 })
  }

  @Test(arguments: [(8, 8, 1), (7, 5, 1), (1, 1, 1), (2, 3, 1), (8, 6, 0), (7, 5, 0), (2, 3, 0), (1, 4, 0), (1, 1, 0)])
  func anySizeKeepsItsSize(_ height: Int, _ width: Int, _ padding: Int) {
    let unet = unet { $0.downsamplePadding = padding }
    var input = Input()
    input.sample = Tensor.randn([2, 4, height, width], generator: Generator(seed: 5))
    #expect(run(unet, input).shape == [2, 4, height, width])
  }

  @Test func featuresArePredictedFrom() {
    let (unet, input) = (unet(), Input())
    let text = TextConditioning(context: input.context, mask: Tensor.ones([2, 5]), pooled: input.pooled)
    let features = withNoGrad { unet.features(input.sample, at: input.timesteps, text) }
    #expect(features.shape == [2, 8, 8, 6])
    expectClose(withNoGrad { unet.predict(features) }, run(unet, input), atol: 1e-5)
    expectClose(withNoGrad { unet(input.sample, at: input.timesteps, text) }, run(unet, input), atol: 1e-5)
  }

  @Test func checkpointingGivesTheSameGradients() throws {
    func gradients(_ isOn: Bool) throws -> [Tensor] {
      let (unet, input) = (unet(), Input())
      unet.requireGradients(true)
      input.context.requiresGrad = true
      let output = GradientCheckpointing.$isOn.withValue(isOn) {
        unet(input.sample, timesteps: input.timesteps, context: input.context, classLabels: input.pooled)
      }
      output.square().sum().backward()
      return try (unet.parameters.map(\.tensor) + [input.context]).map { try #require($0.grad) }
    }
    for (plain, saved) in zip(try gradients(false), try gradients(true)) {
      expectClose(saved, plain, atol: 1e-4, rtol: 1e-4)
    }
  }

  @Test func aClassEmbeddingWithoutLabelsTraps() async {
    await #expect(processExitsWith: .failure) {
      let unet = UNet(SmallNetworks.unet, .empty)
      _ = unet(Tensor.zeros([1, 4, 4, 4]), timesteps: Tensor.ones([1]), context: Tensor.zeros([1, 2, 6]))
    }
  }
}
