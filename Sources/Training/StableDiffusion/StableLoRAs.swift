import Flux
import Models
import NN
import Optimizers
import Torch

/// The LoRAs of a run on a model of Stable Diffusion's family, on frozen weights, and their optimizer.
final class StableLoRAs {
  /// The LoRA of one network.
  struct Part {
    let network: LoRANetwork
    let weights: LowRankWeights
    /// The factors under the keys of checkpoints.
    let parameters: [NamedTensor]
  }

  let parts: [Part]
  let optimizer: Optimizer

  /// New factors for the networks that the plan trains, which are in memory, on their device.
  ///
  /// Throws if a target is no layer of them.
  init(_ plan: StableTrainingPlan, _ model: StableDiffusionModel) throws(TrainingError) {
    let networks = Self.networks(plan, model)
    for (_, network) in model.networks { network.requireGradients(false) }
    parts = try Self.factors(plan, model).enumerated().map { place, lora in
      let (name, network) = networks[place]
      return Part(
        network: name, weights: LowRankWeights(lora, on: network, scale: plan.lora.scale),
        parameters: lora.parameters.map { ("lora.\(name.rawValue).\($0.key)", $0.tensor) })
    }
    let rules = parts.map { part in
      AdamW(
        part.parameters, weightDecay: plan.weightDecay, beta2: plan.beta2,
        learningRateScale: plan.learningRate(of: part.network) / plan.learningRate)
    }
    optimizer = Optimizer(rules, maxGradNorm: plan.maxGradNorm)
  }

  /// The networks that the plan trains.
  private static func networks(
    _ plan: StableTrainingPlan, _ model: StableDiffusionModel
  ) -> [(LoRANetwork, any Module)] {
    var networks: [(LoRANetwork, any Module)] = plan.trainsUNet ? [(.unet, model.unet)] : []
    guard plan.trainsTextEncoder else { return networks }
    for (name, part) in zip([LoRANetwork.textEncoder, .textEncoder2], model.prompts.parts) {
      networks.append((name, part.encoder))
    }
    return networks
  }

  /// New factors for each of them; weights may be missing from memory.
  static func factors(
    _ plan: StableTrainingPlan, _ model: StableDiffusionModel
  ) throws(TrainingError) -> [LoRA] {
    let networks = networks(plan, model)
    try plan.lora.check(networks)
    return networks.enumerated().map { place, named in
      let (name, network) = named
      let lora = LoRA(
        for: network, targets: plan.lora.stableTargets(in: name), rank: plan.lora.rank,
        Generator(seed: plan.seed &+ 0x10ad &+ UInt64(place)))
      guard let unused = unusedLayers(of: name, in: model) else { return lora }
      return LoRA(lora.pairs.filter { !$0.layer.hasPrefix(unused) })
    }
  }

  /// The layers of a text encoder whose output nothing reads: the last one of the first of two, since the context is the
  /// state before it.
  private static func unusedLayers(of network: LoRANetwork, in model: StableDiffusionModel) -> String? {
    guard network == .textEncoder, model.prompts.parts.count > 1 else { return nil }
    return "text_model.encoder.layers.\(model.prompts.encoder.configuration.numHiddenLayers - 1)."
  }

  /// All factors, in the order of checkpoints.
  var parameters: [NamedTensor] { parts.flatMap(\.parameters) }

  /// Writes the merged weights into the networks that are computed with.
  func merge() { for part in parts { part.weights.merge() } }

  /// Propagates the gradients of a step to the factors.
  func passGradients() { for part in parts { part.weights.passGradients() } }

  /// The LoRAs as a file holds them, with their scale in B.
  var file: LoRAFile {
    func scaled(_ network: LoRANetwork) -> LoRA? {
      parts.first { $0.network == network }.map { $0.weights.lora.scaled(by: $0.weights.scale) }
    }
    return LoRAFile(
      unet: scaled(.unet), textEncoder: scaled(.textEncoder), textEncoder2: scaled(.textEncoder2))
  }
}
