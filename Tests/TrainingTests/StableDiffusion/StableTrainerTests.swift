import Datasets
import Flux
import Foundation
import Images
import Models
import NN
import Runs
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct StableTrainerTests {
  /// Also with random crops, whose images are encoded again in each step, and with a text encoder that is trained.
  @Test(
    arguments: [([.unet], .center), ([.textEncoder, .unet], .random)]
      as [(Set<TrainingPlan.Network>, Crop)])
  func anInterruptedRunEndsInTheSameFactors(_ trained: Set<TrainingPlan.Network>, _ crop: Crop) throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, crop: crop)
      let plan = fixture.plan(trained)
      let whole = try fixture.train(plan, to: "whole")
      #expect(try fixture.train(plan, to: "parts", until: 2) != whole)
      _ = try fixture.train(plan, to: "parts", until: 5)
      #expect(try fixture.train(plan, to: "parts") == whole)
      // Samples of the model in training change nothing about it.
      #expect(try fixture.train(plan, to: "shown", samplesEvery: 2) == whole)
      #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent("shown/samples.png").path))
    }
  }

  @Test func aRunWithMoreStepsGoesOn() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      var plan = fixture.plan()
      _ = try fixture.train(plan, to: "run")
      plan.steps = 9
      #expect(try fixture.train(plan, to: "run") == fixture.train(plan, to: "long"))
      plan.captionDropout = 0.5
      let error = #expect(throws: RunError.self) { try fixture.train(plan, to: "run") }
      #expect(error?.description.contains("captionDropout 0.1 there, 0.5 here") == true)
    }
  }

  @Test(arguments: [[.textEncoder], [.unet], [.textEncoder, .unet]] as [Set<TrainingPlan.Network>])
  func onlyTheFactorsOfNamedNetworksLearn(_ trained: Set<TrainingPlan.Network>) throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      let trainer = try fixture.trainer(fixture.plan(trained))
      #expect(try trainer.isReady(for: 0) { false })
      let before = trainer.loras.parameters.map { $0.tensor.bytes() }
      for step in 0..<2 { _ = try trainer.takeStep(step) }
      let after = trainer.loras.parameters.map { $0.tensor.bytes() }
      #expect(zip(before, after).allSatisfy { $0 != $1 })
      let file = trainer.loras.file
      #expect((file.unet != nil) == trained.contains(.unet))
      #expect((file.textEncoder != nil) == trained.contains(.textEncoder) && file.textEncoder2 == nil)
      #expect((file.unet ?? file.textEncoder)?.pairs.isEmpty == false)
    }
  }

  /// The file's networks: those of SDXL have two text encoders, of which the first ends one layer earlier.
  @Test func theFileOfSDXLNamesBothTextEncoders() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder, model: "stable_diffusion_xl")
      _ = try fixture.train(fixture.plan([.textEncoder, .unet]), to: "run")
      let summary = try #require(try LoRASummary(folder.appendingPathComponent("run/lora.safetensors")))
      #expect(Set(summary.parts.map(\.network)) == [.unet, .textEncoder, .textEncoder2])
      let pipeline = try Pipeline(
        model: fixture.source, textEncoder: Project.minilm,
        loras: [(folder.appendingPathComponent("run/lora.safetensors"), 1)])
      #expect(pipeline.source.loras.count == 1)
    }
  }

  /// One batch in one piece or two gives the same gradients, up to the order of sums.
  @Test func accumulationChangesNoGradient() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      func gradients(_ accumulation: Int, checkpointing: Bool = false) throws -> [Tensor] {
        var plan = fixture.plan([.textEncoder, .unet])
        (plan.accumulation, plan.gradientCheckpointing) = (accumulation, checkpointing)
        let trainer = try fixture.trainer(plan)
        _ = try trainer.takeStep(0)  // B is zero before the first update, and A has no gradient
        _ = try trainer.accumulate([trainer.examples.batch(1)], 1, trainer.generator(1))
        return try trainer.loras.parameters.map { try #require($0.tensor.grad) }
      }
      let whole = try gradients(1)
      for (index, part) in try gradients(2).enumerated() { expectClose(part, whole[index], atol: 1e-4) }
      for (index, again) in try gradients(1, checkpointing: true).enumerated() {
        expectClose(again, whole[index], atol: 1e-5)
      }
    }
  }

  /// Layers before the only ones that are adapted are frozen and read nothing that has a gradient.
  @Test func frozenLayersAreCheckpointedToo() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      var plan = fixture.plan(targets: ["mid_block.attentions.0.transformer_blocks.0.attn1.to_q"])
      plan.gradientCheckpointing = true
      #expect(throws: Never.self) { _ = try fixture.trainer(plan).takeStep(0) }
    }
  }

  @Test func everyStepSeesANewSampleOfTheLatents() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      var plan = fixture.plan()
      plan.batch = 3  // all images
      let trainer = try fixture.trainer(plan)
      let (first, again, later) = (
        try trainer.examples.batch(0), try trainer.examples.batch(0), try trainer.examples.batch(1)
      )
      #expect(first.latents.bytes() == again.latents.bytes() && Set(first.ids) == Set(later.ids))
      for (row, id) in first.ids.enumerated() {
        let other = try #require(later.ids.firstIndex(of: id))
        #expect(first.latents[row].bytes() != later.latents[other].bytes())
      }
      let known = try trainer.examples.latents(0, seed: 0)
      #expect(known.mean.bytes() == (try trainer.examples.latents(0, seed: 9)).mean.bytes())
    }
  }

  @Test func captionsAreLeftOutAsOftenAsThePlanSays() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      for (dropout, expected) in [(0.0, 0...0), (0.5, 60...140), (1.0, 200...200)] {
        var plan = fixture.plan()
        plan.captionDropout = dropout
        let trainer = try fixture.trainer(plan)
        let empty = try (0..<100).reduce(0) { try $0 + trainer.examples.batch($1).captions.count { $0.isEmpty } }
        #expect(expected.contains(empty), "\(empty) of 200 with \(dropout)")
      }
    }
  }

  @Test func whatCannotBeTrainedIsSaidInOneSentence() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      func refusal(_ change: (inout StableTrainingPlan) -> Void) throws -> String {
        var plan = fixture.plan()
        change(&plan)
        do {
          _ = try fixture.trainer(plan)
          return ""
        } catch { return "\(error)" }
      }
      #expect(try refusal { $0.size = 30 } == "--size 30 must be a multiple of 4 from 16 to 192")
      #expect(try refusal { $0.size = 196 }.hasPrefix("--size 196"))
      #expect(
        try refusal { $0.trained = [.adapter] }.hasPrefix("train is adapter, expected unet, text-encoder or both"))
      #expect(try refusal { $0.learningRate = 0 }.hasPrefix("learning rate is 0"))
      #expect(try refusal { $0.accumulation = 3 } == "accumulation is 3, expected 1 to 2")
      #expect(try refusal { $0.lora.targets = ["to_x"] }.hasPrefix("--lora-targets: no layer's name ends in to_x"))
    }
  }

  @Test func theFirstLayerThatIsNotFiniteIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let fixture = try StableTrainingFixture(in: folder)
      let trainer = try fixture.trainer(fixture.plan())
      let weight = try #require(trainer.model.unet.parameters.first { $0.key == "conv_in.weight" })
      withNoGrad { weight.tensor.fill_(.infinity) }
      let error = #expect(throws: RunError.self) { try trainer.takeStep(0) }
      let text = error?.description ?? ""
      #expect(text.hasPrefix("step 0: the diffusion loss is ") && text.contains("conv_in.weight of the U-Net (Conv2d)"))
    }
  }
}
