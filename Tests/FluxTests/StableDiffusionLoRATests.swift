import Diffusion
import Flux
import Foundation
import Images
import TestSupport
import Testing
import Torch

/// LoRAs of U-Net and CLIP against diffusers and PEFT; Tools/golden/stable_diffusion_lora.py says how they were made.
@Suite struct StableDiffusionLoRATests {
  private let model = Project.golden("stable_diffusion/model")
  private let folder = Project.golden("stable_diffusion_lora")

  private func picture(_ lora: String?, _ model: URL? = nil) throws -> Image {
    let images = try SafetensorsFile(folder.appendingPathComponent("images.safetensors"))
    func text(_ key: String) throws -> String { try #require(images.metadata[key]) }
    let loras = lora.map { [(file: folder.appendingPathComponent("\($0).safetensors"), scale: 1.0)] } ?? []
    let pipeline = try Pipeline(model: model ?? self.model, textEncoder: Project.minilm, loras: loras)
    let request = GenerationRequest(
      prompt: try text("prompt"), negativePrompt: try text("negative"), seed: try #require(UInt64(text("seed"))),
      steps: try #require(Int(text("steps"))), sampler: .ddim,
      guidance: Guidance(scale: try #require(Double(text("guidance")))), width: 48, height: 32)
    return try pipeline.generate(request).image
  }

  private func difference(_ drawn: Image, _ name: String) throws -> Int {
    let images = try SafetensorsFile(folder.appendingPathComponent("images.safetensors"))
    let expected: [UInt8] = try images.tensor(name).bytes()
    return zip(drawn.pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 255
  }

  @Test(arguments: ["peft", "kohya", "ldm"]) func everySpellingGivesThePictureOfDiffusers(_ name: String) throws {
    let difference = try difference(picture(name), "lora")
    #expect(difference <= 1, "\(difference)")
  }

  @Test func withoutALoRAThePictureIsAnother() throws {
    #expect(try difference(picture(nil), "plain") <= 1)
    #expect(try difference(picture(nil), "lora") > 20)
  }

  @Test func aLoRAOfAnotherModelIsRefused() throws {
    let file = Project.golden("text_encoder_small/lora-peft.safetensors")
    let error = #expect(throws: CheckpointError.self) {
      _ = try Pipeline(model: model, textEncoder: Project.minilm, loras: [(file, 1)])
    }
    #expect(error?.description.contains("that the model does not know") == true, "\(error?.description ?? "")")
  }
}
