import Diffusion
import Flux
import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

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

  private func distiller(_ plan: DistillationPlan, in folder: URL) throws -> Distiller {
    let encoder = folder.appendingPathComponent("encoder")
    if !FileManager.default.fileExists(atPath: encoder.path) {
      try FileManager.default.createDirectory(at: encoder, withIntermediateDirectories: true)
      try SmallTextEncoder.write(to: encoder)
    }
    return try Distiller(plan, teacher: teacher(), captions: { captions[$0 % 3] }, textEncoder: encoder)
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
      #expect(try distiller.run(in: folder.appendingPathComponent("run"), saveEvery: 12) == .finished)
      let source = ModelSource(name: "tiny", hash: "ab")
      let student = try FastStudent(folder.appendingPathComponent("run/fast"), of: source)
      let unet = teacher().unet
      try student.merge(into: unet)
      let changed = zip(unet.parameters, teacher().unet.parameters).filter { $0.tensor.bytes() != $1.tensor.bytes() }
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

  @Test func aRunGoesOnWhereItStoppedAndRefusesOtherSettings() throws {
    try Project.inTemporaryFolder { folder in
      let run = folder.appendingPathComponent("run")
      var asked = 0
      let stopped = try distiller(plan(), in: folder).run(in: run) {
        asked += 1
        return asked > 5
      }
      #expect(stopped == .stopped(step: 5))
      var other = plan()
      other.learningRate = 1e-4
      let differences = ["learningRate \(plan().learningRate) there, 0.0001 here"]
      #expect(throws: TrainingError.otherPlan(folder: run.path, differences: differences)) {
        try distiller(other, in: folder).run(in: run)
      }
      let next = try distiller(plan(), in: folder)
      #expect(try next.run(in: run) == .finished)
      #expect(next.optimizer.state.first { $0.key.hasPrefix("steps.") }?.tensor.item() == 24)
    }
  }

  @Test func aLossThatIsNotFiniteStopsTheRun() throws {
    try Project.inTemporaryFolder { folder in
      let distiller = try distiller(plan(), in: folder)
      withNoGrad { distiller.student.lora.pairs[0].up.fill_(.nan) }
      let error = #expect(throws: TrainingError.self) { _ = try distiller.train(0) }
      #expect(
        error?.description.hasPrefix("step 0: the distillation loss is nan") == true, "\(String(describing: error))")
    }
  }
}
