import Diffusion
import Models
import Scenes

/// All settings of a training run of the pixel-space example: runs with equal plans give equal weights on the same machine.
///
/// The example has a mean squared error of the noise and Adam with a constant learning rate: no warmup, no decay, no limit
/// of the gradient, no EMA, no dropped captions.
public struct PixelTrainingPlan: Codable, Sendable, Equatable {
  /// The sizes of the network.
  public var network: PixelUNet.Configuration
  /// The noise schedule and what the network predicts.
  public var schedule: Schedule.Configuration
  /// Identifies the data, so that a run is not continued on other data.
  public var data: String
  /// Number of training steps.
  public var steps: Int
  /// Number of images per step.
  public var batch: Int
  /// Seed of the initial weights and of all randomness in the steps.
  public var seed: UInt64
  /// Learning rate of Adam.
  public var learningRate: Double

  /// The example's plan, with sizes that can be changed; the example does not say how long it trains or on how many images
  /// at a time.
  public init(
    network: PixelUNet.Configuration = .example,
    schedule: Schedule.Configuration = Schedule.Configuration(betaSchedule: .linear, predictionType: .epsilon),
    data: TrainingData = .scenes(.small), steps: Int = 10_000, batch: Int = 8, seed: UInt64 = 0,
    learningRate: Double = 1e-4
  ) {
    self.network = network
    self.schedule = schedule
    self.data = data.name
    self.steps = steps
    self.batch = batch
    self.seed = seed
    self.learningRate = learningRate
  }
}
