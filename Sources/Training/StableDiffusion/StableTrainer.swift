import Datasets
import Diffusion
import Flux
import Foundation
import Models
import NN
import Optimizers
import Runs
import Support
import Torch

/// Trains a LoRA for a model of Stable Diffusion's family: its U-Net, its text encoders, or both.
///
/// All randomness of a step depends on (seed, step).
public final class StableTrainer {
  /// The settings of the run.
  public let plan: StableTrainingPlan
  /// The model, whose own weights are frozen.
  public let model: StableDiffusionModel
  /// The device of all networks.
  public let device: Device
  /// Data type of the factors in `lora.safetensors`: float32, or bfloat16 for all others.
  public var storage: Quantization = .float32
  /// Number of steps between sample images; 0 is never.
  public var samplesEvery = 0
  /// The step at which the run last continued without optimizer state, if it did.
  public var restarted: Int?
  /// Called with problems that do not stop the run.
  public var onWarning: (String) -> Void = { _ in }
  /// Images that could not be read so far, each with the reason.
  public var failures: [String] { sources.flatMap(\.latents.failures) }
  let loras: StableLoRAs
  let examples: StableExamples
  let regularization: StableExamples?
  let captions: StableCaptions
  let loss: DiffusionLoss
  let tables: LossTables
  let winograd: Bool
  private let shapes: BucketSummary?
  /// Whether captions and images were encoded.
  var isPrepared = false

  /// New factors on a model that was read with `Residency.needed`, or with `.all` where it is not on the CPU.
  ///
  /// Throws where the model cannot be trained, or not as the plan says. The data are those that the plan was made for. Steps
  /// use Winograd's algorithm with `winograd`, or in float32 on CPUs where it is faster if that is nil.
  public init(
    _ plan: StableTrainingPlan, on data: TrainingData, regularization: TrainingData? = nil,
    model: StableDiffusionModel, device: Device = .cpu, winograd: Bool? = nil
  ) throws {
    let images = try Self.check(plan, data, regularization, model)
    (self.plan, self.model, self.device) = (plan, model, device)
    let winograd = winograd ?? Self.prefersWinograd(plan, on: device)
    self.winograd = winograd
    try model.hold(.denoiser)
    if plan.trainsTextEncoder { try model.hold(.text) }
    model.move(to: device)
    // Recomputed layers widen weights that are stored in fewer bits each time, and let the wide copies go.
    if !plan.gradientCheckpointing { for (_, tensor) in model.unet.parameters { tensor.widen_() } }
    loras = try StableLoRAs(plan, model)
    func examples(_ images: StableImages, _ regularization: StableTrainingPlan.Regularization?) -> StableExamples {
      let latents = StableLatents(images, size: plan.size, model: model, device: device, winograd: winograd)
      return StableExamples(images, as: latents, plan, regularization: regularization, device: device)
    }
    self.examples = examples(images.data, nil)
    self.regularization = images.regularization.map { examples($0, plan.regularization) }
    shapes = images.data.shapes.summary
    captions = StableCaptions(model, isTrained: plan.trainsTextEncoder, device: device)
    loss = DiffusionLoss(schedule: model.schedule, lossType: plan.lossType, minSNR: plan.minSNR)
    tables = LossTables(loss, device: device)
  }

  /// Whether steps use Winograd's algorithm unless it is asked for or against.
  static func prefersWinograd(_ plan: StableTrainingPlan, on device: Device) -> Bool {
    device == .cpu && !plan.bfloat16 && Libtorch.winogradPays
  }

  /// The images of the data and those that regularize; throws where model, data and plan do not go together.
  static func check(
    _ plan: StableTrainingPlan, _ data: TrainingData, _ regularization: TrainingData?, _ model: StableDiffusionModel
  ) throws -> (data: StableImages, regularization: StableImages?) {
    precondition(
      plan.data == data.name && plan.regularization?.data == regularization?.name, "the plan was made for other data")
    try plan.validate()
    if model.readsSurroundings { throw StableTrainingError.inpainting }
    if model.embedsGuidance { throw StableTrainingError.embedsGuidance }
    let geometry = model.geometry
    guard plan.size.isMultiple(of: geometry.cell),
      (4 * geometry.cell...4 * geometry.imageSize).contains(plan.size)
    else { throw StableTrainingError.size(plan.size, cell: geometry.cell, own: geometry.imageSize) }
    let buckets = plan.aspectBuckets == true ? model.aspectBuckets(size: plan.size) : nil
    func images(_ data: TrainingData) throws(StableTrainingError) -> StableImages {
      guard case .images(let files, let crop, let mirror) = data else { throw .scenes }
      return StableImages(files: files, crop: crop, mirror: mirror, shapes: ImageShapes(files, buckets))
    }
    return (try images(data), try regularization.map(images))
  }

  /// The images of a step: those of the data, and as many that regularize.
  var sources: [StableExamples] { [examples] + (regularization.map { [$0] } ?? []) }

  /// A line about the networks and the run, and one about the shapes of the images if they are not all square.
  public var summary: String {
    let names = loras.parts.map(\.network.name).joined(separator: ", ")
    let count = loras.parameters.reduce(0) { $0 + $1.tensor.count }
    return "U-Net with \(model.unet.parameterCount) parameters; a LoRA of rank \(plan.lora.rank) with \(count) on "
      + "\(names); images \(plan.size)×\(plan.size); \(plan.steps) steps on \(device)"
      + (shapes.map { "\nbuckets: \($0.text(cell: model.geometry.cell))" } ?? "")
  }

  /// The generator of a step's timesteps and noise.
  func generator(_ step: Int) -> Generator { Generator(mixed: plan.seed(step, .noise), device: device) }
}

extension StableDiffusionModel {
  /// The shapes of images around a square of `size` pixels, a multiple of a latent cell.
  ///
  /// Their sides are multiples of the cells of the U-Net's coarsest level, and of a sixteenth of the model's own side: of 64
  /// pixels for all published models, as in other trainers.
  func aspectBuckets(size: Int) -> AspectBuckets {
    let coarsest = 1 << (unet.configuration.blockOutChannels.count - 1)
    let sixteenth = geometry.imageSize / geometry.cell / 16
    return AspectBuckets(
      side: size / geometry.cell, multiple: max(1, (sixteenth + coarsest - 1) / coarsest) * coarsest)
  }
}
