import Diffusion
import Flux
import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@testable import Runs
@testable import Training

@Suite(.serialized) struct DistillerTests {
  private let captions = ["a red circle", "a cat", "a boat on the sea"]

  /// A teacher of preset tiny whose residual branches speak: one without training says next to nothing.
  private func teacher() -> ModelBundle {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    for (key, tensor) in model.unet.parameters where key.contains(".conv2.weight") || key.contains(".proj_out.weight") {
      tensor.normal_(std: 0.05, generator: Generator(seed: UInt64(key.count)))
    }
    return model
  }

  private func plan(steps: Int = 24) -> DistillationPlan {
    var plan = DistillationPlan(
      modelHash: "ab", captions: "three", studentSteps: 2, teacherSteps: 2, rank: 8, steps: steps, batch: 8,
      learningRate: 5e-3)
    (plan.poolSize, plan.warmup) = (32, 1)
    return plan
  }

  private func distiller(_ plan: DistillationPlan, from start: LoRA? = nil, in folder: URL) throws -> Distiller {
    let encoder = folder.appendingPathComponent("encoder")
    if !FileManager.default.fileExists(atPath: encoder.path) {
      try FileManager.default.createDirectory(at: encoder, withIntermediateDirectories: true)
      try SmallTextEncoder.write(to: encoder)
    }
    return try Distiller(plan, teacher: teacher(), captions: { captions[$0 % 3] }, textEncoder: encoder, start: start)
  }

  @Test func theStudentComesNearTheTeacher() throws {
    try Project.inTemporaryFolder { folder in
      var plan = plan(steps: 120)
      (plan.reuse, plan.poolSize, plan.batch, plan.rank) = (1, 512, 16, 16)  // few paths would be learned by heart
      let distiller = try distiller(plan, in: folder)
      let before = distiller.validationError().mean
      let losses = try (0..<plan.steps).map { try distiller.train($0) }
      let (first, last) = (losses.prefix(10).reduce(0, +), losses.suffix(10).reduce(0, +))
      let after = distiller.validationError().mean
      #expect(last < 0.9 * first, "\(losses)")
      #expect(after < 0.9 * before, "\(after) of \(before)")
    }
  }

  @Test func aStudentCanStartAsAnotherOne() throws {
    try Project.inTemporaryFolder { folder in
      let first = try distiller(plan(), in: folder)
      for step in 0..<6 { _ = try first.train(step) }
      let second = try distiller(plan(), from: first.student.lora, in: folder)
      for (own, given) in zip(second.student.lora.parameters, first.student.lora.parameters) {
        #expect(own.tensor.bytes() == given.tensor.bytes() && own.tensor !== given.tensor, "\(own.key)")
      }
      #expect(second.validationError().mean < 0.99 * (try distiller(plan(), in: folder)).validationError().mean)
    }
  }

  @Test func aNewStudentIsTheTeacherWithoutGuidance() throws {
    try Project.inTemporaryFolder { folder in
      var plain = plan()
      (plain.guidance, plain.teacherSteps) = (Guidance(scale: 1), 1)  // one unguided step: what the student does
      let (alike, guided) = (try distiller(plain, in: folder), try distiller(plan(), in: folder))
      let (near, far) = (alike.validationError().mean, guided.validationError().mean)
      #expect(near < 1e-8 && far > 1e-4, "\(near), \(far)")
    }
  }

  /// The gradients of A and B by way of the weights are those of the weights' differences.
  @Test func gradientsReachTheLoRA() throws {
    let unet = teacher().unet
    let student = LowRankStudent(of: unet, rank: 4, Generator(seed: 2), device: .cpu)
    let weight = try #require(student.unet.parameters.first { $0.key == "conv_in.weight" }).tensor
    let pair = try #require(student.lora.pairs.first { $0.layer == "conv_in" })
    withNoGrad { pair.up.normal_(std: 0.1, generator: Generator(seed: 5)) }
    student.merge()
    let pull = Tensor.randn(weight.shape, generator: Generator(seed: 6))
    let others = student.unet.trainable.reduce(Tensor(0)) { $0 + $1.tensor.sum() * 0 }
    ((weight * pull).sum() + others).backward()
    student.passGradients()
    let up = pair.up.reshaped([-1, 4])
    let expected = up.transposed(0, 1).matmul(pull.reshaped([pull.shape[0], -1])).reshaped(pair.down.shape)
    expectClose(try #require(pair.down.grad), expected, atol: 1e-4)
    #expect(weight.grad == nil)
  }

  @Test func whatIsSavedDrawsAsTheStudentDoes() throws {
    try Project.inTemporaryFolder { folder in
      let distiller = try distiller(plan(), in: folder)
      #expect(try TrainingRun(distiller, in: folder.appendingPathComponent("run")).run() == .finished)
      let source = ModelSource(name: "tiny", hash: "ab")
      let student = try FastStudent(folder.appendingPathComponent("run/fast"), of: source)
      let model = teacher()
      try student.merge(into: model)
      let changed = zip(model.unet.parameters, teacher().unet.parameters).filter {
        $0.tensor.bytes() != $1.tensor.bytes()
      }
      .count
      #expect(changed == distiller.student.lora.pairs.count)
      let request = student.request(GenerationRequest(prompt: "a cat", negativePrompt: "a dog", eta: 0.5))
      #expect(request.steps == 2 && request.sampler == .ddim && request.guidance == Guidance(scale: 1))
      #expect(request.negativePrompt.isEmpty && request.eta == 0)
      #expect(throws: FastStudentError.self) {
        try FastStudent(folder.appendingPathComponent("run/fast"), of: ModelSource(name: "other", hash: "cd"))
      }
    }
  }

