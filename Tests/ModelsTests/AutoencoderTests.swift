import Foundation
import Models
import NN
import Support
import TestSupport
import Testing
import Torch

@Suite struct AutoencoderTests {
  private let configuration = Autoencoder.Configuration(
    latentChannels: 6, encoderPatch: 2, encoderWidths: [8, 16], encoderBlocks: [1, 1], decoderWidths: [16, 8],
    decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [8], normGroups: 4)

  private func autoencoder() -> Autoencoder { Autoencoder(configuration, .random(Generator(seed: 1))) }

  private func images(_ size: Int) -> Tensor {
    Tensor.rand([2, 3, size, size], generator: Generator(seed: 2)) * 2 - 1
  }

  @Test func sizesFollowFromTheConfiguration() {
    #expect(configuration.baseFactor == 4 && configuration.superResolutionFactor == 2 && configuration.downsample == 8)
    let latent = withInference { autoencoder().encode(images(32)) }
    #expect(latent.shape == [2, 6, 4, 4])
    #expect(withInference { autoencoder().decode(latent) }.shape == [2, 3, 32, 32])
    #expect(withInference { autoencoder().decoder(latent.channelsLast()).pixels }.shape == [2, 3, 16, 16])
  }

  @Test func latentsAreNormalizedByTheStoredStatistics() {
    let autoencoder = autoencoder()
    autoencoder.latentsMean.copy_(Tensor.full([6], 2))
    autoencoder.latentsStd.copy_(Tensor.full([6], 4))
    let images = images(32)
    let raw = withInference { autoencoder.encodeRaw(images.avgPool2d(2).channelsLast()) }
    expectClose(withInference { autoencoder.encode(images) }, (raw - 2) / 4)
  }

  @Test func whatIsSavedIsReadBack() throws {
    try Project.inTemporaryFolder { folder in
      let (original, images) = (autoencoder(), images(32))
      original.latentsMean.copy_(Tensor.full([6], 0.5))
      try original.save(to: folder)
      let copy = try Autoencoder.load(from: folder)
      #expect(copy.configuration == configuration)
      let expected = withInference { original.decode(original.encode(images)) }
      #expect(withInference { copy.decode(copy.encode(images)) }.floats() == expected.floats())
    }
  }

  @Test func aDecoderIsAllBilinear() {
    // A constant latent without its borders paints a constant: nothing in the decoder knows the parity of a pixel.
    let decoder = autoencoder().decoder
    let latent = Tensor.ones([1, 6, 16, 16]) * 0.7
    let middle = withInference { decoder(latent.channelsLast()).pixels }.sliced(2, 24..<40).sliced(3, 24..<40)
    for channel in 0..<3 {
      let values = middle.selected(1, channel).floats()
      #expect((values.max() ?? 0) - (values.min() ?? 0) < 1e-4)
    }
  }

  @Test func numbersThatDoNotFitAreNamed() {
    func sentence(_ change: (inout Autoencoder.Configuration) -> Void) -> String? {
      var wrong = configuration
      change(&wrong)
      return #expect(throws: ConfigurationError.self) { try wrong.validate() }?.description
    }
    #expect(
      sentence { $0.encoderPatch = 4 }?.hasPrefix("encoder_patch is 4, expected a value for which the encoder") == true)
    #expect(
      sentence { $0.decoderOutputWidth = 6 } == "decoder_output_width is 6, expected a multiple of norm_groups, 4")
    #expect(sentence { $0.encoderWidths = [] } == "encoder_widths is a list of 0, expected 1 to 16 levels")
    #expect(throws: Never.self) { try configuration.validate() }
  }
}
