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
  public var failures: [String] { latents.failures }
  let loras: StableLoRAs
  let latents: StableLatents
  let captions: StableCaptions
  let loss: DiffusionLoss
  let tables: LossTables
  let winograd: Bool
  private let order: EpochOrder
  /// Whether captions and images were encoded.
  var isPrepared = false

  /// New factors on a model that was read with `Residency.needed`, or with `.all` where it is not on the CPU.
  ///
  /// Throws where the model cannot be trained, or not as the plan says. Steps use Winograd's algorithm with `winograd`, or in
  /// float32 on CPUs where it is faster if that is nil.
  public init(
    _ plan: StableTrainingPlan, on data: TrainingData, model: StableDiffusionModel, device: Device = .cpu,
    winograd: Bool? = nil
  ) throws {
    precondition(plan.data == data.name, "the plan was made for other data")
    let files = try Self.check(plan, data, model)
    (self.plan, self.model, self.device) = (plan, model, device)
    self.winograd = winograd ?? Self.prefersWinograd(plan, on: device)
    try model.hold(.denoiser)
    if plan.trainsTextEncoder { try model.hold(.text) }
    model.move(to: device)
    // Recomputed layers widen weights that are stored in fewer bits each time, and let the wide copies go.
    if !plan.gradientCheckpointing { for (_, tensor) in model.unet.parameters { tensor.widen_() } }
    loras = try StableLoRAs(plan, model)
    latents = StableLatents(
      files.images, crop: files.crop, mirror: files.mirror, size: plan.size, model: model, device: device,
      winograd: self.winograd)
    captions = StableCaptions(model, isTrained: plan.trainsTextEncoder, device: device)
    order = EpochOrder(count: files.images.count, seed: ExampleStream.diffusion.seed(of: plan.seed))
    loss = DiffusionLoss(schedule: model.schedule, lossType: plan.lossType, minSNR: plan.minSNR)
    tables = LossTables(loss, device: device)
  }

  /// Whether steps use Winograd's algorithm unless it is asked for or against.
  static func prefersWinograd(_ plan: StableTrainingPlan, on device: Device) -> Bool {
    device == .cpu && !plan.bfloat16 && Libtorch.winogradPays
  }

  /// The images of the data; throws where model, data and plan do not go together.
  static func check(
    _ plan: StableTrainingPlan, _ data: TrainingData, _ model: StableDiffusionModel
  ) throws -> (images: ImageFolder, crop: Crop, mirror: Bool) {
    try plan.validate()
    guard case .images(let images, let crop, let mirror) = data else { throw StableTrainingError.scenes }
    if model.readsSurroundings { throw StableTrainingError.inpainting }
    if model.embedsGuidance { throw StableTrainingError.embedsGuidance }
    let geometry = model.geometry
    guard plan.size.isMultiple(of: geometry.cell),
      (4 * geometry.cell...4 * geometry.imageSize).contains(plan.size)
    else { throw StableTrainingError.size(plan.size, cell: geometry.cell, own: geometry.imageSize) }
    return (images, crop, mirror)
  }

  /// One line about the networks and the run.
  public var summary: String {
    let names = loras.parts.map(\.network.name).joined(separator: ", ")
    let count = loras.parameters.reduce(0) { $0 + $1.tensor.count }
    return "U-Net with \(model.unet.parameterCount) parameters; a LoRA of rank \(plan.lora.rank) with \(count) on "
      + "\(names); images \(plan.size)×\(plan.size); \(plan.steps) steps on \(device)"
  }

  // MARK: - Examples

  /// The images of a step as latents, with their captions.
  struct Batch {
    let latents: Tensor  // [B, C, h, w], on the device
    let captions: [String]
    let ids: [String]
  }

  /// The purposes of random numbers in a step.
  private enum Purpose: UInt64 {
    case noise = 1
    case posterior, captions
  }

  /// The batch of a step: new samples of the latents, and some captions left out.
  func batch(_ step: Int) throws -> Batch {
    let streamSeed = ExampleStream.diffusion.seed(of: plan.seed)
    var random = SplitMix64(seed: seed(step, .captions), index: 0)
    var (encoded, captions): ([StableLatents.Encoded], [String]) = ([], [])
    for index in step * plan.batch..<(step + 1) * plan.batch {
      let visit = streamSeed &+ UInt64(index / order.count) &* 0x9e37_79b9
      let found = try latents(order[index], seed: visit)
      let caption = latents.source.caption(found.item, seed: visit)
      encoded.append(found)
      captions.append(random.chance(plan.captionDropout) ? "" : caption)
    }
    let sampled = withNoGrad {
      let mean = Tensor.cat(encoded.map(\.mean))
      let deviations = encoded.compactMap(\.deviation)
      if deviations.isEmpty { return mean }
      let noise = Tensor.randn(mean.shape, generator: Generator(mixed: seed(step, .posterior)))
      return mean + Tensor.cat(deviations) * noise
    }
    return Batch(
      latents: sampled.to(device), captions: captions, ids: encoded.map { latents.source.id($0.item) })
  }

  private func seed(_ step: Int, _ purpose: Purpose) -> UInt64 {
    var random = SplitMix64(seed: plan.seed &* 16 &+ purpose.rawValue &+ 0x9e37, index: UInt64(step))
    return random.next()
  }

  /// The generator of a step's timesteps and noise.
  func generator(_ step: Int) -> Generator { Generator(mixed: seed(step, .noise), device: device) }
}
