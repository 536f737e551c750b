import NN
import TestSupport
import Testing
import Torch

private final class Block: Module {
  let normIn = GroupNorm(groups: 2, channels: 4)
  let conv1: Conv2d
  let shortcut: Linear?
  let name = "encodable values are passed over"

  init(shortcut: Bool, _ initial: Initializer) {
    conv1 = Conv2d(in: 4, out: 4, kernel: 3, initial)
    self.shortcut = shortcut ? Linear(in: 4, out: 4, initial) : nil
  }
}

private final class Network: Module {
  let blocks: [Block]
  let scale = Tensor.ones([1])

  init(_ initial: Initializer) { blocks = [Block(shortcut: true, initial), Block(shortcut: false, initial)] }
}

private final class Secretive: Module {
  let pair = (Tensor.ones([1]), 3)
}

@Suite struct ModuleTests {
  @Test func thePropertyPathIsTheCheckpointKey() {
    let keys = Network(.empty).parameters.map(\.key)
    #expect(
      keys == [
        "blocks.0.norm_in.weight", "blocks.0.norm_in.bias", "blocks.0.conv1.weight", "blocks.0.conv1.bias",
        "blocks.0.shortcut.weight", "blocks.0.shortcut.bias",
        "blocks.1.norm_in.weight", "blocks.1.norm_in.bias", "blocks.1.conv1.weight", "blocks.1.conv1.bias",
        "scale",
      ])
    #expect(Network(.empty).parameterCount == 8 + 148 + 20 + 8 + 148 + 1)
  }

  @Test func aPropertyThatMayHideATensorIsRefused() async {
    await #expect(processExitsWith: .failure) { _ = Secretive().parameters }
  }

  @Test func theSameSeedGivesTheSameNetwork() {
    let a = Network(.random(Generator(seed: 1))).parameters
    let b = Network(.random(Generator(seed: 1))).parameters
    let c = Network(.random(Generator(seed: 2))).parameters
    #expect(a.map { $0.tensor.floats() } == b.map { $0.tensor.floats() })
    #expect(a.map { $0.tensor.floats() } != c.map { $0.tensor.floats() })
  }

  @Test func loadingCopiesIntoTheSameTensors() {
    let network = Network(.empty)
    let weight = network.blocks[0].conv1.weight
    network.load { _, shape in Tensor.full(shape, 2) }
    #expect(weight.mean().item() == 2)
  }

  @Test func onlyWhatRequiresGradientsIsTrainable() {
    let network = Network(.empty)
    #expect(network.trainable.isEmpty)
    network.requireGradients(true)
    #expect(network.trainable.count == network.parameters.count)
  }
}
