import Flux
import Foundation
import TestSupport
import Testing
import Torch
import Training

/// Minutes in a debug build, since every scene is drawn there too: `make test-long` runs them.
private let isLong = ProcessInfo.processInfo.environment["FLUX_LONG_TESTS"] != nil

@Suite(.serialized) struct TrainerTests {
  private func plan(steps: Int) -> TrainingPlan { TrainingPlan(preset: .tiny, steps: steps, batch: 4, seed: 3) }

  @Test(.enabled(if: isLong)) func anInterruptedRunEndsInTheSameWeights() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (whole, parts) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("parts"))
    try Trainer(plan(steps: 40), folder: whole, textEncoder: Project.minilm)
      .run(saveEvery: 40, storage: .float32, quiet: true)
    // Stages end at 9, 11, 12 and 40: 7, 14, … lie in several of them.
    for stop in [7, 14, 28] {
      try Trainer(plan(steps: 40), folder: parts, textEncoder: Project.minilm)
        .run(saveEvery: 7, storage: .float32, quiet: true, until: stop)
    }
    try Trainer(plan(steps: 40), folder: parts, textEncoder: Project.minilm)
      .run(saveEvery: 40, storage: .float32, quiet: true)
    for part in ["unet", "autoencoder", "text_adapter"] {
      let name = "model/\(part)/diffusion_pytorch_model.safetensors"
      let expected = try Data(contentsOf: whole.appendingPathComponent(name))
      let actual = try Data(contentsOf: parts.appendingPathComponent(name))
      #expect(expected == actual, "\(part)")
    }
  }

  @Test(.enabled(if: isLong)) func aFolderOfAnotherPlanIsRefused() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try Trainer(plan(steps: 20), folder: folder, textEncoder: Project.minilm)
      .run(saveEvery: 20, storage: .int8, quiet: true)
    #expect(throws: TrainingError.otherPlan(folder: folder.path)) {
      try Trainer(plan(steps: 30), folder: folder, textEncoder: Project.minilm)
        .run(saveEvery: 20, storage: .int8, quiet: true)
    }
  }

  @Test(.enabled(if: isLong)) func aRunFromAModelKeepsItsAutoencoder() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (first, second) = (folder.appendingPathComponent("first"), folder.appendingPathComponent("second"))
    try Trainer(plan(steps: 20), folder: first, textEncoder: Project.minilm)
      .run(saveEvery: 20, storage: .float32, quiet: true)
    let start = first.appendingPathComponent("model")
    let next = TrainingPlan(preset: .tiny, steps: 20, batch: 4, seed: 4, start: try ModelSource(directory: start))
    try Trainer(next, from: try ModelBundle(directory: start), folder: second, textEncoder: Project.minilm)
      .run(saveEvery: 20, storage: .float32, quiet: true)
    func bytes(_ run: URL, _ part: String) throws -> Data {
      try Data(contentsOf: run.appendingPathComponent("model/\(part)/diffusion_pytorch_model.safetensors"))
    }
    #expect(try bytes(first, "autoencoder") == bytes(second, "autoencoder"))
    #expect(try bytes(first, "unet") != bytes(second, "unet"))
  }

  @Test func aModelOfOtherSizesIsNoStart() throws {
    let tiny = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    #expect(throws: TrainingError.otherAutoencoder) {
      _ = try Trainer(
        TrainingPlan(preset: .mini), from: tiny, folder: URL(fileURLWithPath: "/nowhere"), textEncoder: Project.minilm)
    }
  }

  @Test func stepsBelongToOneStageEach() {
    let plan = TrainingPlan(preset: .mini, steps: 1000)
    var counts: [TrainingPlan.Stage: Int] = [:]
    for step in 0..<1000 { counts[plan.stage(at: step), default: 0] += 1 }
    #expect(counts == [.autoencoder: 220, .joint: 55, .superResolution: 25, .diffusion: 700])
  }
}
