import Flux
import Models
import NN
import Optimizers
import Torch

/// The trainable state of a run: the model, the auxiliary heads, the optimizers and the EMAs.
final class TrainedNetworks {
  let model: ModelBundle
  let alignment: Alignment
  let autoencoder: Optimizer  // encoder and decoder
  let denoiser: Optimizer  // U-Net and adapter
  let superResolution: Optimizer
  let fullDecoder: Optimizer  // decoder and levels of its pixels, with a frozen encoder
  let denoised: DenoiserParts
  let emas: [EMA]  // of what the denoising loss trains; images are generated with the first

  /// Networks of the plan's sizes, with the weights of `start` where the sizes match; `labels` is the number of labels.
  ///
  /// `textEncoder` is on the device.
  init(
    _ plan: TrainingPlan, labels: Int, from start: ModelBundle?, textEncoder: TextEncoder, on device: Device
  ) throws(TrainingError) {
    try plan.checkFineTuning()
    try plan.checkAspectBuckets()
    let configuration = plan.configuration
    model = ModelBundle(configuration, .random(Generator(seed: plan.seed)))
    if let start {
      let needsAll = plan.lora != nil || !plan.trained.isSuperset(of: [.adapter, .unet])
      try model.adopt(start, autoencoderOnly: plan.reinitialize, needsAll: needsAll)
    }
    alignment = Alignment(configuration, labels: max(labels, 1), .random(Generator(seed: plan.seed &+ 1)))
    let (encoder, decoder) = (model.autoencoder.encoder, model.autoencoder.decoder)
    let heads: [any Module] = [alignment.latents, alignment.features, alignment.text]
    let (upsampler, fieldLevels) = (model.autoencoder.superResolution, model.autoencoder.fieldLevels)
    let trained = [encoder, decoder, upsampler, fieldLevels] as [(any Module)?]
    for part in trained.compactMap({ $0 }) + heads { part.requireGradients(true) }
    if device != .cpu {
      for part in [model.autoencoder, model.adapter, model.unet] + heads { part.move(to: device) }
    }

    denoised = try DenoiserParts(plan, model, textEncoder)

    func named(_ prefix: String, _ module: (any Module)?) -> [NamedTensor] {
      module?.parameters.map { ("\(prefix).\($0.key)", $0.tensor) } ?? []
    }
    func rules(
      _ parameters: [NamedTensor], muon: TrainingPlan.MuonSettings?, relativeTo learningRate: Double, scale: Double = 1
    ) -> [any UpdateRule] {
      func isHidden(_ named: NamedTensor) -> Bool { muon != nil && Self.isHidden(named) }
      var rules: [any UpdateRule] = []
      if let muon {
        rules.append(
          Muon(
            parameters.filter(isHidden), learningRateScale: muon.learningRate / learningRate * scale,
            weightDecay: muon.weightDecay))
      }
      rules.append(
        AdamW(
          parameters.filter { !isHidden($0) }, weightDecay: plan.weightDecay, beta2: plan.beta2,
          learningRateScale: scale))
      return rules
    }
    // Networks that no stage trains need no optimizer state.
    func optimizer(
      _ parameters: [NamedTensor], in stages: Set<TrainingPlan.Stage>, muon: TrainingPlan.MuonSettings? = nil,
      relativeTo learningRate: Double = 1
    ) -> Optimizer {
      let parameters = stages.isDisjoint(with: plan.parts.keys) ? [] : parameters
      return Optimizer(rules(parameters, muon: muon, relativeTo: learningRate), maxGradNorm: plan.maxGradNorm)
    }
    // A head with zero loss weight gets no gradient and is not optimized.
    let latentHead = plan.latentAlignment > 0 ? named("alignment.latents", alignment.latents) : []
    let denoiserHeads =
      plan.alignment > 0
      ? named("alignment.features", alignment.features) + named("alignment.text", alignment.text) : []
    autoencoder = optimizer(
      named("encoder", encoder) + named("decoder", decoder) + latentHead, in: [.autoencoder, .joint],
      muon: plan.autoencoderMuon, relativeTo: plan.autoencoderLearningRate)
    let hasDenoising = plan.parts[.joint] != nil || plan.parts[.diffusion] != nil
    let groups = hasDenoising ? denoised.groups(plan, heads: denoiserHeads) : []
    denoiser = Optimizer(
      groups.flatMap { group in
        // Muon is for networks that are trained from random weights.
        rules(
          group.parameters, muon: group.isPretrained ? nil : plan.diffusionMuon,
          relativeTo: plan.diffusionLearningRate, scale: group.scale)
      }, maxGradNorm: plan.maxGradNorm)
    let levels = named("super_resolution", upsampler)
    superResolution = optimizer(levels + named("field_levels", fieldLevels), in: [.superResolution])
    fullDecoder = optimizer(
      named("decoder", decoder) + levels, in: [.decoder], muon: plan.autoencoderMuon,
      relativeTo: plan.autoencoderLearningRate)
    let averaged = denoised.parameters
    emas = plan.emaSigmas.map { EMA(averaged, decay: .relativeWidth($0)) }
  }

