import Diffusion
import Flux
import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Training

/// Training steps against diffusers and PEFT; Tools/golden/stable_training.py says how they were made.
@Suite struct StableTrainerGoldenTests {
  private struct Golden {
    let file: SafetensorsFile

    init(_ name: String) throws {
      file = try SafetensorsFile(Project.golden("stable_training/\(name).safetensors"))
    }

    func text(_ key: String) throws -> String { try #require(file.metadata[key]) }
    func number(_ key: String) throws -> Double { try #require(Double(text(key))) }
    func json<Value: Decodable>(_ key: String) throws -> [Value] {
      try JSONDecoder().decode([Value].self, from: Data(text(key).utf8))
    }
  }

  private func trainer(_ golden: Golden, in folder: URL, checkpointing: Bool) throws -> StableTrainer {
    let fixture = try StableTrainingFixture(in: folder, model: golden.text("model"))
    let trainsText = golden.file.keys.contains { $0.hasPrefix("before.text_encoder.") }
    var plan = fixture.plan(trainsText ? [.textEncoder, .unet] : [.unet])
    plan.lora = .init(rank: Int(try golden.number("rank")), alpha: try golden.number("alpha"))
    plan.learningRate = try golden.number("learning_rate")
    plan.textEncoderLearningRate = try golden.number("text_learning_rate")
    plan.weightDecay = try golden.number("weight_decay")
    plan.gradientCheckpointing = checkpointing
    let options = StableDiffusionModel.Options(prediction: Prediction(rawValue: try golden.text("prediction")))
    let trainer = try StableTrainer(plan, on: fixture.data, model: fixture.model(options), winograd: false)
    try compareKeys(trainer, golden)
    try withNoGrad {
      for (key, tensor) in trainer.loras.parameters { tensor.copy_(try golden.file.tensor("before." + stem(key))) }
    }
    return trainer
  }

  /// The key of a factor in files, without the prefix that it has in checkpoints.
  private func stem(_ key: String) -> String { String(key.dropFirst("lora.".count)) }

  private func compareKeys(_ trainer: StableTrainer, _ golden: Golden) throws {
    let known = golden.file.keys.filter { $0.hasPrefix("after.") }.map { $0.dropFirst("after.".count) }
    #expect(known.sorted() == trainer.loras.parameters.map { Substring(stem($0.key)) }.sorted())
  }

  private func batch(_ golden: Golden, _ trainer: StableTrainer) throws -> StableExamples.Batch {
    try trainer.model.prepare(.autoencoder)
    let pixels = try golden.file.tensor("images").to(.float32) / 127.5 - 1
    let (mean, deviation) = withNoGrad { trainer.model.latentDistribution(of: pixels) }
    let latents = try mean + #require(deviation) * golden.file.tensor("posterior")
    return StableExamples.Batch(latents: latents, captions: try golden.json("captions"), ids: [])
  }

  /// ε-prediction of the U-Net alone, v-prediction with the text encoder, and SDXL with both; the last layer of SDXL's first
  /// text encoder has no effect and no factors.
  @Test(arguments: [("unet", false), ("text", false), ("xl", false), ("text", true), ("xl", true)])
  func lossesGradientsAndFactorsAreThoseOfDiffusersAndPEFT(_ name: String, checkpointing: Bool) throws {
    try Project.inTemporaryFolder { folder in
      let golden = try Golden(name)
      let trainer = try trainer(golden, in: folder, checkpointing: checkpointing)
      let (batch, seed) = (try batch(golden, trainer), UInt64(try golden.number("seed")))
      let expected: [Double] = try golden.json("losses")
      for (step, expected) in expected.enumerated() {
        let generator = Generator(seed: seed + UInt64(step))
        let loss: Double
        if step == 0 {
          loss = try trainer.accumulate([batch], step, generator)
          for (key, tensor) in trainer.loras.parameters {
            let gradient = try golden.file.tensor("gradient." + stem(key))
            let size = gradient.abs().max().item()
            expectClose(try #require(tensor.grad), gradient, atol: 1e-3 * size + 1e-7, "gradient of \(key)")
          }
          _ = try trainer.loras.optimizer.step(learningRate: trainer.plan.learningRate)
        } else {
          loss = try #require(try trainer.learn([batch], step, generator)["diffusion"])
        }
        #expect(abs(loss - expected) < 2e-5, "step \(step): \(loss), expected \(expected)")
      }
      // Three updates of 1e-3: AdamW makes a step of that size of the smallest gradient, whose sign may be rounding.
      for (key, tensor) in trainer.loras.parameters {
        expectClose(tensor, try golden.file.tensor("after." + stem(key)), atol: 1e-4, key)
      }
    }
  }
}
