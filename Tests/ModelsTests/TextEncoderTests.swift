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
}
