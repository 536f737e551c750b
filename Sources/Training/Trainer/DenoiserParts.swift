import Flux
import Models
import NN
import Optimizers
import Torch

/// What the denoising loss trains: weights of U-Net, adapter and text encoder, or a LoRA on frozen ones.
final class DenoiserParts {
  /// A trained network with its parameters under checkpoint keys.
  private struct Part {
    let network: TrainingPlan.Network
    let parameters: [NamedTensor]
  }

  private let parts: [Part]
  private let adaptations: [LoRANetwork: LowRankWeights]

  /// Turns gradients on for what the plan trains, and off for the rest.
  ///
  /// Throws if a target of the LoRA is no layer.
  init(_ plan: TrainingPlan, _ model: ModelBundle, _ textEncoder: TextEncoder) throws(TrainingError) {
    // In the order of the keys of older checkpoints.
    let networks: [(TrainingPlan.Network, any Module)] = [
      (.unet, model.unet), (.adapter, model.adapter), (.textEncoder, textEncoder),
    ]
    for (network, module) in networks {
      module.requireGradients(plan.lora == nil && plan.trained.contains(network))
    }
    guard let lora = plan.lora else {
      adaptations = [:]
      parts = networks.filter { plan.trained.contains($0.0) }.map { network, module in
        Part(network: network, parameters: module.parameters.map { ("\(network.key).\($0.key)", $0.tensor) })
      }
      return
    }
    let adapted: [(LoRANetwork, TrainingPlan.Network, any Module)] = [
      (.unet, .unet, model.unet), (.textEncoder, .textEncoder, textEncoder),
    ].filter { plan.trained.contains($0.1) }
    try lora.check(adapted.map { ($0.0, $0.2) })
    var (parts, adaptations): ([Part], [LoRANetwork: LowRankWeights]) = ([], [:])
    for (place, (name, network, module)) in adapted.enumerated() {
      let factors = LoRA(
        for: module, targets: lora.targets(in: name), rank: lora.rank,
        Generator(seed: plan.seed &+ 0x10ad &+ UInt64(place)))
      adaptations[name] = LowRankWeights(factors, on: module, scale: lora.scale)
      parts.append(
        Part(network: network, parameters: factors.parameters.map { ("lora.\(name.rawValue).\($0.key)", $0.tensor) }))
    }
    (self.parts, self.adaptations) = (parts, adaptations)
  }

  /// Every trained tensor, in the order of checkpoints.
  var parameters: [NamedTensor] { parts.flatMap(\.parameters) }

  /// Parameters with the same update rule, in order.
  struct Group {
    var parameters: [NamedTensor]
    let scale: Double  // ratio of their learning rate to the plan's
    let isPretrained: Bool
  }

  /// The parameters by their learning rates; `heads` have the plan's.
  func groups(_ plan: TrainingPlan, heads: [NamedTensor]) -> [Group] {
    var groups: [Group] = []
    for part in parts {
      let rate = plan.learningRate(of: part.network)
      let scale = rate == plan.diffusionLearningRate ? 1 : rate / plan.diffusionLearningRate
      let isPretrained = part.network == .textEncoder || plan.lora != nil
      if let last = groups.last, last.scale == scale, last.isPretrained == isPretrained {
        groups[groups.count - 1].parameters += part.parameters
      } else {
        groups.append(Group(parameters: part.parameters, scale: scale, isPretrained: isPretrained))
      }
    }
    if heads.isEmpty { return groups }
    if let place = groups.lastIndex(where: { $0.scale == 1 && !$0.isPretrained }) {
      groups[place].parameters += heads
    } else {
      groups.append(Group(parameters: heads, scale: 1, isPretrained: false))
    }
    return groups
  }

  /// What is trained, if that is not U-Net and adapter, for the message about a run.
  func summary(_ plan: TrainingPlan) -> String {
    guard plan.trainedNetworks != nil || plan.lora != nil else { return "" }
    let count = parameters.reduce(0) { $0 + $1.tensor.count }
    let names = parts.map(\.network.rawValue).joined(separator: ", ")
    return ", of which \(count) are trained: "
      + (plan.lora.map { "a LoRA of rank \($0.rank) on \(names)" } ?? names)
  }

  /// Writes the LoRAs into the networks that are computed with; does nothing without LoRA.
  func merge() { for adaptation in adaptations.values { adaptation.merge() } }

  /// Propagates the gradients of a step to the LoRAs; does nothing without LoRA.
  func passGradients() { for adaptation in adaptations.values { adaptation.passGradients() } }

  /// The LoRAs as a file holds them, with their scale in B; nil without LoRA.
  var file: LoRAFile? {
    if adaptations.isEmpty { return nil }
    func scaled(_ network: LoRANetwork) -> LoRA? { adaptations[network].map { $0.lora.scaled(by: $0.scale) } }
    return LoRAFile(unet: scaled(.unet), textEncoder: scaled(.textEncoder))
  }
}
