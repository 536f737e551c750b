import Diffusion
import Flux
import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Runs
@testable import Training

@Suite(.serialized) struct TrainerTests {
  private func plan(steps: Int) -> TrainingPlan { TrainingPlan(preset: .tiny, steps: steps, batch: 4, seed: 3) }

  /// Trains up to step `stop`, with a checkpoint every `every` steps and at the stop.
  @discardableResult
  private func train(
    _ plan: TrainingPlan, from start: ModelBundle? = nil, in folder: URL,
    saving: TrainingRun.Saving = TrainingRun.Saving(every: 1000), until stop: Int? = nil
  ) throws -> TrainingRun.Outcome {
    let trainer = try Trainer(plan, from: start, textEncoder: Project.minilm)
    let run = TrainingRun(trainer, in: folder, saving: saving)
    return try run.run { _ in run.stepsDone >= stop ?? .max }
  }

  @Test func anInterruptedRunEndsInTheSameWeights() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (whole, parts) = (folder.appendingPathComponent("whole"), folder.appendingPathComponent("parts"))
    let plan = plan(steps: 20), stops = [3, 5, 14]
    #expect(Set(stops.map(plan.stage(at:))).count == 3)
    #expect(try train(plan, in: whole) == .finished)
    for stop in stops { #expect(try train(plan, in: parts, until: stop) == .stopped(step: stop)) }
    #expect(try train(plan, in: parts) == .finished)
    for part in ["unet", "autoencoder", "text_adapter"] {
      let name = "model/\(part)/diffusion_pytorch_model.safetensors"
      let expected = try Data(contentsOf: whole.appendingPathComponent(name))
      let actual = try Data(contentsOf: parts.appendingPathComponent(name))
      #expect(expected == actual, "\(part)")
    }
  }

