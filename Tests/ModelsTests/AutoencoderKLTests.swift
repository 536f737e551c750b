import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

/// Tools/golden/autoencoder_kl.py says how the goldens were made.
@Suite struct AutoencoderKLTests {
  static let cases = ["four-channels", "sixteen-channels", "old-names", "no-attention", "one-level"]

  private func golden(_ name: String) throws -> (model: AutoencoderKL, inputs: SafetensorsFile) {
    let folder = Project.golden("autoencoder_kl/\(name)")
    return (
      try AutoencoderKL.load(from: folder), try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    )
  }

  @Test(arguments: cases) func latentsAreThoseOfDiffusers(_ name: String) throws {
    let (model, inputs) = try golden(name)
    let distribution = try model.encode(inputs.tensor("pixels"))
    expectClose(distribution.mean, try inputs.tensor("mean"), atol: 1e-4, "mean")
    expectClose(distribution.logVariance, try inputs.tensor("log_variance"), atol: 1e-4, "variance")
    let sample = try distribution.sample(noise: inputs.tensor("noise"))
    expectClose(sample, try inputs.tensor("sample"), atol: 1e-4, "sample")
    expectClose(model.scaled(sample), try inputs.tensor("scaled"), atol: 1e-4, "scaled")
    expectClose(model.unscaled(model.scaled(sample)), sample, atol: 1e-5)
    let scaled = model.scaled(distribution)
    expectClose(
      try scaled.sample(noise: inputs.tensor("noise")), try inputs.tensor("scaled"), atol: 1e-4, "scaled distribution")
  }

  @Test(arguments: cases) func imagesAreThoseOfDiffusers(_ name: String) throws {
    let (model, inputs) = try golden(name)
    expectClose(try model.decode(inputs.tensor("latents")), try inputs.tensor("image"), atol: 1e-4)
  }

