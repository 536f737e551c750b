import Foundation
import Models
import NN
import Optimizers
import Runs
import Scenes
import Support
import Torch

/// Trains the learned judge on corrupted renders of scenes, with AdamW and an EMA of the weights.
///
/// It never sees output of an autoencoder or a model, and no training loss uses it. All randomness of a step depends on
/// (seed, step); a `TrainingRun` manages folder, log and checkpoints, and writes the judge with EMA weights to `judge/`.
public final class DetectorTrainer {
  /// The settings of the training: runs with equal plans give equal judges on the same machine.
  public struct Plan: Codable, Sendable, Equatable {
    /// The world whose objects, colors and backgrounds the judge learns.
    public var world: World
    /// Version of the renderer.
    public var version: RenderingVersion
    /// Number of training steps.
    public var steps: Int
    /// Number of scenes per step.
    public var batch: Int
    /// Seed of weights, scenes and corruptions.
    public var seed: UInt64
    /// Computes the network in bfloat16 mixed precision.
    public var bfloat16: Bool
    /// Peak learning rate of AdamW.
    public var learningRate = 0.002

    /// Steps of linear warmup: a twentieth of all, at most 200.
    var warmup: Int { min(200, max(1, steps / 20)) }

    /// A plan with the given settings and the default learning rate.
    public init(
      world: World, version: RenderingVersion = .latest, steps: Int, batch: Int, seed: UInt64, bfloat16: Bool
    ) {
      (self.world, self.version) = (world, version)
      self.steps = steps
      self.batch = batch
      self.seed = seed
      self.bfloat16 = bfloat16
    }
  }

  /// The network in training, with its raw weights rather than those of the EMA.
  public let network: GlyphDetector
  /// The settings of the training.
  public let plan: Plan
  /// Data type of the weights that a run writes.
  public var storage: Quantization = .int8
  /// The step at which the run last continued with more steps, if it did.
  public var restarted: Int?
  /// Called with problems that do not stop the run.
  public var onWarning: (String) -> Void = { _ in }
  private let scenes: DetectorScenes
  private let atlas: GlyphAtlas
  private let optimizer: Optimizer
  private let ema: EMA

  /// A trainer with new weights; throws if the glyphs cannot be read from the font.
  public init(_ plan: Plan) throws(GlyphFont.Failure) {
    self.plan = plan
    atlas = try GlyphAtlas(world: plan.world, version: plan.version)
    // No stream that a model learns from has this seed.
    scenes = DetectorScenes(seed: plan.seed &* 16 &+ 9, world: plan.world)
    let world = plan.world
    network = GlyphDetector(
      GlyphDetector.Configuration(
        world: world.rawValue, names: world.nouns.count, colors: world.colors.count,
        backgrounds: world.backgrounds.count), .random(Generator(seed: plan.seed)))
    network.requireGradients(true)
    optimizer = Optimizer([AdamW(network.parameters, weightDecay: 1e-4)], maxGradNorm: 5)
    ema = EMA(network.parameters, decay: .constant(0.998))
  }

  /// One update; returns the losses by part.
  func train(_ step: Int) throws(RunError) -> [String: Double] {
    let chosen = (step * plan.batch..<(step + 1) * plan.batch).map { scenes[$0] }
    let generator = Generator(mixed: plan.seed &* 0x9e37_79b9 &+ UInt64(step))
    let pixels = withNoGrad {
      // Drawn larger and shrunk, as the judge shrinks what it is shown.
      let drawn = chosen.pixels(size: 2 * GlyphDetector.side, atlas: atlas).to(.float32)
      return ImageCorruption.apply((drawn / 127.5 - 1).avgPool2d(2), generator)
    }
    let targets = DetectorTargets(chosen, atlas: atlas)
    let loss = withAutocast(.cpu, enabled: plan.bfloat16) { DetectorLoss(network, pixels, targets) }
    let total = loss.total
    let value = total.item()
    guard value.isFinite else {
      throw .notFinite(step: step, what: "loss of the judge", value: value.shown, layer: nil, examples: [])
    }
    total.backward()
    do throws(Optimizer.NotFinite) {
      try optimizer.step(learningRate: learningRate(at: step))
    } catch {
      throw .notFinite(
        step: step, what: "gradient of the judge", value: error.norm.shown, layer: error.key, examples: [])
    }
    ema.update(count: step)
    let parts = [
      "heatmap": loss.heatmap, "name": loss.name, "color": loss.color, "box": loss.box, "background": loss.background,
    ]
    return parts.mapValues { $0.item() }
  }

  /// Linear warmup, then half a cosine; rises again after a restart.
  private func learningRate(at step: Int) -> Double {
    let schedule = LearningRate(warmup: plan.warmup, decay: .cosine)
    return plan.learningRate * schedule.share(at: step, in: 0..<plan.steps) * restartShare(at: step)
  }
}

extension DetectorTrainer: TrainingLoop {
  /// Name of the judge's folder in that of a run.
  public static let folderName = "judge"

  public var identity: PlanIdentity { PlanIdentity(plan) }
  public var stepCount: Int { plan.steps }
  /// The horizon of AdamW's second moments, or the warmup if that is longer.
  public var restartSteps: Int { max(plan.warmup, 100) }
  /// The network and its EMA.
  public var weights: [NamedTensor] {
    network.parameters.map { ("judge.\($0.key)", $0.tensor) } + ema.parameters.map { ("ema.\($0.key)", $0.tensor) }
  }
  public var moments: [NamedTensor] { optimizer.state }

  /// There is one stage.
  public func stage(at step: Int) -> String { "judge" }

  /// Runs a step and returns its losses.
  public func takeStep(_ step: Int) throws -> [String: Double] { try train(step) }

  /// Writes the judge with EMA weights.
  public func saveModel(in folder: URL) throws {
    try ema.withEMAWeights {
      try AtomicFolder.write(folder.appendingPathComponent(Self.folderName)) { url throws(CheckpointError) in
        try network.save(to: url, as: storage)
      }
    }
  }
}
