import Diffusion
import Flux
import Foundation
import Models
import NN
import Optimizers
import Runs
import Support
import Torch

/// Teaches a model to draw in a few steps without guidance: guided progressive distillation into a LoRA.
///
/// "Progressive Distillation for Fast Sampling of Diffusion Models" (Salimans & Ho 2022) and "On Distillation of Guided
/// Diffusion Models" (Meng et al., 2023), in one go: from the beginning of each of the student's steps the guided teacher
/// takes several, and the student learns to say what leads its one DDIM step to where they end. Paths begin with noise,
/// as drawing does, so that no images are needed, only captions; some of them follow the student's own steps.
public final class Distiller {
  /// Captions by index, the same ones for the same index.
  public typealias Captions = (Int) -> String

  /// The settings of the run.
  public let plan: DistillationPlan
  /// The device of both networks and the text encoder.
  public let device: Device
  /// The model that the student learns from; its weights do not change.
  public let teacher: ModelBundle
  let student: LowRankStudent
  let optimizer: Optimizer
  let ema: EMA
  let studentGrid: TimeGrid
  /// The noise levels of the teacher's steps.
  public let teacherGrid: TimeGrid
  private let texts: TextStates
  private let captions: Captions
  let pool: TrajectoryBuffer
  var made = 0  // chunks of paths
  /// The step at which the run last continued with more steps, if it did.
  public var restarted: Int?
  /// Called with problems that do not stop the run.
  public var onWarning: (String) -> Void = { _ in }
  /// The context of the empty prompt, one row; the same for all paths.
  private lazy var empty = read([""])
  /// Captions and noise that no training path has, to measure on.
  private lazy var validationSet = trajectories(at: -1)

  /// A run whose student begins as `start`, a LoRA of the plan's rank in every layer, or as the teacher where that is nil.
  ///
  /// Throws where the model's schedule does not have so many steps.
  public init(
    _ plan: DistillationPlan, teacher: ModelBundle, captions: @escaping Captions, textEncoder: URL,
    start: LoRA? = nil, device: Device = .cpu
  ) throws {
    self.plan = plan
    self.device = device
    self.teacher = teacher
    self.captions = captions
    teacher.move(to: device)  // with its own text encoder, if it has one
    teacherGrid = try TimeGrid(
      teacher.schedule, kind: .ddim, steps: plan.studentSteps * plan.teacherSteps, spacing: .trailing)
    studentGrid = teacherGrid.every(plan.teacherSteps)
    let prompts = try teacher.prompts ?? PromptEncoder(directory: textEncoder, device: device)
    try prompts.check(teacher.configuration.adapter)
    texts = TextStates(
      prompts, maxTokens: teacher.configuration.adapter.maxTokens, bfloat16: plan.bfloat16)
    student = LowRankStudent(
      of: teacher.unet, rank: plan.rank, Generator(seed: plan.seed &+ 0x10ad), device: device)
    if let start { student.lora.copyValues(from: start) }
    optimizer = Optimizer([AdamW(student.lora.parameters, weightDecay: 0)], maxGradNorm: 1)
    ema = EMA(student.lora.parameters, decay: .relativeWidth(plan.ema))
    pool = TrajectoryBuffer(limit: plan.poolSize / plan.chunk)
  }

  // MARK: - A step

  /// One update; returns the loss.
  func train(_ step: Int) throws(RunError) -> Double {
    student.merge()
    while made < plan.chunks(before: step) || pool.isEmpty {
      pool.append(trajectories(at: made).paths)
      made += 1
    }
    let batch = pool.draw(plan.batch, generator: generator(step, .batch))
    let output = inPrecision {
      student.unet(batch.x, at: column(batch.steps, \.timestep, shape: [plan.batch]), batch.text)
    }
    let error = (output.to(.float32) - batch.target).square()
    let loss = (error * column(batch.steps, weight, shape: [plan.batch, 1, 1, 1])).mean()
    let value = loss.item()
    guard value.isFinite else {
      throw .notFinite(step: step, what: "distillation loss", value: value.shown, layer: nil, examples: [])
    }
    loss.backward()
    student.passGradients()
    do throws(Optimizer.NotFinite) {
      try optimizer.step(learningRate: plan.learningRate(at: step) * restartShare(at: step))
    } catch {
      throw .notFinite(
        step: step, what: "gradient of the distillation loss", value: error.norm.shown, layer: error.key, examples: [])
    }
    ema.update(count: step)
    return value
  }

  /// Continues after a step without its paths: they are made from here on.
  func skip(to step: Int) { made = max(0, plan.chunks(before: step) - pool.limit) }

  /// What an error of the prediction counts, so that it counts as it shows where the step ends: errors of v all count
  /// alike on the cosine schedule; those of ε count more, the less there is of the image.
  private func weight(_ time: DiffusionTime) -> Double {
    switch prediction {
    case .v: 1
    case .epsilon: min(1 / (time.alpha * time.alpha), 100)
    case .sample: min(1 / (time.sigma * time.sigma), 100)
    }
  }

