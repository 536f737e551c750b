import Foundation
import Support
import TestSupport
import Testing
import Torch

@testable import Models

/// Files that are no model of the family, or damaged ones: one sentence names the file and what it is.
@Suite struct SingleFileRefusalTests {
  private static let families = "; Flux draws with Stable Diffusion 1, Stable Diffusion 2, Stable Diffusion XL"

  /// The sentence after the file's path; nil if the file is read.
  private func refusal(_ tensors: [(key: String, tensor: Tensor)]) throws -> String? {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.safetensors")
      try Safetensors.write(tensors, to: file)
      return refusal(file)
    }
  }

  private func refusal(_ file: URL) -> String? {
    do throws(CheckpointError) {
      _ = try SingleFileCheckpoint(file, assuming: SingleFileGolden.assumptions(""))
      return nil
    } catch { return error.description.replacingOccurrences(of: "\(file.path): ", with: "") }
  }

  private func small(_ keys: String..., shape: [Int] = [1]) -> [(key: String, tensor: Tensor)] {
    keys.map { ($0, Tensor.zeros(shape)) }
  }

  @Test(arguments: [
    ("double_blocks.0.img_attn.norm.key_norm.scale", "FLUX.1"), ("single_stream_modulation.lin.weight", "FLUX.2"),
    ("joint_blocks.0.context_block.adaLN_modulation.1.bias", "Stable Diffusion 3"),
    ("layers.0.adaLN_modulation.0.weight", "Z-Image"), ("t_block.1.weight", "PixArt"),
    ("blocks.0.cross_attn.q_linear.weight", "Sana"),
    ("conditioner.embedders.0.model.transformer.resblocks.9.mlp.c_proj.bias", "the refiner of Stable Diffusion XL"),
  ])
  func otherFamiliesAreRefusedByName(_ key: String, _ name: String) throws {
    #expect(try refusal(small(key)) == "it is a model of \(name)" + Self.families)
    #expect(try refusal(small("model.diffusion_model.\(key)")) == "it is a model of \(name)" + Self.families)
  }

  @Test func otherFilesAreRefusedByWhatTheyAre() throws {
    #expect(try refusal(small("lora_unet_x.lora_down.weight")) == "it is a LoRA, not a model" + Self.families)
    #expect(
      try refusal(small("down_blocks.0.resnets.0.conv1.weight"))
        == "it is a U-Net in diffusers' layout, whose sizes are in the config.json of its folder" + Self.families)
    #expect(try refusal(small("decoder.conv_in.weight")) == "it has an autoencoder and no U-Net" + Self.families)
    #expect(
      try refusal(small("x")) == "it has no tensor \"model.diffusion_model.input_blocks.0.0.weight\", which all "
        + "checkpoints have" + Self.families)
    let input = "model.diffusion_model.input_blocks.0.0.weight"
    #expect(
      try refusal(small(input, shape: [8, 8, 3, 3])) == "its U-Net has 8 input channels, as of a model for "
        + "instruct-pix2pix, expected 4, or 9 for inpainting" + Self.families)
    #expect(
      try refusal(small(input, shape: [8, 4, 3, 3]))
        == "its U-Net has a context of no wide, expected 768, 1024 or 2048" + Self.families)
  }

  @Test func theRefinersUNetIsSeen() throws {
    var tensors = small("model.diffusion_model.input_blocks.0.0.weight", shape: [8, 4, 3, 3])
    tensors += small("model.diffusion_model.label_emb.0.0.weight", shape: [8, 8])
    tensors += small(
      "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight", shape: [8, 1280])
    #expect(try refusal(tensors) == "it is the refiner of Stable Diffusion XL" + Self.families)
  }

  @Test func aLayerThatIsNotKnownIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let file = try SingleFileGolden.changed("sd1", in: folder) { tensors in
        tensors.append(("model.diffusion_model.input_blocks.1.2.weight", Tensor.zeros([1])))
      }
      #expect(
        refusal(file) == "\(file.path) has 1 tensors that the model does not know, among them "
          + "\"model.diffusion_model.input_blocks.1.2.weight\"")
    }
  }

  @Test(arguments: [
    "transformer_blocks.", "transformer_blocks.x.y", "transformer_blocks.1000000.norm1.weight", "proj_in",
  ])
  func aNameThatIsCutOffIsNoLayer(_ name: String) throws {
    try Project.inTemporaryFolder { folder in
      let key = "model.diffusion_model.input_blocks.1.1.\(name)"
      let file = try SingleFileGolden.changed("sd1", in: folder) { $0.append((key, Tensor.zeros([]))) }
      let checkpoint = try SingleFileGolden.open(file, like: "sd1")
      #expect(throws: CheckpointError.self) { _ = try UNet.load(from: checkpoint.unet) }
    }
  }

  @Test func aWeightOfAnotherShapeIsNamedAsTheFileNamesIt() throws {
    try Project.inTemporaryFolder { folder in
      let key = "model.diffusion_model.middle_block.0.in_layers.2.weight"
      let file = try SingleFileGolden.changed("sd1", in: folder) { tensors in
        let index = try #require(tensors.firstIndex { $0.key == key })
        tensors[index].tensor = Tensor.zeros([8, 7, 3, 3])
      }
      let checkpoint = try SingleFileGolden.open(file, like: "sd1")
      let error = #expect(throws: CheckpointError.self) { _ = try UNet.load(from: checkpoint.unet) }
      #expect(error?.description == "\(file.path): tensor \"\(key)\" has shape [8, 7, 3, 3], expected [8, 8, 3, 3]")
    }
  }

  @Test func aMissingWeightIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let file = try SingleFileGolden.changed("sd1", in: folder) { tensors in
        tensors.removeAll { $0.key == "model.diffusion_model.out.0.bias" }
      }
      let checkpoint = try SingleFileGolden.open(file, like: "sd1")
      let error = #expect(throws: CheckpointError.self) { _ = try UNet.load(from: checkpoint.unet) }
      #expect(error?.description == "\(file.path) has no tensor \"conv_norm_out.bias\"")
    }
  }

  @Test func eightBitFloatsAreRefusedByName() throws {
    try Project.inTemporaryFolder { folder in
      let key = "model.diffusion_model.input_blocks.0.0.weight"
      var data = try Data(contentsOf: SingleFileGolden.url("sd1"))
      // Half precision becomes pairs of 8-bit floats: the sizes stay what they are.
      let length = Int(data[0]) | Int(data[1]) << 8 | Int(data[2]) << 16
      let header = String(decoding: data[8..<8 + length], as: UTF8.self)
      let changed = header.replacingOccurrences(
        of: "\"\(key)\":{\"dtype\":\"F16\",\"shape\":[8,4,3,3]",
        with: "\"\(key)\":{\"dtype\":\"F8_E4M3\",\"shape\":[16,4,3,3]")
      #expect(changed != header)
      let bytes = Array(changed.utf8)
      let count = [UInt8](unsafeUninitializedCapacity: 8) { buffer, initialized in
        for index in 0..<8 { buffer[index] = UInt8(truncatingIfNeeded: bytes.count >> (8 * index)) }
        initialized = 8
      }
      data.replaceSubrange(0..<8 + length, with: count + bytes)
      let file = folder.appendingPathComponent("model.safetensors")
      try data.write(to: file)
      #expect(
        refusal(file)?.hasPrefix("tensor \"\(key)\" has type F8_E4M3, expected one of F64, F32, F16, BF16") == true)
    }
  }

  @Test func aPickledCheckpointIsRefusedWithTheWayOut() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("model.ckpt")
      try Data([0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 40)).write(to: file)
      #expect(refusal(file) == "cannot read " + SafetensorsFile.adviceAboutPickles)
    }
  }
}
