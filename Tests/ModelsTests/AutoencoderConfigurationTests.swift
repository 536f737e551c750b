import Support
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct AutoencoderConfigurationTests {
  private func sentence(
    _ configuration: Autoencoder.Configuration = SmallNetworks.autoencoder,
    _ change: (inout Autoencoder.Configuration) -> Void
  ) -> String? {
    var changed = configuration
    change(&changed)
    do {
      try changed.validate()
      return nil
    } catch { return error.description }
  }

  @Test func numbersOutOfRangeAreNamedWithTheirRange() {
    #expect(sentence { $0.latentChannels = 0 } == "latent_channels is 0, expected 1 to 65536")
    #expect(sentence { $0.normGroups = 0 } == "norm_groups is 0, expected 1 to 65536")
    #expect(sentence { $0.encoderPatch = 65 } == "encoder_patch is 65, expected 1 to 64")
    #expect(sentence { $0.decoderOutputWidth = -8 } == "decoder_output_width is -8, expected 1 to 65536")
    #expect(sentence { $0.encoderWidths = [8, 65_537] } == "encoder_widths[1] is 65537, expected 1 to 65536")
    #expect(sentence { $0.superResolutionWidths = [0] } == "super_resolution_widths[0] is 0, expected 1 to 65536")
    #expect(sentence { $0.encoderBlocks = [1, 0] } == "encoder_blocks[1] is 0, expected 1 to 1000")
    #expect(sentence { $0.decoderBlocks = [1001, 1] } == "decoder_blocks[0] is 1001, expected 1 to 1000")
  }

  @Test func listsOfOtherLengthsAreNamed() {
    #expect(
      sentence { $0.encoderBlocks = [1] }
        == "encoder_blocks is a list of 1, expected 2, one for each entry of encoder_widths")
    #expect(
      sentence { $0.decoderBlocks = [] }
        == "decoder_blocks is a list of 0, expected 2, one for each entry of decoder_widths")
    #expect(sentence { $0.decoderWidths = [] } == "decoder_widths is a list of 0, expected 1 to 16 levels")
    #expect(
      sentence { $0.superResolutionWidths = [Int](repeating: 8, count: 9) }
        == "super_resolution_widths is a list of 9, expected up to 8 levels")
  }

  @Test func widthsThatTheGroupsDoNotDivideAreNamed() {
    #expect(
      sentence { $0.encoderWidths = [8, 14] } == "encoder_widths[1] is 14, expected a multiple of norm_groups, 4")
    #expect(sentence { $0.decoderWidths = [6, 8] } == "decoder_widths[0] is 6, expected a multiple of norm_groups, 4")
    #expect(
      sentence { $0.superResolutionWidths = [5] }
        == "super_resolution_widths[0] is 5, expected a multiple of norm_groups, 4")
    // Without normalization there is nothing to divide.
    #expect(sentence(SmallNetworks.palette) { $0.normGroups = 7 } == nil)
  }

  @Test func theEncoderShrinksAsTheDecoderEnlarges() {
    let sentence = sentence { ($0.encoderWidths, $0.encoderBlocks) = ([8], [1]) }
    #expect(
      sentence
        == "encoder_patch is 2, expected a value for which the encoder's downsampling, now 2, equals the decoder's "
        + "upsampling, 4")
    #expect(self.sentence { ($0.encoderWidths, $0.encoderBlocks, $0.encoderPatch) = ([8], [1], 4) } == nil)
    let palette = self.sentence(SmallNetworks.palette) { $0.palette?.encoderShrink = 1 }
    #expect(palette?.contains("downsampling, now 4, equals the decoder's upsampling, 8") == true)
  }

  @Test func factorsAreProductsOfThoseOfTheParts() {
    #expect(SmallNetworks.autoencoder.baseFactor == 4 && SmallNetworks.autoencoder.superResolutionFactor == 2)
    #expect(SmallNetworks.autoencoder.downsample == 8)
    #expect(SmallNetworks.palette.baseFactor == 8 && SmallNetworks.palette.superResolutionFactor == 1)
    var large = SmallNetworks.autoencoder
    large.superResolutionWidths = [8, 8, 8]
    #expect(large.downsample == 32)
  }

  @Test func numbersOfThePaletteAreNamed() {
    func palette(_ change: (inout Autoencoder.Palette) -> Void) -> String? {
      var palette = Autoencoder.Palette()
      change(&palette)
      do {
        try palette.validate()
        return nil
      } catch { return error.description }
    }
    #expect(palette { _ in } == nil)
    #expect(palette { $0.colors = 65 } == "palette.colors is 65, expected 1 to 64")
    #expect(palette { $0.enlargement = 128 } == "palette.enlargement is 128, expected 1 to 64")
    #expect(palette { $0.enlargement = 12 } == "palette.enlargement is 12, expected a power of two")
    #expect(palette { $0.encoderShrink = 0 } == "palette.encoder_shrink is 0, expected 1 to 16")
    #expect(palette { $0.sharpness = 0 } == "palette.sharpness is 0.0, expected 0.001 to 10000.0")
    #expect(palette { $0.sharpness = .infinity }?.hasPrefix("palette.sharpness is inf") == true)
    for power in 0...6 { #expect(palette { $0.enlargement = 1 << power } == nil) }
  }

  @Test(arguments: [SmallNetworks.autoencoder, SmallNetworks.palette])
  func aDamagedNumberOfTheFileIsRefusedByNameOrHarmless(_ configuration: Autoencoder.Configuration) throws {
    try Project.inTemporaryFolder { folder in
      try Autoencoder(configuration, .empty).save(to: folder)
      try DamagedConfiguration.forEach(folder.appendingPathComponent("config.json")) { key, value in
        do {
          let autoencoder = try Autoencoder.load(from: folder)
          _ = withInference {
            autoencoder.decode(autoencoder.encode(Tensor.zeros([1, 3, 32, 32])), size: (9, 7))
          }
        } catch {
          let text = "\(error)"
          // Where numbers do not fit each other, one of them is named.
          let isNamed = text.contains(key) || text.contains("tensor \"") || text.contains("encoder_patch")
          #expect(text.contains(folder.path) && isNamed, "\(key) \(value): \(text)")
        }
      }
    }
  }
}