  @Test(arguments: cases) func whatItSavesIsWhatDiffusersSaves(_ name: String) throws {
    try Project.inTemporaryFolder { saved in
      let (model, inputs) = try golden(name)
      try model.save(to: saved)
      #expect(try AutoencoderKL.readConfiguration(saved) == model.configuration)
      let file = "diffusion_pytorch_model.safetensors"
      let ours = try SafetensorsFile(saved.appendingPathComponent(file))
      let theirs = try SafetensorsFile(Project.golden("autoencoder_kl/\(name)").appendingPathComponent(file))
      if name == "old-names" {
        #expect(theirs.keys.contains("encoder.mid_block.attentions.0.query.weight"))
        #expect(ours.keys.contains("encoder.mid_block.attentions.0.to_q.weight"))
        #expect(ours.keys.contains("decoder.mid_block.attentions.0.to_out.0.bias"))
      } else {
        #expect(Set(ours.keys) == Set(theirs.keys))
        for key in theirs.keys { #expect(try ours.tensor(key).bytes() == theirs.tensor(key).bytes(), "\(key)") }
      }
      let again = try AutoencoderKL.load(from: saved)
      expectClose(try again.decode(inputs.tensor("latents")), try inputs.tensor("image"), atol: 1e-4)
    }
  }

  @Test func fieldsThatOlderFilesLackHaveTheirDefaults() throws {
    let configuration = try golden("old-names").model.configuration
    #expect(configuration.useQuantConv && configuration.usePostQuantConv && configuration.midBlockAddAttention)
    #expect(configuration.forceUpcast && configuration.shiftFactor == nil && configuration.latentsMean == nil)
    #expect(configuration.scalingFactor == 0.13025)
    try Project.inTemporaryFolder { folder in
      let text = try String(contentsOf: Project.golden("autoencoder_kl/old-names/config.json"), encoding: .utf8)
      try text.replacingOccurrences(of: "\"scaling_factor\"", with: "\"other\"")
        .write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
      #expect(try AutoencoderKL.readConfiguration(folder).scalingFactor == 0.18215)
    }
  }

  @Test func stableDiffusionsAutoencoderHasItsSize() {
    let configuration = AutoencoderKL.Configuration()
    #expect(configuration.downsample == 8)
    let model = AutoencoderKL(configuration, .empty)
    #expect(model.decoder.parameterCount == 49_490_179)
    #expect(model.parameterCount == 83_653_863)
    #expect(configuration.weightCount == model.matrixElements)
  }

  @Test func itsSizeIsCounted() {
    var configuration = SmallNetworks.autoencoderKL
    #expect(configuration.weightCount == AutoencoderKL(configuration, .empty).matrixElements)
    (configuration.useQuantConv, configuration.midBlockAddAttention) = (false, false)
    configuration.layersPerBlock = 3
    #expect(configuration.weightCount == AutoencoderKL(configuration, .empty).matrixElements)
    configuration.usePostQuantConv = false
    #expect(configuration.weightCount == AutoencoderKL(configuration, .empty).matrixElements)
  }

  @Test func aVarianceIsLimited() throws {
    let (model, _) = try golden("four-channels")
    withNoGrad { _ = model.quantConv?.bias?.fill_(100) }
    let distribution = withInference { model.encode(Tensor.zeros([1, 3, 8, 8])) }
    expectClose(distribution.logVariance, Tensor.full([1, 4, 4, 4], 20), atol: 0)
    expectClose(
      distribution.sample(noise: Tensor.ones([1, 4, 4, 4])) - distribution.mean,
      Tensor.full([1, 4, 4, 4], Foundation.exp(10)), atol: 0.01)
  }

  @Test(arguments: [(1, 1), (2, 3), (5, 9)]) func smallAndOddImagesAreEncoded(_ height: Int, _ width: Int) {
    let model = AutoencoderKL(SmallNetworks.autoencoderKL, .random(Generator(seed: 1)))
    let mean = withInference { model.encode(Tensor.zeros([1, 3, height, width])) }.mean
    #expect(mean.shape == [1, 3, max(height / 4, 1), max(width / 4, 1)] && mean.allFinite)
  }

  @Test func otherBlocksAndActivationsAreRefusedByName() throws {
    try Project.inTemporaryFolder { folder in
      let text = try String(contentsOf: Project.golden("autoencoder_kl/four-channels/config.json"), encoding: .utf8)
      for (old, new, sentence) in [
        ("\"silu\"", "\"relu\"", "act_fn is \"relu\", expected \"silu\", the only value that Flux supports"),
        (
          "DownEncoderBlock2D", "AttnDownEncoderBlock2D",
          "down_block_types[0] is \"AttnDownEncoderBlock2D\", expected one of \"DownEncoderBlock2D\""
        ),
        (
          "\"latents_mean\": null", "\"latents_mean\": [1, 2]",
          "latents_mean is a list of 2, expected 4, one for each of latent_channels"
        ),
      ] {
        try text.replacingOccurrences(of: old, with: new)
          .write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
        let error = #expect(throws: CheckpointError.self) { _ = try AutoencoderKL.readConfiguration(folder) }
        #expect(error?.description.contains(sentence) == true, "\(error?.description ?? "")")
      }
    }
  }

  @Test func aDamagedNumberOfTheConfigurationIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      var configuration = SmallNetworks.autoencoderKL
      (configuration.latentsMean, configuration.latentsStd) = ([0, 1, 2], [1, 2, 3])
      configuration.shiftFactor = 0.5
      try AutoencoderKL(configuration, .random(Generator(seed: 1))).save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          let model = try AutoencoderKL.load(from: folder)
          _ = withInference { model.decode(model.encode(Tensor.zeros([1, 3, 4, 4])).mean) }
        } catch {
          let text = "\(error)"
          #expect(text.contains(folder.path) && (text.contains(key) || text.contains("tensor \"")), "\(value): \(text)")
        }
      }
    }
  }
}
