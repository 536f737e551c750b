import Diffusion
import Flux
import Foundation
import Models
import NN
import Runs
import Support
import TestSupport
import Testing
import Torch

@testable import Training

@Suite(.serialized) struct PixelTrainerTests {
  private func plan(steps: Int = 6) -> PixelTrainingPlan {
    PixelTrainingPlan(
      network: PixelUNet.Configuration(
        sampleSize: 16, blockOutChannels: [8, 12], vocabSize: 30_522, embeddingWidth: 8, maxTokens: 24),
      steps: steps, batch: 4, seed: 3, learningRate: 1e-3)
  }

  private func trainer(_ plan: PixelTrainingPlan) throws -> PixelTrainer {
    try PixelTrainer(plan, vocabulary: Project.minilm.appendingPathComponent("vocab.txt"))
  }

  /// Trains up to step `stop`, and gives the weights of the model that the run saved.
  private func train(
    _ plan: PixelTrainingPlan, in folder: URL, until stop: Int? = nil, moments: Bool = true,
    _ change: (PixelTrainer) -> Void = { _ in }
  ) throws -> Data {
    let trainer = try trainer(plan)
    change(trainer)
    let run = TrainingRun(trainer, in: folder, saving: TrainingRun.Saving(every: 1000, moments: moments))
    _ = try run.run { _ in run.stepsDone >= stop ?? .max }
    return try Data(contentsOf: folder.appendingPathComponent("model/unet/diffusion_pytorch_model.safetensors"))
  }

  @Test func theLossFalls() throws {
    let trainer = try trainer(plan(steps: 150))
    let losses = try (0..<150).map { try #require(try trainer.train($0)["diffusion"]) }
    let (first, last) = (losses.prefix(10).reduce(0, +) / 10, losses.suffix(10).reduce(0, +) / 10)
    #expect(abs(first - 1) < 0.2, "an untrained network predicts next to nothing of noise with variance 1")
    #expect(last < 0.95 * first, "\(first) to \(last)")
  }

  @Test func aRunInPartsEndsInTheSameWeights() throws {
    try Project.inTemporaryFolder { folder in
      let (whole, parts) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("parts"))
      let expected = try train(plan(), in: whole)
      #expect(try train(plan(), in: parts, until: 2) != expected)
      #expect(try train(plan(), in: parts) == expected)
      // The learning rate is constant: more steps are a longer run.
      let longer = try train(plan(steps: 9), in: parts)
      #expect(longer != expected)
      #expect(try train(plan(steps: 9), in: folder.appendingPathComponent("long")) == longer)
    }
  }

  @Test func withoutMomentsTheLearningRateRisesAgain() throws {
    try Project.inTemporaryFolder { folder in
      _ = try train(plan(), in: folder, until: 3, moments: false)
      var restarted: PixelTrainer?
      _ = try train(plan(), in: folder) { restarted = $0 }
      #expect(restarted?.restarted == 3 && restarted?.restartShare(at: 3) == 0.001)
    }
  }

  @Test func anotherPlanIsAnotherRun() throws {
    try Project.inTemporaryFolder { folder in
      _ = try train(plan(), in: folder, until: 2)
      var other = plan()
      other.learningRate = 1e-4
      let error = #expect(throws: RunError.self) { try train(other, in: folder) }
      #expect(error?.description.contains("learningRate 0.001 there, 0.0001 here") == true)
    }
  }

  @Test func aRecordHoldsWhatAnotherProgramNeeds() throws {
    try Project.inTemporaryFolder { folder in
      _ = try train(plan(), in: folder) { $0.recordedSteps = 2 }
      let record = folder.appendingPathComponent("record")
      let steps = try SafetensorsFile(record.appendingPathComponent("steps.safetensors"))
      let network = try PixelModel(directory: record.appendingPathComponent("model")).network
      let (images, seeds) = (try steps.tensor("images"), try steps.tensor("seeds").doubles())
      #expect(images.shape == [2, 4, 3, 16, 16] && images.dtype == .uint8)
      // Step 0 from the record alone, as in Ho et al., 2020, Algorithm 1.
      let generator = Generator(seed: UInt64(seeds[0]))
      let times = (Tensor.rand([4], generator: generator) * 1000).to(.int64).doubles().map { Int($0) }
      let noise = Tensor.randn([4, 3, 16, 16], generator: generator)
      let schedule = Schedule(Schedule.Configuration(betaSchedule: .linear, predictionType: .epsilon))
      func column(_ value: (Int) -> Double) -> Tensor {
        Tensor(times.map { Float(value($0)) }, shape: [4, 1, 1, 1])
      }
      let clean = images[0].to(.float32) / 127.5 - 1
      let noisy = clean * column(schedule.alpha) + noise * column(schedule.sigma)
      let text = network.encodeText(try steps.tensor("ids.0"), mask: try steps.tensor("mask.0"))
      let output = network(noisy, at: Tensor(times.map { Float($0) }), text)
      let losses = try steps.tensor("losses").doubles()
      #expect(abs((output - noise).square().mean().item() - losses[0]) < 1e-5)
      #expect(losses.count == 2 && Set(seeds).count == 2)
    }
  }

  @Test func aContinuedRunHasNoRecord() throws {
    try Project.inTemporaryFolder { folder in
      _ = try train(plan(), in: folder, until: 2)
      #expect(throws: TrainingError.recordOfContinuedRun(step: 2)) {
        try train(plan(), in: folder) { $0.recordedSteps = 4 }
      }
    }
  }

  @Test func samplesAreDrawnAtTheEnd() throws {
    try Project.inTemporaryFolder { folder in
      _ = try train(plan(steps: 1), in: folder) { $0.samplesEvery = 1000 }
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("samples.png").path))
    }
  }

  @Test func theFirstLayerThatIsNotFiniteIsNamed() throws {
    let trainer = try trainer(plan())
    let weight = try #require(trainer.model.network.parameters.first { $0.key == "mid_block.conv2.weight" })
    withNoGrad { weight.tensor.fill_(.infinity) }
    let error = #expect(throws: RunError.self) { try trainer.train(0) }
    let text = error?.description ?? ""
    #expect(text.hasPrefix("step 0: the diffusion loss is ") && text.contains("layer: mid_block.conv2.weight (Conv2d)"))
  }
}
