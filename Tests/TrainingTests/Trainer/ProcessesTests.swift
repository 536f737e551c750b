import Distributed
import Flux
import Foundation
import Models
import TestSupport
import Testing
import Torch

@testable import Runs
@testable import Training

/// Processes that share each batch follow a single process; threads stand for them.
@Suite(.serialized) struct ProcessesTests {
  /// Twenty steps: five of the autoencoder, one or two joint ones and of the super-resolution, then those of the U-Net.
  private static func plan(accumulation: Int = 1, renewal: Int = 4) -> TrainingPlan {
    var plan = TrainingPlan(preset: .tiny, steps: 20, batch: 32, accumulation: accumulation, seed: 3)
    (plan.poolSize, plan.poolRenewal) = (128, renewal)
    return plan
  }

  private static func losses(_ plan: TrainingPlan, in group: ProcessGroup = .single) throws -> [[String: Double]] {
    let trainer = try Trainer(plan, textEncoder: Project.minilm, group: group)
    return try (0..<plan.steps).map { try trainer.takeStep($0) }
  }

  private static func expectEqual(
    _ actual: [[String: Double]], _ expected: [[String: Double]], to tolerance: Double = 1e-5,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let names = ["reconstruction", "latentAlignment", "superResolution", "diffusion", "alignment", "textAlignment"]
    for (step, (own, single)) in zip(actual, expected).enumerated() {
      #expect(Set(own.keys) == Set(single.keys), sourceLocation: sourceLocation)
      for name in names {
        guard let loss = own[name], let other = single[name] else { continue }
        #expect(
          abs(loss - other) < tolerance * max(1, abs(other)), "step \(step): \(name) \(loss), not \(other)",
          sourceLocation: sourceLocation)
      }
    }
  }

  @Test func theLossesAreThoseOfOneProcess() throws {
    let plan = Self.plan()
    let single = try Self.losses(plan)
    #expect(single.contains { $0["reconstruction"] != nil } && single.contains { $0["alignment"] != nil })
    for count in [2, 4] {
      for own in try ThreadGroup.values(count, { try Self.losses(plan, in: $0) }) { Self.expectEqual(own, single) }
    }
  }

  @Test func microBatchesAreSharedOneByOne() throws {
    let plan = Self.plan(accumulation: 2)
    let single = try Self.losses(plan)
    for own in try ThreadGroup.values(2, { try Self.losses(plan, in: $0) }) { Self.expectEqual(own, single) }
  }

  /// A run of two processes writes the same files, and its networks are those of a single process.
  @Test func theWeightsAreThoseOfOneProcess() throws {
    try Project.inTemporaryFolder { folder in
      @Sendable func train(in group: ProcessGroup, _ name: String) throws {
        let trainer = try Trainer(Self.plan(), textEncoder: Project.minilm, group: group)
        let place = group.isFirst ? folder.appendingPathComponent(name) : URL(fileURLWithPath: "/nonexistent")
        #expect(try TrainingRun(trainer, in: place, saving: TrainingRun.Saving(every: 5)).run() == .finished)
      }
      try train(in: .single, "one")
      _ = try ThreadGroup.values(2) { try train(in: $0, "two") }
      let files = try ["one", "two"].map { name in
        try FileManager.default.subpathsOfDirectory(atPath: folder.appendingPathComponent(name).path)
          .filter { !$0.hasPrefix("events") }.sorted()
      }
      #expect(files[0] == files[1])
      let models = try ["one", "two"].map { try ModelBundle(directory: folder.appendingPathComponent("\($0)/model")) }
      for (one, two) in zip(models[0].unet.parameters, models[1].unet.parameters) {
        expectClose(two.tensor, one.tensor, atol: 2e-3, one.key)
      }
    }
  }

  /// The cache is written by the first process; others use it, and a run of one process reads the same.
  @Test func aCacheServesAnyNumberOfProcesses() throws {
    try Project.inTemporaryFolder { folder in
      @Sendable func losses(in group: ProcessGroup, messages: @escaping (String) -> Void = { _ in }) throws -> [Double]
      {
        let trainer = try Trainer(
          Self.plan(renewal: 0), textEncoder: Project.minilm, cache: folder.appendingPathComponent("cache"),
          group: group)
        trainer.onMessage = messages
        // Without the steps before, whose rounding makes other encoders.
        return try (15..<18).map { try trainer.takeStep($0)["diffusion"] ?? .nan }
      }
      let shared = try ThreadGroup.values(2) { try losses(in: $0) }
      var said: [String] = []
      let single = try losses(in: .single) { said.append($0) }
      #expect(said.first?.contains("128 from the cache") == true, "\(said)")
      for own in shared { for (a, b) in zip(own, single) { #expect(abs(a - b) < 1e-5) } }
    }
  }

  @Test func aLossThatIsNotFiniteInOneProcessStopsAll() throws {
    let results = ThreadGroup.run(2) { group in
      let trainer = try Trainer(Self.plan(), textEncoder: Project.minilm, group: group)
      _ = try trainer.takeStep(0)
      if group.rank == 1 {
        withNoGrad { trainer.model.autoencoder.decoder.parameters[0].tensor.fill_(.nan) }
      }
      return try trainer.takeStep(1)
    }
    #expect(throws: ProcessGroupError.elsewhere(1)) { _ = try results[0].get() }
    let error = #expect(throws: SharedError.self) { _ = try results[1].get() }
    guard case .notFinite(let step, let what, _, let layer, _)? = error?.error as? RunError else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(step == 1 && what == "autoencoder loss" && layer?.hasPrefix("autoencoder.decoder") == true)
  }

  /// The mean of the gradients is what all processes see.
  @Test func aGradientThatIsNotFiniteInOneProcessStopsAll() throws {
    let results = ThreadGroup.run(2) { group in
      let trainer = try Trainer(Self.plan(), textEncoder: Project.minilm, group: group)
      let parameters = trainer.networks.denoiser.parameters.map(\.tensor)
      let sum = parameters.reduce(Tensor(0)) { $0 + $1.sum() }
      (sum * (group.rank == 1 ? Double.infinity : 1)).backward()
      var values: [String: Double] = [:]
      try trainer.update(trainer.networks.denoiser, 1e-3, 0, "diffusion loss", to: &values)
    }
    for result in results {
      let error = #expect(throws: RunError.self) { try result.get() }
      #expect(error?.description.contains("gradient of the diffusion loss") == true)
    }
  }

  @Test func aBatchThatCannotBeSharedIsASentence() throws {
    let plan = TrainingPlan(preset: .tiny, steps: 20, batch: 10)
    let results = ThreadGroup.run(2) { try plan.check(sharedBy: $0) }
    let error = #expect(throws: SharedError.self) { try results[0].get() }
    #expect(
      error?.description == "stage autoencoder has a batch of 5, which 2 processes cannot share equally: choose a "
        + "--batch that makes it a multiple of 2")
    #expect(throws: ProcessGroupError.elsewhere(0)) { try results[1].get() }
  }

  @Test func otherSettingsInAProcessAreASentence() throws {
    let results = ThreadGroup.run(3) { group in
      try TrainingPlan(preset: .tiny, steps: 20, batch: 24, seed: group.rank == 2 ? 1 : 0).check(sharedBy: group)
    }
    let error = #expect(throws: SharedError.self) { try results[0].get() }
    #expect(error?.description.hasPrefix("process 3 has other settings or data than process 1") == true)
  }
}