  private func column(_ steps: [Int], _ value: (DiffusionTime) -> Double, shape: [Int]) -> Tensor {
    Tensor(steps.map { Float(value(studentGrid.times[$0])) }, shape: shape).to(device)
  }

  // MARK: - Paths

  /// Index of the first caption to measure on, which training does not reach.
  private static let validationIndex = 1 << 40

  /// How far the student, with its average, ends from the teacher's ends on the same noise, on paths of its own: mean
  /// square differences as shares of the teacher's mean square, over all images and of the middle one.
  ///
  /// An image on which the two choose differently counts much in the first, and nothing in the second.
  func validationError() -> (mean: Double, median: Double) {
    let validation = validationSet
    return ema.withEMAWeights {
      student.merge()
      defer { student.merge() }
      var x = validation.paths.starts.selected(1, 0)
      for step in 0..<plan.studentSteps { x = studentStep(x, step, validation.paths.text) }
      let errors = (x - validation.ends).square().mean([1, 2, 3]) / validation.ends.square().mean()  // one an image
      return (errors.mean().item(), errors.quantile(0.5, dim: 0).item())
    }
  }

  /// Shape of the latents of a chunk of paths.
  var shape: [Int] {
    let c = teacher.configuration
    return [plan.chunk, plan.studentSteps, c.autoencoder.latentChannels, c.latentSize, c.latentSize]
  }

  /// A chunk of paths, and where they end, `[P, C, h, w]`; number −1 is for measuring: its paths are the teacher's alone.
  private func trajectories(at number: Int) -> (paths: Trajectories, ends: Tensor) {
    let count = plan.chunk
    let generator = generator(number, .trajectories)
    let own = number < 0 ? 0 : plan.onPolicyShare
    let text = read((0..<count).map { captions((number < 0 ? Self.validationIndex : number * count) + $0) })
    let noise = Tensor.randn([count] + shape.dropFirst(2), generator: generator)
    let follows = (Tensor.rand([count, 1, 1, 1], generator: generator) .< own).to(device)
    var x = studentGrid.initial(noise.to(device))
    var (starts, targets): ([Tensor], [Tensor]) = ([], [])
    for step in 0..<plan.studentSteps {
      let end = teacherSteps(x, step, text)
      let (s, t) = (studentGrid.times[step], studentGrid.times[step + 1])
      starts.append(x)
      targets.append(prediction.target(landingAt: end, from: x, s, to: t))
      x = own > 0 && step + 1 < plan.studentSteps ? Tensor.where(follows, studentStep(x, step, text), end) : end
    }
    let paths = Trajectories(starts: Tensor.stack(starts, dim: 1), targets: Tensor.stack(targets, dim: 1), text: text)
    return (paths, x)
  }

  /// The guided teacher from the beginning of one of the student's steps to its end.
  func teacherSteps(_ x: Tensor, _ step: Int, _ text: TextConditioning) -> Tensor {
    let guided = plan.guidance { [self] x, time, branches in
      let rows = branches.map { $0 == .conditional ? text : empty.expanded(to: text.count) }
      return network(teacher.unet, x, time, .cat(rows))
    }
    var sampler = DPMSolverMultistep()
    let first = step * plan.teacherSteps
    return (first..<first + plan.teacherSteps).reduce(x) { x, index in
      take(&sampler, x, index, teacherGrid, guided)
    }
  }

  /// The student's own step, as drawing takes it.
  func studentStep(_ x: Tensor, _ step: Int, _ text: TextConditioning) -> Tensor {
    var sampler = DDIM()
    return take(&sampler, x, step, studentGrid) { [self] x, time in network(student.unet, x, time, text) }
  }

  private func take(
    _ sampler: inout some Sampler, _ x: Tensor, _ index: Int, _ grid: TimeGrid, _ denoiser: Denoiser
  ) -> Tensor {
    withNoGrad {
      sampler.step(
        x, at: index, of: grid,
        estimate: { x, time in
          prediction.estimate(denoiser(x, time).to(x.dtype), at: x, time: time, cleanRange: ModelBundle.cleanRange)
        }, noise: { fatalError("neither sampler draws noise") }
      ).x
    }
  }

  private func network(_ unet: UNet, _ x: Tensor, _ time: DiffusionTime, _ text: TextConditioning) -> Tensor {
    inPrecision { unet(x, at: Tensor.full([x.shape[0]], time.timestep, device: device), text) }
  }

  private func read(_ prompts: [String]) -> TextConditioning {
    let (states, masks) = texts(prompts)
    return withNoGrad { inPrecision { teacher.adapter(states, mask: masks) } }.map { $0.to(.float32) }
  }

  private var prediction: Prediction { teacher.schedule.configuration.predictionType }

  private func inPrecision<R>(_ body: () -> R) -> R { withAutocast(device, enabled: plan.bfloat16, body) }

  /// What random numbers are drawn for.
  private enum Purpose: UInt64 { case batch = 1, trajectories }

  private func generator(_ index: Int, _ purpose: Purpose) -> Generator {
    var random = SplitMix64(
      seed: plan.seed &* 16 &+ purpose.rawValue &+ 0xd157, index: UInt64(bitPattern: Int64(index)))
    return Generator(mixed: random.next())
  }
}
