import Foundation
import Runs
import Scenes
import Support
import TestSupport
import Testing
import Torch

@testable import Training

@Suite(.serialized) struct LatentCacheTests {
  @Test func aRunEndsInTheSameWeightsWithACacheWithoutAndContinued() throws {
    try CacheFixture.with { fixture in
      let plan = fixture.plan()
      func weights(_ run: String) throws -> [Data] {
        try ["unet", "autoencoder", "text_adapter"].map {
          let name = "\(run)/model/\($0)/diffusion_pytorch_model.safetensors"
          return try Data(contentsOf: fixture.folder.appendingPathComponent(name))
        }
      }
      func run(_ trainer: Trainer, _ name: String) -> TrainingRun {
        TrainingRun(trainer, in: fixture.folder.appendingPathComponent(name))
      }
      #expect(try run(fixture.trainer(plan, cached: false), "without").run() == .finished)
      #expect(try run(fixture.trainer(plan), "first").run() == .finished)
      let second = run(try fixture.trainer(plan), "second")
      #expect(try second.run { _ in second.stepsDone >= 15 } == .stopped(step: 15))  // within the last stage
      let continued = try fixture.trainer(plan)
      #expect(try run(continued, "second").run() == .finished)
      // Steps 15 to 23 draw from images 256 to 575: the last stage begins with step 7.
      #expect(continued.cache?.hits == 320 && continued.texts.encoded == 0)
      for run in ["first", "second"] { #expect(try weights(run) == weights("without"), "\(run)") }
    }
  }

  @Test func twoRunsAtOnceFillOneCache() throws {
    try CacheFixture.with { fixture in
      let runs = try (0..<2).map { _ in try fixture.trainer(fixture.plan()) }
      var drawn: [[Example]] = [[], []]
      for step in 0..<3 {
        for index in runs.indices { drawn[index] += try fixture.draws(runs[index], steps: step..<step + 1) }
      }
      let later = try fixture.trainer(fixture.plan())
      let last = try fixture.draws(later)
      #expect(later.cache?.hits == 128)
      for step in 0..<3 { #expect(last[step].equals(drawn[0][step]) && last[step].equals(drawn[1][step])) }
    }
  }

  @Test func aCacheOfAnotherEncoderIsRefused() throws {
    try CacheFixture.with { fixture in
      try fixture.trainer(fixture.plan()).openCache()
      let trainer = try fixture.trainer(fixture.plan())
      try trainer.openCache()  // equal in all
      let weight = try #require(trainer.model.autoencoder.encoder.parameters.last?.tensor)
      withNoGrad { weight.add_(Tensor.ones([1]), alpha: 1e-3) }
      let text = try #require(#expect(throws: CacheError.self) { try trainer.openCache() }).description
      #expect(text.hasPrefix("the cache \(fixture.cache.path) does not match the encoder or data of this run: "))
      #expect(text.contains(/: encoder: expected [0-9a-f]{12}, found [0-9a-f]{12}\. Use/), "\(text)")
      #expect(text.hasSuffix("Use another folder for --cache, or delete this one"))
    }
  }

  @Test func aCacheOfOtherStatisticsIsRefused() throws {
    try CacheFixture.with { fixture in
      try fixture.trainer(fixture.plan()).openCache()
      let trainer = try fixture.trainer(fixture.plan())
      withNoGrad { trainer.model.autoencoder.latentsStd.fill_(0.5) }
      let text = try #require(#expect(throws: CacheError.self) { try trainer.openCache() }).description
      #expect(text.contains(/: latent statistics: expected [0-9a-f]{12}, found [0-9a-f]{12}\. Use/), "\(text)")
      // While the encoder still learns, this is no reason to stop.
      try trainer.checkCache(at: 0)
    }
  }

  @Test func aCacheOfOtherScenesIsRefusedBeforeTheFirstStep() throws {
    try CacheFixture.with { fixture in
      try fixture.trainer(fixture.plan()).openCache()
      let other = try fixture.trainer(fixture.plan(seed: 4))
      let text = try #require(
        #expect(throws: CacheError.self) {
          try TrainingRun(other, in: fixture.folder.appendingPathComponent("run")).run()
        }
      ).description
      #expect(text.contains("expected small scenes, rendering 2, seed 4, found small scenes, rendering 2, seed 3; "))
    }
  }

  @Test func aCacheOfAnotherTextEncoderIsRefused() throws {
    try CacheFixture.with { fixture in
      try fixture.trainer(fixture.plan()).openCache()
      try SmallTextEncoder.write(to: fixture.textEncoder, seed: 2)
      let text = try #require(#expect(throws: CacheError.self) { try fixture.trainer(fixture.plan()).openCache() })
      #expect(text.description.contains(": text encoder: expected "))
    }
  }

  @Test func aFileThatIsNoManifestIsNamed() throws {
    try CacheFixture.with { fixture in
      try FileManager.default.createDirectory(at: fixture.cache, withIntermediateDirectories: true)
      let file = fixture.cache.appendingPathComponent("manifest.json")
      try Data("{}".utf8).write(to: file)
      let error = #expect(throws: CacheError.self) { try fixture.trainer(fixture.plan()).openCache() }
      #expect(error?.description.hasPrefix("\(file.path) is not a cache manifest") == true)
    }
  }

  @Test(arguments: ["latents", "texts"], ["truncated", "changed", "foreign"])
  func aDamagedFileIsSaidAndMadeAnew(kind: String, damage: String) throws {
    try CacheFixture.with { fixture in
      let whole = try fixture.draws(try fixture.trainer(fixture.plan()), steps: 0..<1)
      let file = try #require(try fixture.files(kind).first)
      let before = try Data(contentsOf: file)
      switch damage {
      case "truncated": try before.prefix(before.count / 2).write(to: file)
      case "changed": try (before.dropLast() + [before[before.count - 1] ^ 1]).write(to: file)
      default: try CacheFile.write([("latents", Tensor.zeros([64, 64, 4, 4]))], owner: "another", to: file)
      }
      let trainer = try fixture.trainer(fixture.plan())
      var said: [String] = []
      trainer.onWarning = { said.append($0) }
      let healed = try fixture.draws(trainer, steps: 0..<1)
      #expect(zip(whole, healed).allSatisfy { $0.equals($1) })
      #expect(said.count == 1 && said[0].hasPrefix("a damaged cache file is recomputed: \(file.path)"), "\(said)")
      #expect(try Data(contentsOf: file) == before)
    }
  }

  @Test func aCacheThatCannotBeWrittenIsSaidOnce() throws {
    try CacheFixture.with { fixture in
      let trainer = try fixture.trainer(fixture.plan())
      var said: [String] = []
      trainer.onWarning = { said.append($0) }
      try trainer.openCache()
      let latents = fixture.cache.appendingPathComponent("latents")
      try FileManager.default.removeItem(at: latents)
      for name in ["a", "b"] {
        trainer.cache?.keep(LatentCache.Block(latents: Tensor.zeros([1, 1, 1, 1]), items: [0]), name)
      }
      #expect(
        said == [
          "the cache cannot be written any more: cannot create \(latents.path)/a.safetensors: No such file or directory"
        ])
    }
  }
}
