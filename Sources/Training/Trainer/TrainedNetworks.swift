import Flux
import NN
import Optimizers
import Torch

/// All that a run changes: the model, the heads that only training has, their optimisers and the averages.
final class TrainedNetworks {
  let model: ModelBundle
  let alignment: Alignment
  let autoencoder: Optimizer  // encoder and decoder
  let denoiser: Optimizer  // U-Net and adapter
  let superResolution: Optimizer
  let painter: Optimizer  // decoder and super-resolution, once the encoder is frozen
  let averages: [EMA]  // the first is what pictures are drawn with

  /// New networks of the plan's sizes, or those of `start` as far as they fit; `labels` is what cells may hold.
  init(_ plan: TrainingPlan, labels: Int, from start: ModelBundle?, on device: Device) throws(TrainingError) {
    let configuration = plan.configuration
    model = ModelBundle(configuration, .random(Generator(seed: plan.seed)))
    if let start { try model.adopt(start, autoencoderOnly: plan.anew) }
    alignment = Alignment(configuration, labels: max(labels, 1), .random(Generator(seed: plan.seed &+ 1)))
    let (encoder, decoder) = (model.autoencoder.encoder, model.autoencoder.decoder)
    let heads: [any Module] = [alignment.latents, alignment.features, alignment.text]
    let trained = [encoder, decoder, model.autoencoder.superResolution, model.adapter, model.unet] as [(any Module)?]
    for part in trained.compactMap({ $0 }) + heads { part.requireGradients(true) }
    if device != .cpu {
      for part in [model.autoencoder, model.adapter, model.unet] + heads { part.move(to: device) }
    }

    func named(_ prefix: String, _ module: (any Module)?) -> [NamedTensor] {
      module?.parameters.map { ("\(prefix).\($0.key)", $0.tensor) } ?? []
    }
    // What no stage of the plan trains needs no moments, in memory or in checkpoints.
    func optimiser(
      _ parameters: [NamedTensor], in stages: Set<TrainingPlan.Stage>, muon: TrainingPlan.MuonSettings? = nil,
      besides rate: Double = 1
    ) -> Optimizer {
      let parameters = stages.isDisjoint(with: plan.parts.keys) ? [] : parameters
      func isHidden(_ named: NamedTensor) -> Bool { muon != nil && Self.isHidden(named) }
      var rules: [any UpdateRule] = []
      if let muon {
        rules.append(
          Muon(parameters.filter(isHidden), rate: muon.learningRate / rate, weightDecay: muon.weightDecay))
      }
      rules.append(
        AdamW(parameters.filter { !isHidden($0) }, weightDecay: plan.weightDecay, beta2: plan.secondBeta))
      return Optimizer(rules, maxGradNorm: plan.gradientLimit)
    }
    // A head without weight in the loss gets no gradient, and takes part in nothing.
    let latentHead = plan.latentAlignment > 0 ? named("alignment.latents", alignment.latents) : []
    let denoiserHeads =
      plan.alignment > 0
      ? named("alignment.features", alignment.features) + named("alignment.text", alignment.text) : []
    let denoised = named("unet", model.unet) + named("text_adapter", model.adapter)
    autoencoder = optimiser(
      named("encoder", encoder) + named("decoder", decoder) + latentHead, in: [.autoencoder, .joint],
      muon: plan.autoencoderMuon, besides: plan.autoencoderRate)
    denoiser = optimiser(
      denoised + denoiserHeads, in: [.joint, .diffusion], muon: plan.diffusionMuon,
      besides: plan.diffusionRate)
    let levels = named("super_resolution", model.autoencoder.superResolution)
    superResolution = optimiser(levels, in: [.superResolution])
    painter = optimiser(
      named("decoder", decoder) + levels, in: [.decoder], muon: plan.autoencoderMuon, besides: plan.autoencoderRate)
    averages = plan.averages.map { EMA(denoised, decay: .relativeWidth($0)) }
  }

  /// Whether a parameter is a matrix or kernel of a hidden layer, which Muon is for: not what meets pixels, latents,
  /// words or noise, nor a head of training.
  private static func isHidden(_ named: NamedTensor) -> Bool {
    guard named.tensor.shape.count >= 2 else { return false }
    let outer = [
      "encoder.conv_in.", "decoder.to_fields.", "decoder.to_rgb.", "unet.conv_in.", "unet.conv_out.",
      "text_adapter.projection.", "alignment.",
    ]
    return !outer.contains { named.key.hasPrefix($0) }
  }

  /// Everything that a checkpoint has to hold.
  var state: [NamedTensor] { weights + moments }

  /// What the model, the heads and the average are made of.
  var weights: [NamedTensor] {
    let statistics: [NamedTensor] = [
      ("latents_mean", model.autoencoder.latentsMean), ("latents_std", model.autoencoder.latentsStd),
    ]
    return statistics + named(\.parameters)
      + averages.flatMap { average in average.parameters.map { ("average \(average.decay).\($0.key)", $0.tensor) } }
  }

  /// What the optimisers remember: half of a checkpoint or more, without which a run can continue, too.
  var moments: [NamedTensor] { named(\.state) }

  private func named(_ part: (Optimizer) -> [NamedTensor]) -> [NamedTensor] {
    [("core", autoencoder), ("denoiser", denoiser), ("enlarger", superResolution), ("painter", painter)].flatMap {
      name, optimiser in part(optimiser).map { ("\(name).\($0.key)", $0.tensor) }
    }
  }

  /// Runs `body` while U-Net and adapter hold the first average, if there is one.
  func withAverage<R>(_ body: () throws -> R) rethrows -> R { try averages.first?.withAverage(body) ?? body() }
}
