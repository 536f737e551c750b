import Diffusion
import Flux
import Foundation
import Images
import Models
import NN
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

  @Test func aLoRAOfSDXLChangesEachTextEncoderByItsName() throws {
    try Project.inTemporaryFolder { folder in
      let model = Project.golden("stable_diffusion_xl/model")
      let encoders = try ["text_encoder", "text_encoder_2"].map {
        try CLIPTextModel.load(from: model.appendingPathComponent($0))
      }
      let unet = try UNet.load(from: model.appendingPathComponent("unet"))
      let file = folder.appendingPathComponent("lora.safetensors")
      var tensors: [(key: String, tensor: Tensor)] = []
      for (name, encoder) in zip(["lora_te1", "lora_te2"], encoders) {
        let layer = "\(name)_text_model_encoder_layers_0_self_attn_q_proj"
        let width = encoder.configuration.hiddenSize
        tensors.append(("\(layer).lora_down.weight", Tensor.ones([2, width])))
        tensors.append(("\(layer).lora_up.weight", Tensor.ones([width, 2])))
      }
      try Safetensors.write(tensors, metadata: [:], to: file)
      let lora = try LoRAFile(file, unet: unet, textEncoders: encoders)
      #expect(lora.unet == nil && lora.textEncoder?.pairs.count == 1 && lora.textEncoder2?.pairs.count == 1)
      func weight(_ index: Int) throws -> Tensor {
        let key = "text_model.encoder.layers.0.self_attn.q_proj.weight"
        return try #require(encoders[index].parameters.first { $0.key == key }?.tensor)
      }
      let before = try (0...1).map { try weight($0).sum().item() }
      lora.merge(unet: unet, textEncoders: encoders, scale: 0.5)
      for index in 0...1 {
        let width = Double(encoders[index].configuration.hiddenSize)
        #expect(try abs(weight(index).sum().item() - before[index] - width * width) < 0.1)
      }
      let one = #expect(throws: CheckpointError.self) {
        _ = try LoRAFile(file, unet: unet, textEncoders: [encoders[0]])
      }
      #expect(one?.description.contains("lora_te2") == true)
    }
  }

  @Test func aLoRAOfAnotherModelIsRefused() throws {
    let file = Project.golden("text_encoder_small/lora-peft.safetensors")
    let error = #expect(throws: CheckpointError.self) {
      _ = try Pipeline(model: model, textEncoder: Project.minilm, loras: [(file, 1)])
    }
    #expect(error?.description.contains("that the model does not know") == true, "\(error?.description ?? "")")
  }
}
