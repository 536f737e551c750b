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
    _ plan: StableTrainingPlan, on data: TrainingData, regularization: TrainingData? = nil,
    model: StableDiffusionModel, summary: ModelSummary, speed: Double, device: Device = .cpu, winograd: Bool? = nil
  ) throws -> Forecast {
    let images = try check(plan, data, regularization, model)
    let sources = [images.data] + (images.regularization.map { [$0] } ?? [])
    let speed = speed * (winograd ?? prefersWinograd(plan, on: device) ? efficiency.winograd : efficiency.direct)
    let factors = try StableLoRAs.factors(plan, model)
    let side = plan.size / model.geometry.cell
    let encoders = model.prompts.parts.map(\.encoder.configuration)
    let textCost = encoders.reduce(0) { $0 + $1.flops(tokens: model.prompts.maxTokens) }
    // Forward, and backward for inputs and for the weights that the LoRA is merged into; recomputing is one more forward.
    let passes = plan.gradientCheckpointing ? 3.7 : 2.7
    let step = sources.reduce(0) { sum, images in
      let unetCost = images.shapes.mean(square: side) {
        model.flops(height: $0, width: $1, tokens: model.prompts.maxTokens).unet
      }
      return sum + images.order(plan).meanBatch * passes * (unetCost + (plan.trainsTextEncoder ? Double(textCost) : 0))
    }
    let files = sources.map(\.files)
    let captions =
      plan.trainsTextEncoder ? 0 : Set(files.flatMap { files in (0..<files.count).flatMap(files.captions) }).count
    let first =
      sources.reduce(0) {
        $0 + Double($1.files.count) * $1.shapes.mean(square: side, model.sizes.encoderFLOPs)
      } + Double(captions) * Double(textCost)
    var parameters = Dictionary(
      summary.networks.map { ($0.name == "vae" ? "autoencoder" : $0.name, $0.parameters) }
    ) { $1 }
    parameters["lora"] = factors.reduce(0) { $0 + $1.parameters.reduce(0) { $0 + $1.tensor.count } }
    return Forecast(
      stages: [
        .init(stage: .diffusion, steps: plan.steps, secondsPerStep: step / speed)
      ], poolSeconds: first / speed,
      peakBytes: peakBytes(plan, model, summary, factors, sources.flatMap { $0.shapes.sizes(square: side) }),
      parameters: parameters,
      imageSize: plan.size, buckets: images.data.shapes.summary?.text(cell: model.geometry.cell))
  }

  /// The larger of what encoding images and training need.
  private static func peakBytes(
    _ plan: StableTrainingPlan, _ model: StableDiffusionModel, _ summary: ModelSummary, _ factors: [LoRA],
    _ sizes: [ImageShapes.Size]
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
    let rows = (plan.batch + plan.accumulation - 1) / plan.accumulation
    let activations =
      sizes.map { size in
        let stored = model.unet.configuration.storedForBackward(height: size.height, width: size.width)
        return rows * (plan.gradientCheckpointing ? stored.checkpointed : stored.all)
      }.max() ?? 0
    let latents = sizes.reduce(0) { $0 + 8 * $1.images * model.geometry.latentChannels * $1.height * $1.width }
    let pixels = (sizes.map { $0.height * $0.width }.max() ?? 0) * model.geometry.cell * model.geometry.cell
    let training =
      unet + (plan.trainsTextEncoder ? text : 0) + 8 * adapted + 16 * trained
      + Int(Double(4 * activations) * (plan.bfloat16 ? 0.7 : 1))
    let encoding =
      unet + max(text, bytes(["vae"], asStored: true) + 12 * model.sizes.outputChannels * pixels)
    return programBytes + latents + max(training, encoding)
  }
}

extension ImageShapes {
  /// Images of one size, in latent cells.
  fileprivate typealias Size = (height: Int, width: Int, images: Int)

  /// The sizes of all images beside a square of `side` cells.
  fileprivate func sizes(square side: Int) -> [Size] {
    groups.map { ($0.bucket?.height ?? side, $0.bucket?.width ?? side, $0.items.count) }
  }

  /// The mean over all images of a cost by height and width.
  fileprivate func mean(square side: Int, _ cost: (Int, Int) -> Int) -> Double {
    let sizes = sizes(square: side)
    let sum = sizes.reduce(0.0) { $0 + Double($1.images) * Double(cost($1.height, $1.width)) }
    return sum / Double(sizes.reduce(0) { $0 + $1.images })
  }
}
