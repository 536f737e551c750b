import NN
import TestSupport
import Testing
import Torch

private final class Chain: Module {
  let first = Linear(in: 3, out: 3, .random(Generator(seed: 1)))
  let second = Linear(in: 3, out: 3, .random(Generator(seed: 2)))
  let norm = LayerNorm(3)

  func callAsFunction(_ x: Tensor) -> Tensor { norm(second(first(x))) }
}

@Suite struct LayerProbeTests {
  @Test func aFiniteComputationHasNoFault() {
    let chain = Chain()
    #expect(LayerProbe.firstFault { _ = chain(Tensor.ones([2, 3])) } == nil)
  }

  @Test func theFirstLayerAtFaultIsNamedThoughAllAfterItAre() throws {
    let chain = Chain()
    chain.second.weight.selected(0, 1).fill_(.infinity)
    let fault = try #require(LayerProbe.firstFault { _ = chain(Tensor.ones([2, 3])) })
    #expect(fault.weight === chain.second.weight && fault.type == "Linear")
    let name = chain.parameters.first { $0.tensor === fault.weight }?.key
    #expect(name == "second.weight")
  }

  @Test func oneElementThatIsNotANumberIsEnough() throws {
    let chain = Chain()
    let x = Tensor.ones([50, 3])
    x.selected(0, 49).narrowed(0, 2, 1).fill_(.nan)
    let fault = try #require(LayerProbe.firstFault { _ = chain(x) })
    #expect(fault.weight === chain.first.weight)
  }

  @Test func everyKindOfLayerIsWatched() throws {
    let initial = Initializer.random(Generator(seed: 1))
    let image = Tensor.full([1, 2, 4, 4], .nan)
    let (linear, convolution) = (Linear(in: 4, out: 2, initial), Conv2d(in: 2, out: 2, kernel: 3, initial))
    let (spread, table) = (
      ConvTranspose2d(in: 2, out: 2, kernel: 2, stride: 2, initial), Embedding(count: 2, width: 3, initial)
    )
    let (group, layer) = (GroupNorm(groups: 1, channels: 2), LayerNorm(4))
    table.weight.fill_(.nan)
    let cases: [(String, Tensor, () -> Tensor)] = [
      ("Linear", linear.weight, { linear(image) }), ("Conv2d", convolution.weight, { convolution(image) }),
      ("ConvTranspose2d", spread.weight, { spread(image) }),
      ("Embedding", table.weight, { table(Tensor([1] as [Int64])) }),
      ("GroupNorm", group.weight, { group(image) }), ("LayerNorm", layer.weight, { layer(image) }),
    ]
    for (type, weight, run) in cases {
      let fault = try #require(LayerProbe.firstFault { _ = run() }, "\(type)")
      #expect(fault.type == type && fault.weight === weight)
    }
  }

  @Test func aFaultBelongsToItsOwnSearch() {
    let chain = Chain()
    let broken = Tensor.full([1, 3], .nan)
    _ = chain(broken)  // nobody is looking
    #expect(LayerProbe.firstFault { _ = chain(Tensor.ones([1, 3])) } == nil)
    #expect(LayerProbe.firstFault { _ = chain(broken) } != nil)
    #expect(LayerProbe.firstFault { _ = chain(Tensor.ones([1, 3])) } == nil)
  }

  @Test func theErrorOfTheBodyIsPassedOn() {
    struct Stopped: Error {}
    #expect(throws: Stopped.self) { _ = try LayerProbe.firstFault { throw Stopped() } }
  }

  @Test func lookingDoesNotDisturbTheGradients() throws {
    func gradients(_ watched: Bool) -> [[Float]] {
      let chain = Chain()
      chain.requireGradients(true)
      let x = Tensor.randn([4, 3], generator: Generator(seed: 3))
      func run() { chain(x).square().sum().backward() }
      if watched { _ = LayerProbe.firstFault { run() } } else { run() }
      return chain.parameters.map { $0.tensor.grad?.floats() ?? [] }
    }
    #expect(gradients(true) == gradients(false))
  }
}

@Suite struct GradientCheckpointingTests {
  /// Two residual blocks, each a unit of checkpointing.
  private final class Network: Module {
    final class Block: Module {
      let norm = GroupNorm(groups: 2, channels: 4)
      let conv: Conv2d
      init(_ initial: Initializer) { conv = Conv2d(in: 4, out: 4, kernel: 3, initial) }
    }
    let blocks: [Block]
    init() { blocks = (0..<2).map { Block(.random(Generator(seed: UInt64($0)))) } }

    func callAsFunction(_ x: Tensor, counting: @escaping () -> Void = {}) -> Tensor {
      blocks.reduce(x) { x, block in
        checkpointed([x]) { inputs in
          counting()
          return inputs[0] + block.conv(block.norm(inputs[0]).silu())
        }
      }
    }
  }

  /// Output and gradients of the input and all parameters, and how often blocks were computed.
  private func run(_ isOn: Bool) -> (values: [[Float]], count: Int) {
    let network = Network()
    network.requireGradients(true)
    let x = Tensor.randn([2, 4, 5, 5], generator: Generator(seed: 9))
    x.requiresGrad = true
    let count = Counter()
    let y = GradientCheckpointing.$isOn.withValue(isOn) { network(x, counting: { count.value += 1 }) }
    y.square().sum().backward()
    let gradients = [x.grad] + network.parameters.map(\.tensor.grad)
    return ([y.detached().floats()] + gradients.map { $0?.floats() ?? [] }, count.value)
  }

  private final class Counter { var value = 0 }

  @Test func outputAndGradientsAreTheSame() {
    let (plain, saved) = (run(false), run(true))
    #expect(plain.values.count == 10 && plain.values.allSatisfy { !$0.isEmpty })
    for (a, b) in zip(plain.values, saved.values) { expectClose(Tensor(b), Tensor(a), atol: 1e-4, rtol: 1e-5) }
  }

  @Test func blocksAreComputedAgainForTheGradientsOnlyWhereItIsOn() {
    #expect(!GradientCheckpointing.isOn)
    #expect(run(false).count == 2)
    #expect(run(true).count == 4)
  }

  @Test func withoutGradientsNothingIsComputedTwice() {
    let (network, count) = (Network(), Counter())
    GradientCheckpointing.$isOn.withValue(true) {
      withNoGrad { _ = network(Tensor.ones([1, 4, 3, 3]), counting: { count.value += 1 }) }
    }
    #expect(count.value == 2)
  }

  @Test func aFaultIsFoundInACheckpointedBlock() throws {
    let network = Network()
    network.blocks[1].conv.weight.fill_(.nan)
    let fault = try #require(
      LayerProbe.firstFault {
        GradientCheckpointing.$isOn.withValue(true) { _ = network(Tensor.ones([1, 4, 3, 3])) }
      })
    #expect(fault.weight === network.blocks[1].conv.weight)
  }
}
