import Flux
import Models
import NN
import Optimizers
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct TrainedNetworksTests {
  private func networks(
    from start: ModelBundle? = nil, _ change: (inout TrainingPlan) throws -> Void = { _ in }
  ) throws -> TrainedNetworks {
    var plan = TrainingPlan(preset: .tiny, seed: 3)
    try change(&plan)
    return try TrainedNetworks(
      plan, labels: 5, from: start, textEncoder: try TextEncoder.load(from: Project.minilm), on: .cpu)
  }

  /// The first parts of the keys of an optimizer's parameters.
  private func parts(_ optimizer: Optimizer) -> Set<String> {
    Set(optimizer.parameters.map { String($0.key.prefix { $0 != "." }) })
  }

  @Test func everyStageTrainsItsNetworks() throws {
    let all = try networks()
    #expect(parts(all.autoencoder) == ["encoder", "decoder", "alignment"])
    #expect(parts(all.denoiser) == ["unet", "text_adapter", "alignment"])
    #expect(parts(all.superResolution) == ["super_resolution"])
    #expect(all.fullDecoder.parameters.isEmpty)
    #expect(all.denoiser.parameters.count { $0.key.hasPrefix("unet.") } == all.model.unet.parameters.count)
  }

  @Test func networksThatNoStageTrainsHaveNoOptimizer() throws {
    let first = try networks { try $0.keep([.autoencoder]) }
    #expect(parts(first.autoencoder) == ["encoder", "decoder", "alignment"])
    #expect(first.denoiser.parameters.isEmpty && first.superResolution.parameters.isEmpty)
    #expect(first.moments.allSatisfy { $0.key.hasPrefix("autoencoder.") })
  }

  @Test func headsWithoutAWeightInTheLossAreNotTrained() throws {
    let plain = try networks { ($0.alignment, $0.latentAlignment) = (0, 0) }
    #expect(parts(plain.autoencoder) == ["encoder", "decoder"])
    #expect(parts(plain.denoiser) == ["unet", "text_adapter"])
  }

  @Test func muonUpdatesHiddenMatricesAndAdamWTheRest() throws {
    let plain = try networks()
    let muon = try networks { $0.setMuonLearningRate(1e-3) }
    for (optimizer, all) in [(muon.autoencoder, plain.autoencoder), (muon.denoiser, plain.denoiser)] {
      #expect(optimizer.rules.count == 2 && all.rules.count == 1)
      let hidden = try #require(optimizer.rules.first { $0 is Muon }).parameters
      let rest = try #require(optimizer.rules.first { $0 is AdamW }).parameters
      #expect(Set((hidden + rest).map(\.key)) == Set(all.parameters.map(\.key)))
      #expect(hidden.allSatisfy { $0.tensor.rank >= 2 })
      let outer = rest.filter { $0.tensor.rank >= 2 }.map(\.key)
      let expected = [
        "encoder.conv_in.weight", "decoder.to_rgb.weight", "alignment.latents.weight", "unet.conv_in.weight",
        "unet.conv_out.weight", "text_adapter.projection.weight", "alignment.features.weight", "alignment.text.weight",
      ]
      #expect(!outer.isEmpty && Set(outer).isSubset(of: expected), "\(outer)")
    }
  }

  @Test func everyTensorOfTheStateHasAKeyOfItsOwn() throws {
    let networks = try networks {
      ($0.emaSigmas, $0.autoencoderMuon) = ([0.05, 0.1], TrainingPlan.MuonSettings(weightDecay: 0.1))
    }
    let keys = networks.state.map(\.key)
    #expect(Set(keys).count == keys.count)
    #expect(networks.state.count == networks.weights.count + networks.moments.count)
    #expect(keys.contains("latents_mean") && keys.contains("latents_std"))
    let averaged = networks.model.unet.parameters.count + networks.model.adapter.parameters.count
    for sigma in ["0.05", "0.1"] { #expect(keys.count { $0.hasPrefix("ema \(sigma).") } == averaged) }
  }

  @Test func theSeedDeterminesAllWeights() throws {
    func weights(_ seed: UInt64) throws -> [[Float]] {
      try networks { $0.seed = seed }.weights.map { $0.tensor.floats() }
    }
    let first = try weights(1)
    #expect(try weights(1) == first)
    #expect(try weights(2) != first)
  }

  @Test func theFirstAverageIsInTheNetworksWhileItIsAskedFor() throws {
    let networks = try networks()
    let weight = try #require(networks.model.unet.parameters.first).tensor
    withNoGrad { weight.fill_(5) }
    #expect(networks.withEMAWeights { weight.mean().item() } != 5)
    #expect(weight.mean().item() == 5)
    struct Stopped: Error {}
    #expect(throws: Stopped.self) { try networks.withEMAWeights { throw Stopped() } }
    #expect(weight.mean().item() == 5)
    let plain = try self.networks { $0.emaSigmas = [] }
    let own = try #require(plain.model.unet.parameters.first).tensor
    withNoGrad { own.fill_(7) }
    #expect(plain.withEMAWeights { own.mean().item() } == 7)
  }

  private func first(_ module: any Module) -> [Float] { module.parameters.first?.tensor.floats() ?? [] }

  @Test func aUNetOfOtherSizesIsNotTakenButItsAutoencoderIs() throws {
    var configuration = Preset.tiny.configuration
    configuration.unet.layersPerBlock = 2
    let start = ModelBundle(configuration, .random(Generator(seed: 9)))
    withNoGrad { start.autoencoder.latentsMean.fill_(0.25) }
    let networks = try networks(from: start)
    #expect(first(networks.model.autoencoder) == first(start.autoencoder))
    #expect(networks.model.autoencoder.latentsMean.mean().item() == 0.25)
    #expect(first(networks.model.unet) != first(start.unet) && first(networks.model.adapter) != first(start.adapter))
  }

  @Test func theModelToStartFromIsCopiedNotShared() throws {
    let start = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))
    let networks = try networks(from: start)
    #expect(first(networks.model.unet) == first(start.unet))
    withNoGrad { networks.model.unet.parameters[0].tensor.fill_(0) }
    #expect(first(networks.model.unet) != first(start.unet))
  }
}
