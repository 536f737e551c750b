import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

/// Tools/golden/clip.py says how the goldens were made.
@Suite struct CLIPTextModelTests {
  static let cases = ["quick-gelu", "gelu-projected", "flat", "half"]

  private func golden(_ name: String) throws -> (model: CLIPTextModel, inputs: SafetensorsFile) {
    let folder = Project.golden("clip/\(name)")
    return (
      try CLIPTextModel.load(from: folder), try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    )
  }

  @Test(arguments: cases) func everyStateIsThatOfTransformers(_ name: String) throws {
    let (model, inputs) = try golden(name)
    let output = try model(inputs.tensor("ids"))
    #expect(output.hiddenStates.count == model.configuration.numHiddenLayers + 1)
    for (index, state) in output.hiddenStates.enumerated() {
      // States reach 18: on another processor transformers itself differs by 1.5e-5 from the golden.
      expectClose(state, try inputs.tensor("state.\(index)"), atol: 1e-5, rtol: 2e-6, "state \(index)")
      let skipped = model.state(of: output, skipping: index)
      expectClose(skipped, try inputs.tensor("skip.\(index)"), atol: 1e-5, rtol: 2e-6)
    }
    expectClose(output.lastHiddenState, try inputs.tensor("last"), atol: 1e-5)
    expectClose(output.pooled, try inputs.tensor("pooled"), atol: 1e-5)
  }

  @Test func onlyAModelWithAProjectionHasOne() throws {
    #expect(try golden("quick-gelu").model.textProjection == nil)
    #expect(try golden("gelu-projected").model.textProjection?.weight.shape == [10, 16])
    #expect(try golden("half").model.parameters.allSatisfy { $0.tensor.dtype == .float32 })
  }

  @Test func theEndTokenIsTheFirstOfItsKindOrTheLargestID() throws {
    for (end, position) in [(9, 2), (2, 1), (30, 0)] {  // of 2 the largest id, and of an absent one the first position
      var configuration = SmallNetworks.clip
      configuration.eosTokenId = end
      let model = CLIPTextModel(configuration, .random(Generator(seed: 1)))
      let output = withInference { model(Tensor([5, 38, 9, 9, 2] as [Int64], shape: [1, 5])) }
      expectClose(output.pooled[0], output.lastHiddenState[0][position], atol: 0)
    }
  }

  @Test func aTokenDoesNotSeeThoseAfterIt() {
    let model = CLIPTextModel(SmallNetworks.clip, .random(Generator(seed: 1)))
    func last(_ ids: [Int64]) -> Tensor {
      withInference { model(Tensor(ids, shape: [1, ids.count])) }.lastHiddenState[0]
    }
    let (a, b) = (last([5, 6, 7, 8]), last([5, 6, 9, 8]))
    expectClose(a[0..<2], b[0..<2], atol: 1e-6)
    #expect((a[3] - b[3]).abs().max().item() > 1e-5)
    expectClose(last([5, 6]), a[0..<2], atol: 1e-6)
  }

  /// Every version of transformers reads these keys.
  @Test(arguments: cases) func whatItSavesHasPrefixesAndIsReadBackEqual(_ name: String) throws {
    try Project.inTemporaryFolder { saved in
      let (model, inputs) = try golden(name)
      try model.save(to: saved)
      let keys = try WeightSet(saved, name: "model").keys
      #expect(keys.allSatisfy { $0.hasPrefix("text_model.") || $0 == "text_projection.weight" })
      #expect(keys.contains("text_model.encoder.layers.0.self_attn.q_proj.weight"))
      #expect(keys.contains("text_model.final_layer_norm.bias"))
      let again = try CLIPTextModel.load(from: saved)
      #expect(again.configuration == model.configuration)
      expectClose(try again(inputs.tensor("ids")).pooled, try inputs.tensor("pooled"), atol: 1e-5)
    }
  }