  @Test func aCheckpointIsAFolderOfShards() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try train(plan(steps: 20), in: folder, saving: TrainingRun.Saving(every: 1000, shardBytes: 1 << 20), until: 1)
    let checkpoint = folder.appendingPathComponent("checkpoint-00000001")
    let files = try FileManager.default.contentsOfDirectory(atPath: checkpoint.path).sorted()
    #expect(files.count > 2 && files.last == "state.safetensors.index.json")
    for file in files {
      #expect(try Data(contentsOf: checkpoint.appendingPathComponent(file)).count <= 1 << 20, "\(file)")
    }
    // What a killed process wrote of the next one is no checkpoint.
    try FileManager.default.copyItem(
      at: checkpoint, to: folder.appendingPathComponent(".checkpoint-00000002.7.999999999.part"))
    #expect(try train(plan(steps: 20), in: folder, until: 2) == .stopped(step: 2))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix(".") })
    // Where a shard is missing, the run goes on from the checkpoint before, and says so.
    func shard(_ step: Int) throws -> URL {
      let folder = folder.appendingPathComponent("checkpoint-0000000\(step)")
      let first = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()[0]
      return folder.appendingPathComponent(first)
    }
    try FileManager.default.removeItem(at: try shard(2))
    let trainer = try Trainer(plan(steps: 20), textEncoder: Project.minilm)
    var notices: [String] = []
    trainer.onWarning = { notices.append($0) }
    #expect(try TrainingRun(trainer, in: folder).run { _ in true } == .stopped(step: 1))
    #expect(notices.first?.hasPrefix("checkpoint-00000002 is damaged (") == true)
    #expect(notices.last == "continuing from checkpoint-00000001")
    // Where none is whole, the newest one's fault is named.
    let last = try shard(1)
    try FileManager.default.removeItem(at: last)
    let error = #expect(throws: CheckpointError.self) { try train(plan(steps: 20), in: folder, until: 3) }
    #expect(error?.description.contains("checkpoint-00000002") == true, "\(error?.description ?? "")")
  }

  @Test func aRunMayBeLengthened() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    #expect(try train(plan(steps: 10), in: folder) == .finished)
    let trainer = try Trainer(plan(steps: 20), textEncoder: Project.minilm)
    let run = TrainingRun(trainer, in: folder)
    #expect(try run.run { _ in run.stepsDone >= 15 } == .stopped(step: 15))
    // Stages that are over stay where they were; the last one gets the further steps, and the rate rises again.
    let before = plan(steps: 10)
    #expect(trainer.plan.range(of: .autoencoder) == before.range(of: .autoencoder))
    #expect(trainer.plan.range(of: .diffusion) == before.range(of: .diffusion).lowerBound..<20)
    #expect(trainer.restarted == 10)
    #expect(try train(plan(steps: 20), in: folder) == .finished)
    let error = #expect(throws: RunError.self) { try train(plan(steps: 10), in: folder) }
    #expect(error?.description.contains("steps 20 there, 10 here") == true)
  }

  @Test func aFolderHasOneRunAtATime() throws {
    try Project.inTemporaryFolder { folder in
      let run = TrainingRun(try Trainer(plan(steps: 20), textEncoder: Project.minilm), in: folder)
      var inner: (any Error)?
      let outcome = try run.run { _ in
        do {
          _ = try train(plan(steps: 20), in: folder)
        } catch { inner = error }
        return true
      }
      #expect(inner as? RunError == .inUse(folder: folder.path))
      // Nothing was done, so nothing is there to continue from.
      #expect(outcome == .stopped(step: 0) && outcome.sentence(of: 20).contains("nothing to save"))
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(!files.contains { $0.hasPrefix("checkpoint-") || $0 == "model" }, "\(files)")
    }
  }

  /// A folder as earlier versions left it: one file, or a folder of shards, with the names of then.
  @Test func checkpointsOfEarlierVersionsAreContinued() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let trainer = try Trainer(plan(steps: 20), textEncoder: Project.minilm)
    for step in 0..<5 { _ = try trainer.train(step) }
    func unet(_ run: URL) throws -> Data {
      try Data(contentsOf: run.appendingPathComponent("model/unet/diffusion_pytorch_model.safetensors"))
    }
    let new = folder.appendingPathComponent("new")
    try train(plan(steps: 20), in: new)
    for isVersion01 in [false, true] {
      let old = folder.appendingPathComponent("old-\(isVersion01)")
      try FileManager.default.createDirectory(at: old, withIntermediateDirectories: true)
      try writeAsEarlier(trainer, isVersion01: isVersion01, in: old)
      try train(plan(steps: 20), in: old)
      #expect(try unet(old) == unet(new), "version 0.1: \(isVersion01)")
    }
  }

  private func writeAsEarlier(_ trainer: Trainer, isVersion01: Bool, in old: URL) throws {
    let names = [
      "autoencoder.": "core.", "super_resolution.": "enlarger.", "full_decoder.": "painter.", "ema ": "average ",
    ]
    let state: [NamedTensor] = (trainer.networks.weights + trainer.networks.moments).map { key, tensor in
      let older = isVersion01 ? names.first { key.hasPrefix($0.key) } : nil
      return (older.map { $0.value + key.dropFirst($0.key.count) } ?? key, tensor)
    }
    let metadata = ["step": "5", "plan": try PlanIdentity(trainer.plan).json()]
    if isVersion01 {
      try WeightSet.write(
        state, metadata: metadata, directory: old, name: "checkpoint-00000005", maxShardBytes: 1 << 30)
    } else {
      let checkpoint = old.appendingPathComponent("checkpoint-00000005")
      try FileManager.default.createDirectory(at: checkpoint, withIntermediateDirectories: true)
      try WeightSet.write(state, metadata: metadata, directory: checkpoint, name: "state", alwaysIndexed: true)
    }
  }

  /// Weights, average and place in the data stay; the rate rises again, also where the rise is interrupted.
  @Test func aRunContinuesWithoutMoments() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    var small = plan(steps: 24)
    small.beta2 = 0.75
    let lean = TrainingRun.Saving(every: 1000, moments: false)
    try train(small, in: folder, saving: lean, until: 10)
    let set = try WeightSet(folder.appendingPathComponent("checkpoint-00000010"), name: "state")
    #expect(!set.keys.contains { $0.contains(".first.") || $0.contains(".second.") || $0.contains(".steps.") })
    #expect(set.keys.contains { $0.hasPrefix("ema ") } && set.keys.contains { $0.hasPrefix("denoiser.unet.") })
    try train(small, in: folder, until: 12)
    let log = try String(contentsOf: folder.appendingPathComponent("log.jsonl"), encoding: .utf8)
    #expect(log.contains("continues after step 10: the learning rate warms up again over 10 steps"))
    let trainer = try Trainer(small, textEncoder: Project.minilm)
    #expect(try TrainingRun(trainer, in: folder).run { _ in true } == .stopped(step: 12))
    #expect([10, 14, 19, 20].map(trainer.restartShare) == [0.1, 0.5, 1, 1])
    #expect(try train(small, in: folder) == .finished)
  }

  @Test func aFolderOfAnotherPlanIsRefused() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try train(plan(steps: 20), in: folder, until: 1)
    var other = plan(steps: 20)
    (other.seed, other.captionDropout) = (4, 0.2)
    let differences = ["captionDropout 0.1 there, 0.2 here", "seed 3 there, 4 here"]
    #expect(throws: RunError.otherPlan(folder: folder.path, differences: differences)) {
      try train(other, in: folder)
    }
  }

  @Test func aRunFromAModelKeepsItsAutoencoder() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (first, second) = (folder.appendingPathComponent("first"), folder.appendingPathComponent("second"))
    try train(plan(steps: 20), in: first)
    let start = first.appendingPathComponent("model")
    let next = TrainingPlan(preset: .tiny, steps: 20, batch: 4, seed: 4, start: try ModelSource(model: start))
    let model = try ModelBundle(directory: start)
    #expect(model.scenes == ModelBundle.Scenes(world: "small", version: 2))
    try train(next, from: model, in: second)
    func bytes(_ run: URL, _ part: String) throws -> Data {
      try Data(contentsOf: run.appendingPathComponent("model/\(part)/diffusion_pytorch_model.safetensors"))
    }
    #expect(try bytes(first, "autoencoder") == bytes(second, "autoencoder"))
    #expect(try bytes(first, "unet") != bytes(second, "unet"))
  }

  @Test func onlyTheAutoencoderMayBeTakenFromAModel() throws {
    let start = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))
    func networks(reinitialize: Bool, _ prediction: Prediction = .v) throws -> ModelBundle {
      var plan = TrainingPlan(preset: .tiny)
      (plan.reinitialize, plan.prediction) = (reinitialize, prediction)
      return try Trainer(plan, from: start, textEncoder: Project.minilm).model
    }
    func first(_ module: any Module) -> [Float] { module.parameters[0].tensor.floats() }
    let (continued, reinitialize) = (try networks(reinitialize: false), try networks(reinitialize: true))
    #expect(first(continued.autoencoder) == first(start.autoencoder) && first(continued.unet) == first(start.unet))
    #expect(
      first(reinitialize.autoencoder) == first(start.autoencoder) && first(reinitialize.unet) != first(start.unet))
    #expect(throws: TrainingError.otherPrediction("v_prediction", wanted: "epsilon")) {
      _ = try networks(reinitialize: false, .epsilon)
    }
    #expect(try networks(reinitialize: true, .epsilon).schedule.configuration.predictionType == .epsilon)
  }

  @Test func theDistanceChangesWhileTheRateFalls() {
    var plan = TrainingPlan(preset: .mini, steps: 1000)  // U-Net and adapter learn in steps 220 to 999
    plan.lossType = .l1
    #expect(plan.lossType(at: 999) == .l1)
    plan.cooldownLossType = .huber
    #expect(plan.lossType(at: 687) == .l1 && plan.lossType(at: 688) == .huber)
    #expect(
      plan.learningRateFactor(at: 687, in: plan.denoiserSteps) == 1
        && plan.learningRateFactor(at: 689, in: plan.denoiserSteps) < 1)
  }

  @Test func aRunSavesAModelForEachAverage() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    var plan = plan(steps: 20)
    (plan.emaSigmas, plan.minSNR) = ([0.1, 0], 5)
    try train(plan, in: folder, until: 15)
    try train(plan, in: folder)
    func bytes(_ model: String, _ part: String) throws -> Data {
      try Data(contentsOf: folder.appendingPathComponent("\(model)/\(part)/diffusion_pytorch_model.safetensors"))
    }
    #expect(try bytes("model", "autoencoder") == bytes("model-ema-0.0", "autoencoder"))
    #expect(try bytes("model", "unet") != bytes("model-ema-0.0", "unet"))
  }

  @Test func aModelOfOtherSizesIsNoStart() throws {
    let tiny = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    #expect(throws: TrainingError.otherAutoencoder) {
      _ = try Trainer(
        TrainingPlan(preset: .mini), from: tiny, textEncoder: Project.minilm)
    }
  }

  @Test func theSpecificationTrainsToTheLetter() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let plan = TrainingPlan(profile: .specification, preset: .tiny, steps: 30, seed: 3)
    #expect(plan.batch(of: .joint) == 8)
    #expect(try train(plan, in: folder, until: 10) == .stopped(step: 10))
    #expect(try train(plan, in: folder) == .finished)
    let trained = try ModelBundle(directory: folder.appendingPathComponent("model"))
    #expect(trained.schedule.configuration.predictionType == .epsilon)
    #expect(trained.unet.parameters.allSatisfy { $0.tensor.allFinite })
  }

  @Test func theSpecificationHasItsNumbers() {
    let plan = TrainingPlan(profile: .specification)
    #expect(plan.steps == 80_000 / 8 * 200)
    #expect(plan.autoencoderLearningRate == 1e-4 && plan.diffusionLearningRate == 1e-4 && plan.weightDecay == 1e-5)
    #expect(plan.range(of: .joint) == 0..<plan.steps && plan.batch(of: .joint) == 8)
    #expect(plan.lossType == .l1 && plan.configuration.schedule.predictionType == .epsilon)
    #expect(plan.configuration.schedule.betaSchedule == .cosine)
    #expect(plan.configuration.imageSize == 512 && plan.configuration.unet.inChannels == 64)
    #expect([0, 1000, plan.steps - 1].allSatisfy { plan.learningRateFactor(at: $0, in: 0..<plan.steps) == 1 })
  }

  /// Three pieces of a batch of four are of unequal size.
  @Test func aBatchInPiecesTrainsAsOne() throws {
    func measured(_ pieces: Int) throws -> [String: Double] {
      let plan = TrainingPlan(
        profile: .specification, preset: .tiny, steps: 30, batch: 4, accumulation: pieces, seed: 3)
      let trainer = try Trainer(plan, textEncoder: Project.minilm)
      return try trainer.train(1)
    }
    let (whole, pieces) = (try measured(1), try measured(3))
    for name in ["diffusion", "reconstruction"] {
      let (expected, actual) = (try #require(whole[name]), try #require(pieces[name]))
      // Each piece updates the latents' statistics, so that they differ a little.
      #expect(abs(expected - actual) < 0.02 * expected, "\(name)")
    }
  }

  @Test(arguments: [false, true]) func checkpointingChangesNoResult(bfloat16: Bool) throws {
    func measured(checkpointing: Bool) throws -> [String: Double] {
      var plan = TrainingPlan(profile: .specification, preset: .tiny, steps: 30, batch: 4, seed: 3, bfloat16: bfloat16)
      plan.gradientCheckpointing = checkpointing
      let trainer = try Trainer(plan, textEncoder: Project.minilm)
      for step in 0..<3 { _ = try trainer.train(step) }
      return try trainer.train(3)
    }
    // Not to the bit: gradients of what several layers read are summed in another order.
    let (expected, actual) = (try measured(checkpointing: false), try measured(checkpointing: true))
    for (name, value) in expected {
      #expect(abs(actual[name, default: .nan] - value) < (bfloat16 ? 1e-2 : 1e-4) * abs(value), "\(name)")
    }
  }

  @Test func aWeightThatIsNotFiniteIsNamed() throws {
    let trainer = try Trainer(
      TrainingPlan(profile: .specification, preset: .tiny, steps: 30, batch: 2, seed: 3), textEncoder: Project.minilm)
    let (key, weight) = try #require(
      trainer.model.unet.parameters.first { $0.key.contains("mid") && $0.key.contains("conv1.weight") })
    withNoGrad { weight.fill_(.nan) }
    let error = #expect(throws: RunError.self) { _ = try trainer.train(0) }
    let text = try #require(error?.description)
    #expect(text.contains("step 0") && text.contains("diffusion loss is NaN"))
    #expect(text.contains("unet.\(key) (Conv2d)") && text.contains("scene "), "\(text)")
  }

  @Test func latentsThatCollapseEndARunButNoForecast() throws {
    for watches in [true, false] {
      let trainer = try Trainer(
        TrainingPlan(profile: .specification, preset: .tiny, steps: 1000, batch: 2, seed: 3),
        textEncoder: Project.minilm)
      trainer.detectsCollapse = watches
      withNoGrad { for (_, weight) in trainer.model.autoencoder.encoder.parameters { weight.fill_(0) } }
      _ = try trainer.train(0)  // nothing is known of latents in the first steps
      if watches {
        let error = #expect(throws: TrainingError.self) { _ = try trainer.train(520) }
        #expect(error?.description.contains("step 520: the latents have collapsed") == true)
      } else {
        _ = try trainer.train(520)
      }
    }
  }

  /// Numbers that are read later, as on a device that works on its own, are the same, and so are the weights.
  @Test func deferredMeasuresAreTheSameNumbers() throws {
    var weights: [[Float]] = []
    var measured: [[String: Double]] = []
    for deferred in [nil, DeferredMetrics()] {
      let trainer = try Trainer(
        TrainingPlan(preset: .tiny, steps: 40, batch: 4, seed: 3), textEncoder: Project.minilm)
      trainer.deferred = deferred
      let steps = [1, 9]  // of the autoencoder, joint
      let values = try steps.map { try trainer.train($0) }
      let late = try trainer.readDeferred()
      #expect(late.isEmpty == (deferred == nil))
      measured.append(deferred == nil ? values[0].merging(values[1]) { ($0 + $1) / 2 } : late)
      weights.append(
        trainer.model.unet.parameters.last!.tensor.floats()
          + trainer.model.autoencoder.encoder.parameters[0].tensor.floats())
    }
    #expect(zip(weights[0], weights[1]).allSatisfy { abs($0 - $1) < 1e-6 })
    #expect(measured[0].keys.contains("diffusion") && measured[0].keys.contains("latentAlignment"))
    for (name, value) in measured[0] { #expect(abs(value - (measured[1][name] ?? .nan)) < 1e-5, "\(name)") }
  }

  @Test func aWeightThatIsNotFiniteIsNamedAfterwardsToo() throws {
    let trainer = try Trainer(
      TrainingPlan(profile: .specification, preset: .tiny, steps: 30, batch: 2, seed: 3), textEncoder: Project.minilm)
    trainer.deferred = DeferredMetrics()
    _ = try trainer.train(0)
    try trainer.checkDeferred()
    let (key, weight) = try #require(
      trainer.model.unet.parameters.first { $0.key.contains("mid") && $0.key.contains("conv1.weight") })
    withNoGrad { weight.fill_(.nan) }
    let other = try #require(trainer.model.unet.parameters.first { $0.key == "conv_in.weight" }?.tensor)
    let before = other.floats()
    for step in 1..<4 { _ = try trainer.train(step) }
    #expect(other.floats() == before)  // no update from what is not finite
    let error = #expect(throws: RunError.self) { try trainer.checkDeferred() }
    let text = try #require(error?.description)
    #expect(text.contains("step 1:") && text.contains("unet.\(key) (Conv2d)") && text.contains("scene "), "\(text)")
  }

  @Test func aPlanMayHaveSomeStagesOnly() throws {
    var plan = TrainingPlan(preset: .tiny, steps: 100)
    try plan.keep([.autoencoder, .joint])
    #expect(plan.range(of: .autoencoder) == 0..<80 && plan.range(of: .joint) == 80..<100)
    #expect(plan.range(of: .diffusion).isEmpty && plan.range(over: [.joint, .diffusion]) == 80..<100)
    #expect(plan.learningRateFactor(at: 50, in: plan.range(over: [.autoencoder, .joint])) == 1)
    try plan.keep([.autoencoder])
    #expect(plan.range(of: .autoencoder) == 0..<100 && plan.range(over: [.autoencoder, .joint]) == 0..<100)
    #expect(throws: TrainingError.noStage(.joint, [.autoencoder, .decoder])) { try plan.keep([.joint]) }
    #expect(throws: TrainingError.noEncoder([.decoder])) { try plan.keep([.decoder]) }
  }

  /// Latents stay what they are, so that the decoder fits any U-Net that knows them.
  @Test(arguments: [0, 0.5, 1]) func theDecoderMayLearnOnAlone(regeneratedLatents: Double) throws {
    let start = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))
    var plan = TrainingPlan(preset: .tiny, steps: 20, start: ModelSource(name: "start", hash: "1"))
    #expect(plan.range(of: .decoder).isEmpty)
    try plan.keep([.decoder])
    #expect(plan.range(of: .decoder) == 0..<20)
    plan.regeneratedLatents = regeneratedLatents
    let trainer = try Trainer(
      plan, from: start, textEncoder: Project.minilm)
    func numbers(_ model: ModelBundle) -> (fullDecoder: [[Float]], rest: [[Float]]) {
      let autoencoder = model.autoencoder
      let fullDecoder = [autoencoder.decoder, autoencoder.superResolution] as [(any Module)?]
      func floats(_ parts: [(any Module)?]) -> [[Float]] {
        parts.compactMap { $0 }.flatMap(\.parameters).map { $0.tensor.floats() }
      }
      return (floats(fullDecoder), floats([autoencoder.encoder, model.unet, model.adapter]))
    }
    let before = numbers(trainer.model)
    let losses = try (0..<12).map { try #require(try trainer.train($0)["reconstruction"]) }
    let after = numbers(trainer.model)
    #expect(after.rest == before.rest)
    #expect(zip(before.fullDecoder, after.fullDecoder).allSatisfy { $0 != $1 })
    #expect(losses[9...11].reduce(0, +) < losses[0...2].reduce(0, +))
    var specified = TrainingPlan(profile: .specification, preset: .tiny)
    #expect(throws: TrainingError.noStage(.decoder, [.joint])) { try specified.keep([.decoder]) }
  }

  @Test func stepsBelongToOneStageEach() {
    let plan = TrainingPlan(preset: .mini, steps: 1000)
    var counts: [TrainingPlan.Stage: Int] = [:]
    for step in 0..<1000 { counts[plan.stage(at: step), default: 0] += 1 }
    #expect(counts == [.autoencoder: 220, .joint: 55, .superResolution: 25, .diffusion: 700])
  }
}