  /// Whether Muon applies to a parameter: a matrix or kernel of a hidden layer, not of an input or output layer or a
  /// training head.
  private static func isHidden(_ named: NamedTensor) -> Bool {
    guard named.tensor.shape.count >= 2 else { return false }
    let outer = [
      "encoder.conv_in.", "decoder.to_fields.", "decoder.to_rgb.", "unet.conv_in.", "unet.conv_out.",
      "text_adapter.projection.", "alignment.",
    ]
    return !outer.contains { named.key.hasPrefix($0) }
  }

  /// The full state of a checkpoint.
  var state: [NamedTensor] { weights + moments }

  /// Weights of the model, the heads and the EMAs.
  var weights: [NamedTensor] {
    let statistics: [NamedTensor] = [
      ("latents_mean", model.autoencoder.latentsMean), ("latents_std", model.autoencoder.latentsStd),
    ]
    return statistics + named(\.parameters)
      + emas.flatMap { ema in ema.parameters.map { ("ema \(ema.decay).\($0.key)", $0.tensor) } }
  }

  /// Optimizer state: half of a checkpoint or more; a run can also continue without it.
  var moments: [NamedTensor] { named(\.state) }

  private func named(_ part: (Optimizer) -> [NamedTensor]) -> [NamedTensor] {
    let optimizers = [
      ("autoencoder", autoencoder), ("denoiser", denoiser), ("super_resolution", superResolution),
      ("full_decoder", fullDecoder),
    ]
    return optimizers.flatMap { name, optimizer in part(optimizer).map { ("\(name).\($0.key)", $0.tensor) } }
  }

  /// Runs `body` with the weights of the first EMA, if there is one, in the networks.
  func withEMAWeights<R>(_ body: () throws -> R) rethrows -> R { try withWeights(of: emas.first, body) }

  /// Runs `body` with the weights of an EMA in the networks, or the raw weights if it is nil.
  func withWeights<R>(of ema: EMA?, _ body: () throws -> R) rethrows -> R {
    defer { denoised.merge() }
    guard let ema else {
      denoised.merge()
      return try body()
    }
    return try ema.withEMAWeights {
      denoised.merge()
      return try body()
    }
  }
}

extension ModelBundle {
  /// Copies another model's weights: the autoencoder with its latent statistics and, unless `autoencoderOnly`, U-Net and
  /// adapter if their sizes match; with `needsAll` it throws if they do not.
  ///
  /// Levels of a palette decoder stay new if their widths differ.
  func adopt(
    _ other: ModelBundle, autoencoderOnly: Bool = false, needsAll: Bool = false
  ) throws(TrainingError) {
    let (theirs, ours) = (other.configuration.autoencoder, configuration.autoencoder)
    guard theirs.hasWeights(of: ours) else { throw .otherAutoencoder }
    Self.copy(other.autoencoder, to: autoencoder)
    if autoencoderOnly { return }
    if other.configuration.unet == configuration.unet, other.configuration.adapter == configuration.adapter {
      let (theirs, ours) = (other.schedule.configuration.predictionType, schedule.configuration.predictionType)
      guard theirs == ours else { throw .otherPrediction(theirs.rawValue, wanted: ours.rawValue) }
      Self.copy(other.unet, to: unet)
      Self.copy(other.adapter, to: adapter)
      sampling = other.sampling
    } else if needsAll {
      throw .otherSizes
    }
  }

  private static func copy(_ source: Autoencoder, to target: Autoencoder) {
    let hasLevels =
      source.configuration.superResolutionWidths == target.configuration.superResolutionWidths
    func parts(_ autoencoder: Autoencoder) -> [NamedTensor] {
      autoencoder.parameters.filter { hasLevels || !$0.key.hasPrefix("field_levels.") }
    }
    copy(parts(source), to: parts(target))
  }

  private static func copy(_ source: any Module, to target: any Module) {
    copy(source.parameters, to: target.parameters)
  }

  private static func copy(_ source: [NamedTensor], to target: [NamedTensor]) {
    withNoGrad {
      for (from, to) in zip(source, target) { to.tensor.copy_(from.tensor) }
    }
  }
}