  /// Runs up to step `stop`, with a checkpoint at the stop.
  @discardableResult
  private func run(
    _ plan: DistillationPlan, in folder: URL, _ name: String, until stop: Int = .max
  ) throws -> (outcome: TrainingRun.Outcome, distiller: Distiller) {
    let distiller = try distiller(plan, in: folder)
    let run = TrainingRun(distiller, in: folder.appendingPathComponent(name))
    return (try run.run { _ in run.stepsDone >= stop }, distiller)
  }

  private func bytes(_ distiller: Distiller) -> [[UInt8]] {
    (distiller.weights + distiller.moments + distiller.buffers).map { $0.tensor.bytes() }
  }

  /// The buffer of two chunks gets a new one every eight steps, half of whose paths follow the student as it is then.
  @Test func anInterruptedRunEndsInTheSameWeights() throws {
    try Project.inTemporaryFolder { folder in
      var plan = plan()
      (plan.reuse, plan.poolSize) = (1, 64)
      let whole = try run(plan, in: folder, "whole")
      #expect(whole.outcome == .finished && whole.distiller.pool.added == 4)
      for stop in [5, 12, 17] {
        #expect(try run(plan, in: folder, "parts", until: stop).outcome == .stopped(step: stop))
      }
      let parts = try run(plan, in: folder, "parts")
      #expect(parts.outcome == .finished && bytes(parts.distiller) == bytes(whole.distiller))
      let file = "fast/pytorch_lora_weights.safetensors"
      let students = try ["whole", "parts"].map { try Data(contentsOf: folder.appendingPathComponent("\($0)/\(file)")) }
      #expect(students[0] == students[1])
    }
  }

  @Test func aRunRefusesOtherSettingsAndMayBeLengthened() throws {
    try Project.inTemporaryFolder { folder in
      try run(plan(), in: folder, "run")
      var other = plan()
      other.learningRate = 1e-4
      let differences = ["learningRate \(plan().learningRate) there, 0.0001 here"]
      let path = folder.appendingPathComponent("run").path
      #expect(throws: RunError.otherPlan(folder: path, differences: differences)) {
        try run(other, in: folder, "run")
      }
      let longer = try run(plan(steps: 28), in: folder, "run")
      #expect(longer.outcome == .finished && longer.distiller.restarted == 24)
      #expect(longer.distiller.restartShare(at: 24) == 0.01)
    }
  }

  /// Earlier versions kept one checkpoint, without trajectories: new ones are made.
  @Test func aCheckpointOfAnEarlierVersionIsContinued() throws {
    try Project.inTemporaryFolder { folder in
      let old = try distiller(plan(), in: folder)
      for step in 0..<5 { _ = try old.train(step) }
      let checkpoint = folder.appendingPathComponent("run/checkpoint")
      try FileManager.default.createDirectory(at: checkpoint, withIntermediateDirectories: true)
      let state = old.student.lora.parameters + old.optimizer.state + old.ema.parameters.map { ("average.\($0)", $1) }
      try WeightSet.write(
        state, metadata: ["step": "5", "plan": try PlanIdentity(plan()).json()], directory: checkpoint, name: "state",
        alwaysIndexed: true)
      let next = try run(plan(), in: folder, "run", until: 7)
      #expect(next.outcome == .stopped(step: 7))
      #expect(next.distiller.optimizer.state.first { $0.key.hasPrefix("steps.") }?.tensor.item() == 7)
      #expect(try run(plan(), in: folder, "run").outcome == .finished)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("run").path)
      #expect(files.filter { $0.hasPrefix("checkpoint") }.sorted() == ["checkpoint-00000007", "checkpoint-00000024"])
    }
  }

  @Test func aLossThatIsNotFiniteStopsTheRun() throws {
    try Project.inTemporaryFolder { folder in
      let distiller = try distiller(plan(), in: folder)
      withNoGrad { distiller.student.lora.pairs[0].up.fill_(.nan) }
      let error = #expect(throws: RunError.self) { _ = try distiller.train(0) }
      #expect(
        error?.description.hasPrefix("step 0: the distillation loss is NaN") == true, "\(String(describing: error))")
    }
  }
}
