import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

/// Tools/golden/autoencoder_tiny.py says how the goldens were made.
@Suite struct AutoencoderTinyTests {
  static let cases = ["like-taesd", "sixteen-channels", "one-level"]

  private func golden(_ name: String) throws -> (model: AutoencoderTiny, inputs: SafetensorsFile) {
    let folder = Project.golden("autoencoder_tiny/\(name)")
    return (
      try AutoencoderTiny.load(from: folder), try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    )
  }

  @Test(arguments: cases) func itComputesWhatDiffusersComputesBothWays(_ name: String) throws {
    let (model, inputs) = try golden(name)
    expectClose(try model.encode(inputs.tensor("pixels")), try inputs.tensor("encoded"), atol: 1e-5)
    expectClose(try model.decode(inputs.tensor("latents")), try inputs.tensor("image"), atol: 1e-5)
  }

  @Test(arguments: cases) func whatItSavesIsWhatDiffusersSaves(_ name: String) throws {
    try Project.inTemporaryFolder { saved in
      let (model, _) = try golden(name)
      try model.save(to: saved)
      #expect(try AutoencoderTiny.readConfiguration(saved) == model.configuration)
      let file = "diffusion_pytorch_model.safetensors"
      let ours = try SafetensorsFile(saved.appendingPathComponent(file))
      let theirs = try SafetensorsFile(Project.golden("autoencoder_tiny/\(name)").appendingPathComponent(file))
      #expect(Set(ours.keys) == Set(theirs.keys))
      for key in theirs.keys { #expect(try ours.tensor(key).bytes() == theirs.tensor(key).bytes(), "\(key)") }
    }
  }

  @Test func itHasTheSizeOfTAESD() {
    let configuration = AutoencoderTiny.Configuration()
    let model = AutoencoderTiny(configuration, .empty)
    #expect(configuration.downsample == 8)
    #expect(model.encoder.parameterCount == 1_222_532 && model.decoder.parameterCount == 1_222_531)
    for configuration in [configuration, SmallNetworks.autoencoderTiny] {
      #expect(configuration.weightCount == AutoencoderTiny(configuration, .empty).matrixElements)
    }
  }

  @Test func otherOptionsAreRefusedByName() throws {
    try Project.inTemporaryFolder { folder in
      let text = try String(contentsOf: Project.golden("autoencoder_tiny/like-taesd/config.json"), encoding: .utf8)
      for (old, new, sentence) in [
        (
          "\"nearest\"", "\"bilinear\"",
          "upsample_fn is \"bilinear\", expected \"nearest\", the only value that Flux supports"
        ),
        (
          "_factor\": 2", "_factor\": 4",
          "upsampling_scaling_factor is 4, expected 2.0, the only value that Flux supports"
        ),
        (
          "    6,\n    6,\n    6\n", "    6,\n    6,\n    8\n",
          "block_out_channels[2] is 8, expected 6, the width of the first level"
        ),
        (
          "    1,\n    2,\n    2\n", "    1,\n    2\n",
          "num_encoder_blocks is a list of 2, expected 3, one for each entry of"
        ),
      ] {
        try text.replacingOccurrences(of: old, with: new)
          .write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
        let error = #expect(throws: CheckpointError.self) { _ = try AutoencoderTiny.readConfiguration(folder) }
        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
      }
    }
  }

  @Test func aDamagedNumberOfTheConfigurationIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      try AutoencoderTiny(SmallNetworks.autoencoderTiny, .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          let model = try AutoencoderTiny.load(from: folder)
          _ = withInference { model.decode(model.encode(Tensor.zeros([1, 3, 5, 4]))) }
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }
}
