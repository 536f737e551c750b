import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@Suite struct AutoencoderTests {
  private let configuration = Autoencoder.Configuration(
    latentChannels: 6, encoderPatch: 2, encoderWidths: [8, 16], encoderBlocks: [1, 1], decoderWidths: [16, 8],
    decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [8], normGroups: 4)

  private func autoencoder() -> Autoencoder { Autoencoder(configuration, .random(Generator(seed: 1))) }

  private func pictures(_ size: Int) -> Tensor {
    Tensor.rand([2, 3, size, size], generator: Generator(seed: 2)) * 2 - 1
  }

  @Test func sizesFollowFromTheConfiguration() {
    #expect(configuration.coreFactor == 4 && configuration.superResolutionFactor == 2 && configuration.downsample == 8)
    let latent = withInference { autoencoder().encode(pictures(32)) }
    #expect(latent.shape == [2, 6, 4, 4])
    #expect(withInference { autoencoder().decode(latent) }.shape == [2, 3, 32, 32])
    #expect(withInference { autoencoder().decoder(latent.channelsLast()).pixels }.shape == [2, 3, 16, 16])
  }

  @Test func latentsAreNormalisedByTheStoredStatistics() {
    let autoencoder = autoencoder()
    autoencoder.latentsMean.copy_(Tensor.full([6], 2))
    autoencoder.latentsStd.copy_(Tensor.full([6], 4))
    let pictures = pictures(32)
    let raw = withInference { autoencoder.encodeRaw(pictures.avgPool2d(2).channelsLast()) }
    expectClose(withInference { autoencoder.encode(pictures) }, (raw - 2) / 4)
  }

  @Test func whatIsSavedIsReadBack() throws {
    try Project.inTemporaryFolder { folder in
      let (original, pictures) = (autoencoder(), pictures(32))
      original.latentsMean.copy_(Tensor.full([6], 0.5))
      try original.save(to: folder)
      let copy = try Autoencoder.load(from: folder)
      #expect(copy.configuration == configuration)
      let expected = withInference { original.decode(original.encode(pictures)) }
      #expect(withInference { copy.decode(copy.encode(pictures)) }.floats() == expected.floats())
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
    var wrong = configuration
    wrong.encoderPatch = 4
    #expect(wrong.problem == "the encoder shrinks 8 times and the decoder grows 4 times")
    wrong = configuration
    wrong.decoderOutputWidth = 6
    #expect(wrong.problem == "width 6 is not a multiple of normGroups 4")
    #expect(configuration.problem == nil)
  }
}
