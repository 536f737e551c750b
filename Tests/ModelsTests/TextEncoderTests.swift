import Foundation
import Models
import TestSupport
import Testing
import Torch

@Suite struct TextEncoderTests {
  @Test func everyHiddenStateIsTransformers() throws {
    let golden = try SafetensorsFile(Project.golden("text_encoder.safetensors"))
    let encoder = try TextEncoder.load(from: Project.minilm)
    let mask = try golden.tensor("mask")
    let states = try encoder(golden.tensor("ids"), mask: mask)
    #expect(states.count == 7)
    for (index, state) in states.enumerated() {
      let seen = state.sliced(2, 0..<384, step: 3)
      expectClose(seen, try golden.tensor("state.\(index)"), atol: 1e-4, "state \(index)")
    }
  }

  @Test func aDamagedNumberOfTheConfigurationIsRefusedByNameOrHarmless() throws {
    let json = """
      {"vocab_size": 40, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 12,
       "max_position_embeddings": 6, "type_vocab_size": 2, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
      """
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.json")
      try Data(json.utf8).write(to: file)
      try TextEncoder(TextEncoder.readConfiguration(folder), .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(file) { key, value in
        do {
          let encoder = try TextEncoder.load(from: folder)
          _ = encoder(Tensor.zeros([1, 3], dtype: .int64), mask: Tensor.ones([1, 3]))
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }
}
