import Datasets
import Flux
import Support
import Torch

/// Images of people's own, and how they are cropped.
struct StableImages {
  let files: ImageFolder
  let crop: Crop
  let mirror: Bool
  let shapes: ImageShapes

  /// The order in which the steps of a plan take them.
  func order(_ plan: StableTrainingPlan) -> BatchOrder {
    BatchOrder(shapes.groups.map(\.items), batch: plan.batch, seed: ExampleStream.diffusion.seed(of: plan.seed))
  }
}

/// Batches of images, as latents with captions: those of the data, or those that regularize.
struct StableExamples {
  /// The images of a step as latents, with their captions.
  struct Batch {
    let latents: Tensor  // [B, C, h, w], on the device
    let captions: [String]
    let ids: [String]
    var weight = 1.0  // of their loss
  }

  let latents: StableLatents
  private let plan: StableTrainingPlan
  private let order: BatchOrder
  private let regularization: StableTrainingPlan.Regularization?
  private let device: Device

  /// Images as `latents`, in the order of `images`; their loss has the weight of `regularization`, if they are for that.
  init(
    _ images: StableImages, as latents: StableLatents, _ plan: StableTrainingPlan,
    regularization: StableTrainingPlan.Regularization? = nil, device: Device
  ) {
    (self.latents, self.plan, self.regularization, self.device) = (latents, plan, regularization, device)
    order = images.order(plan)
  }

  /// The batch of a step: new samples of the latents, and some captions left out.
  func batch(_ step: Int) throws -> Batch {
    let isTraining = regularization == nil
    let streamSeed = ExampleStream.diffusion.seed(of: plan.seed)
    var random = SplitMix64(seed: plan.seed(step, isTraining ? .captions : .regularizationCaptions), index: 0)
    var (encoded, captions): ([StableLatents.Encoded], [String]) = ([], [])
    for visit in order[step] {
      let seed = streamSeed &+ UInt64(visit.epoch) &* 0x9e37_79b9
      let found = try latents(visit.item, seed: seed)
      let caption = latents.source.caption(found.item, seed: seed)
      encoded.append(found)
      captions.append(random.chance(plan.captionDropout) ? "" : caption)
    }
    let sampled = withNoGrad {
      let mean = Tensor.cat(encoded.map(\.mean))
      let deviations = encoded.compactMap(\.deviation)
      if deviations.isEmpty { return mean }
      let seed = plan.seed(step, isTraining ? .posterior : .regularizationPosterior)
      return mean + Tensor.cat(deviations) * Tensor.randn(mean.shape, generator: Generator(mixed: seed))
    }
    return Batch(
      latents: sampled.to(device), captions: captions, ids: encoded.map { latents.source.id($0.item) },
      weight: regularization?.weight ?? 1)
  }
}

// The random numbers of a step.

extension StableTrainingPlan {
  /// The purposes of random numbers in a step.
  enum Purpose: UInt64 {
    case noise = 1
    case posterior, captions, regularizationPosterior, regularizationCaptions
  }

  /// The seed of one step and purpose.
  func seed(_ step: Int, _ purpose: Purpose) -> UInt64 {
    var random = SplitMix64(seed: seed &* 16 &+ purpose.rawValue &+ 0x9e37, index: UInt64(step))
    return random.next()
  }
}