  @Test(arguments: [Quantization.bfloat16, .int8]) func smallerStorageStaysClose(_ format: Quantization) throws {
    try Project.inTemporaryFolder { saved in
      let (model, inputs) = try golden("gelu-projected")
      try model.save(to: saved, as: format)
      let pooled = try CLIPTextModel.load(from: saved)(inputs.tensor("ids")).pooled
      let expected = try inputs.tensor("pooled")
      #expect((pooled - expected).abs().mean().item() < 0.05 * expected.abs().mean().item())
    }
  }

  @Test func aMissingProjectionIsNamedAndAnUnusedOneIgnored() throws {
    try Project.inTemporaryFolder { folder in
      let (model, _) = try golden("gelu-projected")
      try model.save(to: folder)
      let plain = model.parameters.filter { $0.key != "text_projection.weight" }
      try WeightSet.write(plain, directory: folder, name: "model")
      let error = #expect(throws: CheckpointError.self) { _ = try CLIPTextModel.load(from: folder) }
      #expect(error?.description.hasSuffix("model.safetensors has no tensor \"text_projection.weight\"") == true)

      try WeightSet.write(model.parameters, directory: folder, name: "model")
      let config = folder.appendingPathComponent("config.json")
      let text = try String(contentsOf: config, encoding: .utf8)
      try text.replacingOccurrences(of: "CLIPTextModelWithProjection", with: "CLIPTextModel")
        .write(to: config, atomically: true, encoding: .utf8)
      #expect(try CLIPTextModel.load(from: folder).textProjection == nil)
    }
  }

  @Test func anotherArchitectureIsRefusedByName() throws {
    try Project.inTemporaryFolder { folder in
      let text = try String(contentsOf: Project.golden("clip/flat/config.json"), encoding: .utf8)
      for (before, after, sentence) in [
        (
          "CLIPTextModel", "T5EncoderModel",
          "architectures[0] is \"T5EncoderModel\", expected one of \"CLIPTextModel\", "
        ),
        (
          "\"gelu\"", "\"gelu_new\"",
          "hidden_act is \"gelu_new\", expected one of \"silu\", \"gelu\", \"relu\", \"quick_gelu\""
        ),
      ] {
        try text.replacingOccurrences(of: before, with: after)
          .write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
        let error = #expect(throws: CheckpointError.self) { _ = try CLIPTextModel.readConfiguration(folder) }
        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
      }
    }
  }

  @Test func aDamagedNumberOfTheConfigurationIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      try CLIPTextModel(SmallNetworks.clip, .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          _ = try CLIPTextModel.load(from: folder)(Tensor.zeros([1, 2], dtype: .int64))
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }

  @Test func numbersOutOfRangeAreNamed() {
    func sentence(_ change: (inout CLIPTextModel.Configuration) -> Void) -> String? {
      var changed = SmallNetworks.clip
      change(&changed)
      do {
        try changed.validate()
        return nil
      } catch { return error.description }
    }
    #expect(sentence { _ in } == nil)
    #expect(sentence { $0.vocabSize = 2 } == "vocab_size is 2, expected 3 to 10000000")
    #expect(sentence { $0.numAttentionHeads = 3 } == "hidden_size is 8, expected a multiple of num_attention_heads, 3")
    #expect(sentence { $0.maxPositionEmbeddings = 1 } == "max_position_embeddings is 1, expected 2 to 1000000")
    #expect(sentence { $0.architectures = [] } == "architectures is a list of 0, expected one class")
    #expect(
      sentence { $0.architectures = [.projected] }
        == "projection_dim is null, expected a number, since architectures has CLIPTextModelWithProjection")
  }

  @Test func itsSizeIsCounted() {
    var configuration = SmallNetworks.clip
    (configuration.architectures, configuration.projectionDim) = ([.projected], 5)
    for configuration in [SmallNetworks.clip, configuration] {
      #expect(configuration.weightCount == CLIPTextModel(configuration, .empty).matrixElements)
    }
  }
}
