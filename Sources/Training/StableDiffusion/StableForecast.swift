import Flux
import Foundation
import Models
import Torch

// Time and memory of a run, before any weights are read.

extension StableTrainer {
  /// Part of the speed of large matrix products that a step reaches: with Winograd's algorithm, which needs fewer products,
  /// and without, as measured with the sizes of Stable Diffusion 1.5 on Zen 5, where oneDNN convolves faster than MKL multiplies.
  private static let efficiency = (winograd: 1.2, direct: 1.05)
  /// Memory of the program without networks, in bytes.
  private static let programBytes = 500_000_000

  /// The estimate for a run with a model whose weights are not in memory, described by `summary`, on a device with a `speed` of
  /// large matrix products in operations a second.
  ///
  /// Throws where the run could not begin.
  public static func forecast(
    _ plan: StableTrainingPlan, on data: TrainingData, model: StableDiffusionModel, summary: ModelSummary,
    speed: Double, device: Device = .cpu, winograd: Bool? = nil
  ) throws -> Forecast {
    let images = try check(plan, data, model).images
    let speed = speed * (winograd ?? prefersWinograd(plan, on: device) ? efficiency.winograd : efficiency.direct)
    let factors = try StableLoRAs.factors(plan, model)
    let cells = plan.size / model.geometry.cell
    let encoders = model.prompts.parts.map(\.encoder.configuration)
    let textCost = encoders.reduce(0) { $0 + $1.flops(tokens: model.prompts.maxTokens) }
    let unetCost = model.flops(height: cells, width: cells, tokens: model.prompts.maxTokens).unet
    // Forward, and backward for inputs and for the weights that the LoRA is merged into; recomputing is one more forward.
    let passes = plan.gradientCheckpointing ? 3.7 : 2.7
    let step = Double(plan.batch) * passes * Double(unetCost + (plan.trainsTextEncoder ? textCost : 0))
    let captions = plan.trainsTextEncoder ? 0 : Set((0..<images.count).flatMap { images.captions($0) }).count
    let first =
      Double(images.count) * Double(model.sizes.encoderFLOPs(height: cells, width: cells))
      + Double(captions) * Double(textCost)
    var parameters = Dictionary(
      summary.networks.map { ($0.name == "vae" ? "autoencoder" : $0.name, $0.parameters) }
    ) { $1 }
    parameters["lora"] = factors.reduce(0) { $0 + $1.parameters.reduce(0) { $0 + $1.tensor.count } }
    return Forecast(
      stages: [
        .init(stage: .diffusion, steps: plan.steps, secondsPerStep: step / speed)
      ], poolSeconds: first / speed,
      peakBytes: peakBytes(plan, model, summary, factors, cells: cells, images: images.count), parameters: parameters,
      imageSize: plan.size)
  }

  /// The larger of what encoding images and training need.
  private static func peakBytes(
    _ plan: StableTrainingPlan, _ model: StableDiffusionModel, _ summary: ModelSummary, _ factors: [LoRA], cells: Int,
    images: Int
  ) -> Int {
    func bytes(_ names: [String], asStored: Bool) -> Int {
      summary.networks.filter { names.contains($0.name) }
        .reduce(0) { $0 + (asStored ? min($1.bytes, 4 * $1.parameters) : 4 * $1.parameters) }
    }
    let unet = bytes(["unet"], asStored: plan.gradientCheckpointing)
    let text = bytes(["text_encoder", "text_encoder_2"], asStored: true)
    // The merged weights, their originals and their gradients; factors, their gradients and two moments.
    let adapted = factors.reduce(0) {
      $0 + $1.pairs.reduce(0) { $0 + $1.up.shape[0] * $1.down.shape.dropFirst().reduce(1, *) }
    }
    let trained = factors.reduce(0) { $0 + $1.parameters.reduce(0) { $0 + $1.tensor.count } }
    let stored = model.unet.configuration.storedForBackward(height: cells, width: cells)
    let rows = (plan.batch + plan.accumulation - 1) / plan.accumulation
    let activations = rows * (plan.gradientCheckpointing ? stored.checkpointed : stored.all)
    let latents = 8 * images * model.geometry.latentChannels * cells * cells
    let training =
      unet + (plan.trainsTextEncoder ? text : 0) + 8 * adapted + 16 * trained
      + Int(Double(4 * activations) * (plan.bfloat16 ? 0.7 : 1))
    let encoding =
      unet + max(text, bytes(["vae"], asStored: true) + 12 * model.sizes.outputChannels * plan.size * plan.size)
    return programBytes + latents + max(training, encoding)
  }
}
