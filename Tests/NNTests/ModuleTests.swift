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

private class Base: Module {
  let inherited = Tensor.ones([1])
}

/// Names in all spellings that checkpoints use.
private final class Named: Base {
  let toOut = [Linear(in: 1, out: 1, bias: false, .empty)]
  let LayerNorm: NN.LayerNorm? = NN.LayerNorm(1)
  let self_ = Linear(in: 1, out: 1, bias: false, .empty)
  let conv1: Conv2d? = nil
  let linear_2 = Linear(in: 1, out: 1, bias: false, .empty)
  let parts: [any Module] = [Base(), Linear(in: 1, out: 1, bias: false, .empty)]
  let counts = [3, 4]
}

private final class Mixed: Module {
  let weight = Tensor.ones([2])
  let positions = Tensor.zeros([2], dtype: .int64)
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

  @Test func keysAreSpelledAsInPyTorchsCheckpoints() {
    #expect(
      Named().parameters.map(\.key) == [
        "to_out.0.weight", "LayerNorm.weight", "LayerNorm.bias", "self.weight", "linear_2.weight",
        "parts.0.inherited", "parts.1.weight", "inherited",
      ])
  }

  @Test func loadingAsksForEveryParameterWithItsShape() {
    var asked: [String: [Int]] = [:]
    let network = Network(.empty)
    network.load { key, shape in
      asked[key] = shape
      return Tensor.zeros(shape)
    }
    #expect(asked.count == 11)
    #expect(asked["blocks.0.conv1.weight"] == [4, 4, 3, 3] && asked["blocks.0.shortcut.weight"] == [4, 4])
  }

  @Test func loadingStopsAtTheFirstErrorAndPassesItOn() {
    struct Missing: Error, Equatable { let key: String }
    let network = Network(.empty)
    let error = #expect(throws: Missing.self) {
      try network.load { (key: String, shape: [Int]) throws(Missing) in
        if key == "blocks.0.conv1.weight" { throw Missing(key: key) }
        return Tensor.full(shape, 7)
      }
    }
    #expect(error == Missing(key: "blocks.0.conv1.weight"))
    #expect(network.blocks[0].normIn.bias.floats() == [7, 7, 7, 7])  // came before
    #expect(network.blocks[0].conv1.bias?.floats() == [0, 0, 0, 0])  // comes after
  }

  @Test func loadingConvertsTheType() {
    let network = Network(.empty)
    network.load { _, shape in Tensor.full(shape, 0.5, dtype: .bfloat16) }
    #expect(network.scale.dtype == .float32 && network.scale.floats() == [0.5])
  }

  @Test func loadingKeepsWhatRequiresGradients() {
    let network = Network(.empty)
    network.requireGradients(true)
    network.load { _, shape in Tensor.ones(shape) }
    #expect(network.trainable.count == 11)
    #expect(network.scale.grad == nil)
  }

  @Test func integersNeverRequireGradients() {
    let mixed = Mixed()
    mixed.requireGradients(true)
    #expect(mixed.trainable.map(\.key) == ["weight"])
    mixed.requireGradients(false)
    #expect(mixed.trainable.isEmpty)
  }

  @Test func movingKeepsTheTensorsThemselves() {
    let network = Network(.random(Generator(seed: 1)))
    let (scale, before) = (network.scale, network.blocks[0].conv1.weight.floats())
    network.move(to: .cpu)
    #expect(network.scale === scale && scale.device == .cpu)
    #expect(network.blocks[0].conv1.weight.floats() == before)
  }
}
