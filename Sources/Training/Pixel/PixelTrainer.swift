import Diffusion
import Flux
import Foundation
import Models
import NN
import Optimizers
import Runs
import Scenes
import Support
import Tokenizers
import Torch

/// Trains a model of the pixel-space example: images and captions in, and one mean squared error of the noise.
///
/// All randomness of a step depends on (seed, step).
public final class PixelTrainer {
  /// The settings of the run.
  public let plan: PixelTrainingPlan
  /// The model in training.
  public let model: PixelModel
  /// The device of the network.
  public let device: Device
  /// Data type of the weights in the model directory.
  public var storage: Quantization = .float32
  /// Number of steps between sample images; 0 is never.
  public var samplesEvery = 0
  /// Number of steps, from the first on, whose inputs and losses are recorded (`PixelRecord`).
  public var recordedSteps = 0
  /// The step at which the run last continued without optimizer state, if it did.
  public var restarted: Int?
  /// Called with problems that do not stop the run.
  public var onWarning: (String) -> Void = { _ in }
  /// Images that could not be read so far, each with the reason.
  public var failures: [String] { examples.failures }
  let tokenizer: WordPieceTokenizer
  let optimizer: Optimizer
  let examples: any TrainingExamples
  var record = PixelRecord()
  private let loss: DiffusionLoss
  private let tables: LossTables
  private let winograd: Bool

  /// A new network of the plan's sizes; `vocabulary` is the tokenizer's `vocab.txt`.
  ///
  /// Throws if the network has fewer embeddings than the vocabulary has tokens. Steps use
  /// Winograd's algorithm with `winograd`, or on CPUs where it is faster if that is nil.
  public init(
    _ plan: PixelTrainingPlan, on data: TrainingData = .scenes(.small), vocabulary: URL, device: Device = .cpu,
    winograd: Bool? = nil
  ) throws {
    precondition(plan.data == data.name, "the plan was made for other data")
    self.plan = plan
    self.device = device
    try device.checkPresence()
    tokenizer = try WordPieceTokenizer(vocabulary: vocabulary)
    try plan.network.validate()
    guard tokenizer.count <= plan.network.vocabSize else {
      throw ConfigurationError(
        "vocab_size", plan.network.vocabSize, expected: "\(tokenizer.count) or more: as vocab.txt has")
    }
    model = PixelTrainer.initialModel(plan)
    model.network.requireGradients(true)
    model.network.move(to: device)
    self.winograd = winograd ?? (device == .cpu && Libtorch.winogradPays)
    // Without weight decay AdamW is Adam.
    let adam = AdamW(model.network.parameters, weightDecay: 0, beta2: 0.999)
    optimizer = Optimizer([adam], maxGradNorm: .greatestFiniteMagnitude)
    examples = try data.examples(seed: plan.seed)
    loss = DiffusionLoss(schedule: model.schedule, lossType: .l2)
    tables = LossTables(loss, device: device)
  }

  /// One line about the network and the run.
  public var summary: String {
    let side = plan.network.sampleSize
    return "pixel-space U-Net with \(model.network.parameterCount) parameters; images \(side)×\(side); "
      + "\(plan.steps) steps on \(device)"
  }

  /// A model with the weights before the first step.
  var initialModel: PixelModel { Self.initialModel(plan) }

  private static func initialModel(_ plan: PixelTrainingPlan) -> PixelModel {
    PixelModel(plan.network, schedule: plan.schedule, .random(Generator(seed: plan.seed)))
  }

  // MARK: - A step

  /// The images and tokens of a step.
  private func inputs(_ step: Int) throws -> (batch: ExampleBatch, tokens: TokenBatch) {
    let range = step * plan.batch..<(step + 1) * plan.batch
    let batch = try examples.batch(.joint, range, size: plan.network.sampleSize)  // the stream of whole images
    let ids = batch.captions.map { tokenizer.encode($0, maxLength: plan.network.maxTokens).ids }
    return (batch, TokenBatch(ids, padding: tokenizer.padID))
  }

  /// The seed of a step's timesteps and noise; `torch.Generator` on a CPU makes the same of its low 32 bits.
  static func seed(of step: Int, in run: UInt64) -> UInt64 {
    var random = SplitMix64(seed: run &* 16 &+ 0x9e37, index: UInt64(step))
    return random.next() & 0xffff_ffff
  }

  /// One update; returns the loss and the fraction of the time that was spent waiting for images.
  func train(_ step: Int) throws -> [String: Double] {
    let watch = Stopwatch()
    let (batch, tokens) = try inputs(step)
    let waited = watch.seconds
    let seed = Self.seed(of: step, in: plan.seed)
    let clean = batch.images.to(device).to(.float32) / 127.5 - 1
    let noisy = loss.noisyBatch(clean: clean, generator: Generator(seed: seed, device: device), tables: tables)
    let (ids, mask) = (tokens.ids.to(device), tokens.mask.to(device))
    func compute() -> Tensor {
      withWinograd(enabled: winograd) {
        let text = model.network.encodeText(ids, mask: mask)
        return loss(model.network(noisy.noisy, at: noisy.timesteps, text), noisy.target)
      }
    }
    let total = compute()
    let value = total.item()
    guard value.isFinite else {
      throw RunError.notFinite(
        step: step, what: "diffusion loss", value: value.shown, layer: firstFault { _ = compute() }, examples: batch.ids
      )
    }
    if step < recordedSteps { record.add(batch.images, tokens, seed: seed, loss: value) }
    total.backward()
    do throws(Optimizer.NotFinite) {
      try optimizer.step(learningRate: plan.learningRate * restartShare(at: step))
    } catch {
      throw RunError.notFinite(
        step: step, what: "gradient of the diffusion loss", value: error.norm.shown, layer: error.key,
        examples: batch.ids)
    }
    return ["diffusion": value, "dataWait": waited / watch.seconds]
  }

  /// The first layer whose output is not finite, and its class.
  private func firstFault(in body: () -> Void) -> String? {
    guard let fault = LayerProbe.firstFault(in: body) else { return nil }
    let key = model.network.parameters.first { $0.tensor === fault.weight }?.key
    return "\(key ?? "a layer") (\(fault.type))"
  }
}

extension TrainingData {
  /// The examples of a run in pixel space; nothing reads their labels.
  fileprivate func examples(seed: UInt64) throws -> any TrainingExamples {
    switch self {
    case .scenes(let world, let emphasis, let version):
      SceneExamples(
        seed: seed, world: world, emphasis: emphasis, count: nil, side: 1,
        atlas: try GlyphAtlas(world: world, version: version))
    case .images(let files, let crop, let mirror): ImageExamples(files, crop: crop, mirror: mirror, seed: seed)
    }
  }
}
