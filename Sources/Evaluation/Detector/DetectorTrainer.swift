import Flux
import Foundation
import NN
import Optimizers
import Scenes
import Support
import Torch

/// Trains the learned judge on corrupted renders of scenes, with AdamW and an average of the weights.
///
/// It never sees output of an autoencoder or a model, and no training loss uses it.
public final class DetectorTrainer {
  /// The settings of the training.
  public struct Plan: Sendable {
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

  /// A step with a non-finite loss or gradient, which was not applied.
  public struct NotFinite: Error, CustomStringConvertible, Equatable {
    /// Index of the step.
    public let step: Int
    /// The tensor at fault: `loss` or `gradient`.
    public let what: String
    public var description: String { "step \(step): the \(what) of the judge is not finite; nothing was saved" }
  }

  /// The losses of a step, by part.
  public typealias Losses = [(name: String, value: Double)]

  /// The network in training; `run` leaves it with the averaged weights.
  public let network: GlyphDetector
  private let plan: Plan
  private let scenes: DetectorScenes
  private let atlas: GlyphAtlas
  private let optimizer: Optimizer
  private let average: EMA

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
    average = EMA(network.parameters, decay: .constant(0.998))
  }

  /// Runs every step, after which the network has the average of its weights; `progress` gets each step's number and
  /// losses.
  public func run(_ progress: (Int, Losses) -> Void) throws(NotFinite) {
    for step in 0..<plan.steps { progress(step, try train(step)) }
    average.copyToParameters()
  }

  private func train(_ step: Int) throws(NotFinite) -> Losses {
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
    guard total.item().isFinite else { throw NotFinite(step: step, what: "loss") }
    total.backward()
    do throws(Optimizer.NotFinite) {
      try optimizer.step(learningRate: learningRate(at: step))
    } catch { throw NotFinite(step: step, what: "gradient") }
    average.update(count: step)
    let parts = [
      ("heatmap", loss.heatmap), ("name", loss.name), ("color", loss.color), ("box", loss.box),
      ("background", loss.background),
    ]
    return parts.map { ($0.0, $0.1.item()) }
  }

  /// A twentieth of the steps warms up, at most 200.
  private func learningRate(at step: Int) -> Double {
    let schedule = LearningRate(warmup: min(200, max(1, plan.steps / 20)), decay: .cosine)
    return plan.learningRate * schedule.share(at: step, in: 0..<plan.steps)
  }
}

/// What the learned judge is shown: one half scenes of both splits, so that it expects no combination more than another,
/// the other half crowds of objects anywhere.
struct DetectorScenes {
  let seed: UInt64
  let world: World

  /// The scene of an index, always the same.
  subscript(index: Int) -> Scene {
    switch index % 4 {
    case 0: Scenes(seed: seed, world: world)[index].scene
    case 1: Scenes(seed: seed, split: .heldOut, world: world)[index].scene
    default: crowd(index)
    }
  }

  /// As many as six objects whose boxes do not meet; most of an image is looked at then.
  private func crowd(_ index: Int) -> Scene {
    var random = SplitMix64(seed: seed &+ 0xc20d, index: UInt64(index))
    let background = random.pick(world.backgrounds)
    let sides =
      switch world {
      case .small: (0.27, 0.48)
      case .medium: (0.18, 0.48)
      case .full: (0.15, 0.48)
      }
    var placed: [Scene.Placed] = []
    for _ in 0..<24 where placed.count < 6 {
      let side = random.real(sides.0, sides.1)
      let x = random.real(side / 2 + 0.01, 0.99 - side / 2)
      let y = random.real(side / 2 + 0.01, 0.99 - side / 2)
      let object = draw(on: background, &random)
      let meets = placed.contains { max(abs($0.x - x), abs($0.y - y)) < ($0.side + side) / 2 }
      if !meets { placed.append(Scene.Placed(object: object, size: .medium, x: x, y: y, side: side)) }
    }
    return Scene(
      objects: placed, place: nil, relation: nil, background: background, horizon: random.real(0.56, 0.64))
  }

  /// An emoji three times in five, or a shape that its background does not hide: shapes are few, and differ less.
  private func draw(on background: Scene.Background, _ random: inout SplitMix64) -> SceneObject {
    if random.chance(0.6) { return .emoji(random.pick(world.emoji).names[0]) }
    var color = random.pick(world.colors)
    while background == .plain(color) { color = random.pick(world.colors) }
    return .shape(random.pick(world.shapes), color)
  }
}

extension [Scene] {
  /// Renders of one size, `[B, 3, size, size]` uint8, drawn on all cores.
  func pixels(size: Int, atlas: GlyphAtlas) -> Tensor {
    TensorImage.bytes(Parallel.map(self) { $0.render(size: size, atlas: atlas) })
  }
}
