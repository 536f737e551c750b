import Foundation
import Models
import TestSupport
import Testing
import Torch

@Suite struct LoRASummaryTests {
  private func summary(_ tensors: [(String, [Int])], alphas: [String: Double] = [:]) throws -> LoRASummary? {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("x.safetensors")
      try Safetensors.write(
        tensors.map { ($0.0, Tensor.zeros($0.1)) } + alphas.map { ($0.key, Tensor.full([], $0.value)) },
        metadata: ["ss_output_name": "ink"], to: file)
      return try LoRASummary(file)
    }
  }

  @Test func ranksTargetsAndNetworksAreThoseOfTheKeys() throws {
    let summary = try #require(
      try summary([
        ("unet.mid.attentions.0.to_q.lora_A.weight", [4, 8]), ("unet.mid.attentions.0.to_q.lora_B.weight", [16, 4]),
        ("unet.mid.attentions.0.to_out.0.lora_A.weight", [2, 8]),
        ("unet.mid.attentions.0.to_out.0.lora_B.weight", [8, 2]),
        ("text_encoder.encoder.layer.0.query.lora_A.weight", [3, 8]),
        ("text_encoder.encoder.layer.0.query.lora_B.weight", [8, 3]),
      ]))
    #expect(summary.parts.map(\.network) == [.unet, .textEncoder])
    #expect(summary.parts.map(\.ranks) == [[2, 4], [3]])
    #expect(summary.parts.map(\.targets) == [["to_out.0", "to_q"], ["query"]])
    #expect(summary.parts.map(\.layers) == [2, 1])
    #expect(summary.parameters == 32 + 64 + 16 + 16 + 24 + 24)
    #expect(summary.types == ["float32"])
    #expect(summary.metadata["ss_output_name"] == "ink")
  }

  @Test func alphasOfKohyasScriptsAreListed() throws {
    let summary = try #require(
      try summary(
        [
          ("lora_unet_mid_block_attentions_0_to_q.lora_down.weight", [4, 8]),
          ("lora_unet_mid_block_attentions_0_to_q.lora_up.weight", [8, 4]),
        ], alphas: ["lora_unet_mid_block_attentions_0_to_q.alpha": 2]))
    #expect(summary.parts.map(\.alphas) == [[2]])
    #expect(summary.parts.map(\.targets) == [["to_q"]])
  }

  @Test func otherTensorsAreNoLoRA() throws { #expect(try summary([("unet.conv_in.weight", [4, 4])]) == nil) }
}
