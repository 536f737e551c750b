import Foundation
import Support
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct SingleFileCheckpointTests {
  private func parts(_ checkpoint: SingleFileCheckpoint) -> [(name: String, part: CheckpointPart?)] {
    [
      ("unet", checkpoint.unet), ("vae", checkpoint.autoencoder), ("text_encoder", checkpoint.textEncoder),
      ("text_encoder_2", checkpoint.textEncoder2),
    ]
  }

  @Test(arguments: zip(SingleFileGolden.names, CheckpointFamily.allCases))
  func theFamilyIsSeen(_ name: String, _ family: CheckpointFamily) throws {
    #expect(try SingleFileGolden.open(name).family == family)
  }

  /// Every parameter of every part has the key, the shape and the values of diffusers or transformers.
  @Test(arguments: SingleFileGolden.names) func everyParameterIsThatOfTheReference(_ name: String) throws {
    for (partName, part) in parts(try SingleFileGolden.open(name)) {
      guard let reference = try SingleFileGolden.reference(name, partName) else {
        #expect(part == nil, "\(partName)")
        continue
      }
      let part = try #require(part, "\(partName)")
      #expect(part.keys == reference.keys.keys.sorted(), "\(partName)")
      for (key, expected) in reference.keys {
        let shape = try #require(expected.array?[0].array).compactMap(\.int)
        let tensor = try part.tensor(key, shape: shape)
        let fingerprint = try #require(expected.array?[1].double)
        #expect(abs(SingleFileGolden.fingerprint(tensor) - fingerprint) < 1e-6 * (1 + abs(fingerprint)), "\(key)")
      }
    }
  }

  /// Every field that follows from the file has the reference's value; numbers for all levels may be a list.
  @Test(arguments: SingleFileGolden.names) func configurationsAreThoseOfTheReference(_ name: String) throws {
    func listed(_ value: JSONValue) -> String {
      value.array.map { Set($0.map(\.text)).count == 1 ? $0[0].text : value.text } ?? value.text
    }
    let unknown = [
      "sample_size", "bos_token_id", "eos_token_id", "pad_token_id", "scaling_factor", "force_upcast", "_class_name",
    ]
    for (partName, part) in parts(try SingleFileGolden.open(name)) {
      guard let reference = try SingleFileGolden.reference(name, partName) else { continue }
      for (key, value) in try #require(part?.configuration.fields) where !unknown.contains(key) {
        // diffusers leaves the sizes' place in the reference's own file alone where no level has attention.
        #expect(
          listed(value) == listed(try #require(reference.config[key], "\(partName) \(key)")), "\(partName) \(key)")
      }
    }
  }

  @Test(arguments: SingleFileGolden.names) func theUNetComputesWhatDiffusersComputes(_ name: String) throws {
    let checkpoint = try SingleFileGolden.open(name)
    let unet = try UNet.load(from: checkpoint.unet)
    let inputs = try SafetensorsFile(Project.golden("single_file/\(name)-case.safetensors"))
    func optional(_ key: String) throws -> Tensor? { inputs.info(key) == nil ? nil : try inputs.tensor(key) }
    let output = try unet(
      inputs.tensor("sample"), timesteps: inputs.tensor("timesteps"), context: inputs.tensor("context"),
      classLabels: optional("pooled"), sizes: optional("time_ids"))
    expectClose(output, try inputs.tensor("output"), atol: 1e-4, name)
  }

  @Test func whatNoNetworkUsesIsListed() throws {
    #expect(
      try SingleFileGolden.open("sd1").ignoredKeys.sorted() == [
        "betas", "cond_stage_model.transformer.text_model.embeddings.position_ids", "model_ema.decay",
        "model_ema.diffusion_modelout2bias",
      ])
    let second = try SingleFileGolden.open("sd2").ignoredKeys
    #expect(second.contains("cond_stage_model.model.transformer.resblocks.2.mlp.c_fc.weight"), "the last layer")
    #expect(second.contains("cond_stage_model.model.text_projection"))
  }

  @Test func marksOfPredictionAreRead() throws {
    try Project.inTemporaryFolder { folder in
      let plain = try SingleFileGolden.open("sdxl")
      #expect(!plain.predictsV && !plain.hasZeroTerminalSNR)
      #expect(plain.scheduler["prediction_type"]?.string == "epsilon")
      let file = try SingleFileGolden.changed("sdxl", in: folder) { tensors in
        for mark in ["v_pred", "ztsnr"] { tensors.append((mark, Tensor.zeros([0]))) }
      }
      let marked = try SingleFileGolden.open(file, like: "sdxl")
      #expect(marked.predictsV && marked.hasZeroTerminalSNR && !marked.ignoredKeys.contains("v_pred"))
      #expect(marked.scheduler["prediction_type"]?.string == "v_prediction")
      #expect(marked.scheduler["rescale_betas_zero_snr"]?.text == "true")
    }
  }

  @Test func aUNetAloneIsRead() throws {
    try Project.inTemporaryFolder { folder in
      let file = try SingleFileGolden.changed("sdxl", in: folder) { tensors in
        let prefix = "model.diffusion_model."
        tensors = tensors.filter { $0.key.hasPrefix(prefix) }.map {
          (String($0.key.dropFirst(prefix.count)), $0.tensor)
        }
      }
      let checkpoint = try SingleFileGolden.open(file, like: "sdxl")
      #expect(checkpoint.autoencoder == nil && checkpoint.textEncoder == nil && checkpoint.textEncoder2 == nil)
      #expect(try UNet.load(from: checkpoint.unet).parameterCount > 1000)
    }
  }

  @Test func anInpaintingModelAndAGuidanceEmbeddingAreSeen() throws {
    try Project.inTemporaryFolder { folder in
      let file = try SingleFileGolden.changed("sd1", in: folder) { tensors in
        let key = "model.diffusion_model.input_blocks.0.0.weight"
        let index = try #require(tensors.firstIndex { $0.key == key })
        tensors[index].tensor = Tensor.cat(
          [tensors[index].tensor, Tensor.zeros([8, 5, 3, 3], dtype: .float16)], dim: 1)
        tensors.append(("model.diffusion_model.time_embed.cond_proj.weight", Tensor.zeros([8, 16], dtype: .float16)))
      }
      let unet = try UNet.load(from: SingleFileGolden.open(file, like: "sd1").unet)
      #expect(unet.configuration.inChannels == 9 && unet.configuration.outChannels == 4)
      #expect(unet.configuration.timeCondProjDim == 16)
    }
  }

  @Test func anAutoencoderAloneIsReadInBothLayouts() throws {
    try Project.inTemporaryFolder { folder in
      let whole = try #require(try SingleFileGolden.open("sd1").autoencoder)
      let prefix = "first_stage_model."
      let original = try SingleFileGolden.changed("sd1", in: folder) { tensors in
        tensors = tensors.filter { $0.key.hasPrefix(prefix) }.map {
          (String($0.key.dropFirst(prefix.count)), $0.tensor)
        }
      }
      let assumed = SingleFileGolden.assumptions("sd1")
      let alone = try SingleFileCheckpoint.autoencoder(original, for: .stable1, assuming: assumed)
      let renamed = folder.appendingPathComponent("renamed.safetensors")
      try Safetensors.write(whole.keys.map { ($0, try whole.tensor($0, shape: nil)) }, to: renamed)
      let diffusers = try SingleFileCheckpoint.autoencoder(renamed, for: .xl, assuming: assumed)
      #expect(alone.keys == whole.keys && diffusers.keys == whole.keys)
      #expect(alone.configuration.text == whole.configuration.text)
      #expect(diffusers.configuration["block_out_channels"]?.text == "[4,8]")
      #expect(diffusers.configuration["scaling_factor"]?.double == 0.13025)
      let error = #expect(throws: CheckpointError.self) {
        _ = try SingleFileCheckpoint.autoencoder(SingleFileGolden.url("sd1-case"), for: .stable1)
      }
      #expect(error?.description.hasSuffix("has no tensor \"decoder.conv_in.weight\"") == true)
    }
  }
}
