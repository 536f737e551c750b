import Flux
import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@testable import Runs
@testable import Training

@Suite(.serialized) struct FineTuningTests {
  /// A model whose residual branches are not silent, as those of a new one, which would let no gradient through.
  private let start = {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 9)))
    let generator = Generator(seed: 10)
    for (_, tensor) in model.unet.parameters where tensor.abs().max().item() == 0 {
      tensor.normal_(std: 0.1, generator: generator)
    }
    return model
  }()

  private func plan(_ trained: Set<TrainingPlan.Network>, lora: TrainingPlan.LoRASettings? = nil) -> TrainingPlan {
    var plan = TrainingPlan(
      preset: .tiny, steps: 20, batch: 4, seed: 3, start: ModelSource(name: "start", hash: "1"))
    (plan.poolSize, plan.poolRenewal) = (64, 2)
    plan.trained = trained
    plan.lora = lora
    if lora != nil { plan.alignment = 0 }
    return plan
  }

  private func trainer(_ plan: TrainingPlan, in folder: URL) throws -> Trainer {
    let text = folder.appendingPathComponent("text")
    if !FileManager.default.fileExists(atPath: text.path) { try SmallTextEncoder.write(to: text) }
    return try Trainer(plan, from: start, textEncoder: text)
  }

  private func train(_ plan: TrainingPlan, in folder: URL, to name: String, until stop: Int? = nil) throws {
    let run = TrainingRun(
      try trainer(plan, in: folder), in: folder.appendingPathComponent(name), saving: TrainingRun.Saving(every: 1000))
    _ = try run.run { _ in run.stepsDone >= stop ?? .max }
  }

  /// The bytes of every file of a model or LoRA.
  private func bytes(_ url: URL) throws -> [String: Data] {
    if url.pathExtension == "safetensors" { return ["": try Data(contentsOf: url)] }
    let paths = FileManager.default.subpaths(atPath: url.path) ?? []
    let files = paths.filter { $0.hasSuffix(".safetensors") }
    return Dictionary(
      uniqueKeysWithValues: try files.map { ($0, try Data(contentsOf: url.appendingPathComponent($0))) })
  }

  private func weights(_ module: any Module) -> [[UInt8]] { module.parameters.map { $0.tensor.bytes() } }

  @Test(
    arguments: [
      ([.textEncoder, .adapter, .unet], nil, "model"), ([.textEncoder], nil, "model"), ([.adapter], nil, "model"),
      ([.unet], TrainingPlan.LoRASettings(rank: 2), "lora.safetensors"),
      ([.textEncoder, .unet], TrainingPlan.LoRASettings(rank: 3, alpha: 6), "lora.safetensors"),
    ] as [(Set<TrainingPlan.Network>, TrainingPlan.LoRASettings?, String)])
  func anInterruptedRunEndsInTheSameWeights(
    _ trained: Set<TrainingPlan.Network>, _ lora: TrainingPlan.LoRASettings?, _ result: String
  ) throws {
    try Project.inTemporaryFolder { folder in
      let plan = plan(trained, lora: lora)
      try train(plan, in: folder, to: "whole")
      for stop in [7, 13, nil] { try train(plan, in: folder, to: "parts", until: stop) }
      let (whole, parts) = try (
        bytes(folder.appendingPathComponent("whole/\(result)")), bytes(folder.appendingPathComponent("parts/\(result)"))
      )
      #expect(!whole.isEmpty && whole == parts)
    }
  }

  /// Each of the networks learns exactly if the plan says so.
  @Test(arguments: [[.textEncoder], [.adapter], [.unet], [.textEncoder, .unet]] as [Set<TrainingPlan.Network>])
  func onlyWhatIsNamedLearns(_ trained: Set<TrainingPlan.Network>) throws {
    try Project.inTemporaryFolder { folder in
      let trainer = try trainer(plan(trained), in: folder)
      let networks: [(TrainingPlan.Network, any Module)] = [
        (.unet, trainer.model.unet), (.adapter, trainer.model.adapter), (.textEncoder, trainer.prompts.encoder),
      ]
      let before = networks.map { weights($0.1) }
      for step in 0..<3 { _ = try trainer.train(step) }
      for ((network, module), old) in zip(networks, before) {
        let isChanged = weights(module) != old
        #expect(isChanged == trained.contains(network), "\(network)")
      }
      #expect((trainer.model.prompts != nil) == trained.contains(.textEncoder))
    }
  }

  @Test func eachNetworkHasItsLearningRate() throws {
    try Project.inTemporaryFolder { folder in
      func change(_ textEncoder: Double, _ unet: Double?) throws -> (textEncoder: Double, unet: Double) {
        var plan = plan([.textEncoder, .adapter, .unet])
        (plan.warmup, plan.weightDecay) = (0, 0)
        (plan.textEncoderLearningRate, plan.unetLearningRate) = (textEncoder, unet)
        let trainer = try trainer(plan, in: folder)
        let modules: [any Module] = [trainer.prompts.encoder, trainer.model.unet]
        let before = modules.map { $0.parameters.map { $0.tensor.detached().clone() } }
        _ = try trainer.train(0)
        func largest(_ module: any Module, _ before: [Tensor]) -> Double {
          withNoGrad {
            zip(module.parameters, before).reduce(0) { most, pair in
              max(most, (pair.0.tensor - pair.1).abs().max().item())
            }
          }
        }
        return (largest(modules[0], before[0]), largest(modules[1], before[1]))
      }
      // The first step of Adam is as large as the learning rate, 2e-3 by default.
      let (first, second) = (try change(1e-4, nil), try change(1e-3, 5e-4))
      for (actual, expected) in [
        (first.textEncoder, 1e-4), (first.unet, 2e-3), (second.textEncoder, 1e-3), (second.unet, 5e-4),
      ] { #expect(abs(actual - expected) < 0.02 * expected, "\(actual), expected \(expected)") }
    }
  }

  /// The text encoder reads the same captions in the step as it encodes once if it is frozen.
  @Test func aTextEncoderStartsWhereTheFrozenOneStands() throws {
    try Project.inTemporaryFolder { folder in
      var losses: [Double] = []
      for trained in [[.adapter, .unet], [.textEncoder, .adapter, .unet]] as [Set<TrainingPlan.Network>] {
        losses.append(try #require(try trainer(plan(trained), in: folder).train(0)["diffusion"]))
      }
      // The pool stores states of the frozen one in bf16.
      #expect(abs(losses[0] - losses[1]) < 2e-3 * losses[0], "\(losses)")
    }
  }

  @Test func aFinetunedTextEncoderIsPartOfTheModel() throws {
    try Project.inTemporaryFolder { folder in
      var first = plan([.textEncoder, .adapter, .unet])
      first.textEncoderLearningRate = 1e-2
      try train(first, in: folder, to: "run")
      let model = folder.appendingPathComponent("run/model")
      let own = try #require(try ModelBundle.ownTextEncoder(of: model))
      for name in ["config.json", "model.safetensors", "vocab.txt"] {
        #expect(FileManager.default.fileExists(atPath: own.appendingPathComponent(name).path), "\(name)")
      }
      // Images are generated with it, whatever the shared one is.
      let pipeline = try Pipeline(model: model, textEncoder: folder.appendingPathComponent("none"))
      let shared = folder.appendingPathComponent("text")
      let used = weights(try #require(pipeline.prompts).encoder)
      let isOwn = used == weights(try TextEncoder.load(from: own))
      let isShared = used == weights(try TextEncoder.load(from: shared))
      #expect(isOwn && !isShared)
      // A run from this model keeps it, frozen.
      let bundle = try ModelBundle(directory: model)
      var second = TrainingPlan(preset: .tiny, steps: 20, batch: 4, seed: 4, start: try ModelSource(model: model))
      (second.poolSize, second.poolRenewal) = (64, 0)
      let trainer = try Trainer(second, from: bundle, textEncoder: shared)
      let run = TrainingRun(trainer, in: folder.appendingPathComponent("next"))
      _ = try run.run { _ in run.stepsDone >= 2 }
      let next = try ModelBundle(directory: trainer.result(in: run.folder))
      let isKept = weights(try #require(next.prompts).encoder) == used
      let hasLearned = weights(next.unet) != weights(bundle.unet)
      #expect(isKept && hasLearned)
      // Another storage keeps it, and a model without one has none left in its index.
      let small = folder.appendingPathComponent("small")
      try bundle.save(to: small, as: .bfloat16)
      #expect(try ModelBundle(directory: small).prompts != nil)
      bundle.prompts = nil
      try bundle.save(to: small)
      #expect(try ModelBundle(directory: small).prompts == nil)
    }
  }

  /// The factors' gradients are those of PEFT's adapters: the loss by the merged weight, through B · A.
  @Test func aLoRALearnsByItsGradient() throws {
    let generator = Generator(seed: 1)
    let layer = Linear(in: 5, out: 4, .random(generator))
    let holder = Holder(layer)
    let lora = LoRA(for: holder, rank: 2, generator)
    for pair in lora.pairs { pair.up.normal_(std: 0.5, generator: generator) }
    let adaptation = LowRankWeights(lora, on: holder, scale: 1.5)
    let x = Tensor.randn([3, 5], generator: generator)
    let original = layer.weight.detached().clone()
    let pair = lora.pairs[0]
    let (down, up) = (pair.down.detached().clone(), pair.up.detached().clone())
    (down.requiresGrad, up.requiresGrad) = (true, true)
    let byHand = x.linear(original, layer.bias) + x.linear(down, nil).linear(up, nil) * 1.5
    byHand.square().sum().backward()
    adaptation.merge()
    let merged = layer(x)
    expectClose(withNoGrad { merged.detached() }, withNoGrad { byHand.detached() }, atol: 1e-5)
    merged.square().sum().backward()
    adaptation.passGradients()
    expectClose(try #require(pair.down.grad), try #require(down.grad), atol: 1e-4)
    expectClose(try #require(pair.up.grad), try #require(up.grad), atol: 1e-4)
    #expect(layer.weight.grad == nil && layer.bias?.requiresGrad == false)
  }

  private final class Holder: Module {
    let layer: Linear
    init(_ layer: Linear) { self.layer = layer }
  }

  @Test func aLoRAChangesTheModelAsItsFileDoes() throws {
    try Project.inTemporaryFolder { folder in
      var plan = plan([.textEncoder, .unet], lora: TrainingPlan.LoRASettings(rank: 4, alpha: 8))
      plan.emaSigmas = []
      let trainer = try trainer(plan, in: folder)
      let run = TrainingRun(trainer, in: folder.appendingPathComponent("run"))
      _ = try run.run()
      #expect(!FileManager.default.fileExists(atPath: folder.appendingPathComponent("run/model").path))
      let encoder = try TextEncoder.load(from: folder.appendingPathComponent("text"))
      let unet = UNet(start.configuration.unet, .empty)
      withNoGrad { for (own, given) in zip(unet.parameters, start.unet.parameters) { own.tensor.copy_(given.tensor) } }
      let file = try LoRAFile(trainer.result(in: run.folder), unet: unet, textEncoder: encoder)
      #expect(file.unet?.pairs.allSatisfy { $0.layer.contains(".to_") } == true)
      for lora in [file.unet, file.textEncoder] {
        let largest = try #require(lora).pairs.map { $0.change.abs().max().item() }.max() ?? 0
        #expect(largest > 1e-4)
      }
      file.merge(unet: unet, textEncoder: encoder)
      networksAreClose(unet, trainer.model.unet)
      networksAreClose(encoder, trainer.prompts.encoder)
    }
  }

  private func networksAreClose(_ first: any Module, _ second: any Module) {
    for (a, b) in zip(first.parameters, second.parameters) {
      expectClose(a.tensor.detached(), b.tensor.detached(), atol: 1e-6, a.key)
    }
  }

  @Test func checkpointsHoldTheFactorsOnly() throws {
    try Project.inTemporaryFolder { folder in
      try train(plan([.unet], lora: TrainingPlan.LoRASettings(rank: 2)), in: folder, to: "run", until: 1)
      let set = try WeightSet(folder.appendingPathComponent("run/checkpoint-00000001"), name: "state")
      #expect(set.keys.allSatisfy { $0.contains("lora.unet.") || $0.hasPrefix("latents_") }, "\(set.keys)")
      #expect(set.keys.contains { $0.hasPrefix("denoiser.lora.unet.") && $0.hasSuffix("to_q.lora_A.weight") })
    }
  }

  /// The blocks of a frozen network are recomputed, too.
  @Test func checkpointingChangesNoResult() throws {
    try Project.inTemporaryFolder { folder in
      func loss(_ checkpointing: Bool) throws -> [Double] {
        var plan = plan([.unet], lora: TrainingPlan.LoRASettings(rank: 2))
        plan.gradientCheckpointing = checkpointing
        let trainer = try trainer(plan, in: folder)
        return try (0..<3).map { try #require(try trainer.train($0)["denoiserGradientNorm"]) }
      }
      for (expected, actual) in zip(try loss(false), try loss(true)) {
        #expect(abs(expected - actual) < 1e-4 * expected)
      }
    }
  }

  @Test func whatCannotBeTrainedIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      func error(_ change: (inout TrainingPlan) -> Void) -> TrainingError? {
        var plan = plan([.unet], lora: TrainingPlan.LoRASettings(rank: 2))
        change(&plan)
        do {
          _ = try trainer(plan, in: folder)
          return nil
        } catch { return error as? TrainingError }
      }
      // No closures within #expect: the optimizer takes one of them for another closure of this function.
      let withoutModel = error { $0.start = nil }
      #expect(withoutModel == .partWithoutModel("a LoRA"))
      let partWithoutModel = error { ($0.lora, $0.start) = (nil, nil) }
      #expect(partWithoutModel == .partWithoutModel("--train"))
      let reinitialized = error { $0.reinitialize = true }
      #expect(reinitialized == .partWithoutModel("a LoRA"))
      let joint = error { $0.parts[.joint] = TrainingPlan.Part(share: 0.5, batch: 2) }
      #expect(joint == .loraStage)
      let unknown = error { $0.lora?.targets = ["to_q", "to_x"] }?.description
      #expect(unknown?.contains("no layer's name ends in to_x; among the ends are ") == true)
      #expect(unknown?.contains("to_out.0") == true, "\(unknown ?? "")")
      let other = error {
        $0.trained = [.textEncoder, .unet]
        $0.lora?.targets = ["to_q"]
      }
      #expect(other == .untargeted("text encoder", ["to_q"]))
    }
  }

  /// Runs of earlier versions continue: the default networks are no entry of the plan.
  @Test func theDefaultIsNoNewSetting() throws {
    var plan = plan([.unet])
    #expect(try PlanIdentity(plan).json().contains("trainedNetworks"))
    plan.trained = [.unet, .adapter]
    let json = try PlanIdentity(plan).json()
    for name in ["trainedNetworks", "lora", "unetLearningRate"] { #expect(!json.contains(name), "\(name)") }
  }
}
