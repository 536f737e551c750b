import Flux
import Foundation
import Images
import Models
import NN
import TestSupport
import Testing
import Torch

/// Images of other sizes than the model's: what is denoised, what is rendered, what is kept.
@Suite struct OutputSizeTests {
  /// 64×64 pixels, cells of 16.
  private let tiny = Preset.tiny.configuration

  private var withPalette: ModelBundle.Configuration {
    var configuration = tiny
    configuration.autoencoder = Autoencoder.Configuration(
      latentChannels: tiny.autoencoder.latentChannels, encoderPatch: 4, encoderWidths: [8, 16], encoderBlocks: [1, 1],
      decoderWidths: [16, 8], decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [], normGroups: 4,
      palette: Autoencoder.Palette(colors: 3, enlargement: 8, sharpness: 6, encoderShrink: 2))
    return configuration
  }

  private func size(
    _ width: Int, _ height: Int, _ upscaler: Upscaler? = nil, largeLatents: Bool = false,
    of model: ModelBundle.Configuration? = nil
  ) throws -> OutputSize {
    try OutputSize(
      GenerationRequest(prompt: "", width: width, height: height, upscaler: upscaler, largeLatents: largeLatents),
      (model ?? tiny).geometry)
  }

  /// The same with a level that changes its fields.
  private var withLevels: ModelBundle.Configuration {
    var configuration = withPalette
    configuration.autoencoder.superResolutionWidths = [6]
    return configuration
  }

  private func pipeline(_ configuration: ModelBundle.Configuration, seed: UInt64 = 1) throws -> Pipeline {
    let model = ModelBundle(configuration, .random(Generator(seed: seed)))
    if let levels = model.autoencoder.fieldLevels {
      withNoGrad {
        for (_, tensor) in levels.parameters { tensor.normal_(std: 0.2, generator: Generator(seed: seed)) }
      }
    }
    return try Project.inTemporaryFolder { folder in
      try model.save(to: folder.appendingPathComponent("model"))
      return try Pipeline(model: folder.appendingPathComponent("model"), textEncoder: Project.minilm)
    }
  }

  @Test func upToTheModelsSizeTheLatentsHaveTheImagesSize() throws {
    let size = try size(48, 64)
    #expect(size.latent == (4, 3) && size.rendered == (64, 48) && size.upscaler == nil && !size.isLarge)
  }

  @Test func aboveItTheLongerSideHasTheModelsSize() throws {
    let size = try size(256, 128)
    #expect(size.latent == (2, 4) && size.base == (32, 64) && size.rendered == (128, 256))
    #expect(size.isLarge && size.upscaler == .lanczos)
    #expect(try self.size(256, 128, of: withPalette).upscaler == .decoder)
  }

  @Test func proportionsBetweenCellsAreCutFromTheCenter() throws {
    // 150 pixels at a factor of 4 are 2.3 cells: 3 are denoised, which are 192 pixels.
    let size = try size(256, 150)
    #expect(size.latent == (3, 4) && size.rendered == (192, 256) && (size.height, size.width) == (150, 256))
  }

  @Test(arguments: [65, 100, 333, 511, 512]) func everySizeUpToEightTimesTheModelsIsPossible(side: Int) throws {
    for (width, height) in [(side, side), (side, 1), (3, side), (side, side / 2)] {
      let size = try size(width, height)
      #expect(size.rendered.width >= width && size.rendered.height >= height)
      // The same enlargement along both sides, so that circles stay circles.
      let (across, down) = (
        Double(size.rendered.width) / Double(size.base.width), Double(size.rendered.height) / Double(size.base.height)
      )
      #expect(abs(across / down - 1) < 0.04, "\(width)×\(height)")
    }
  }

  @Test func largeLatentsHaveTheImagesSize() throws {
    let size = try size(256, 128, largeLatents: true)
    #expect(size.latent == (8, 16) && size.upscaler == nil && size.isLarge)
    #expect(throws: GenerationError.self) { try self.size(72, 64, largeLatents: true) }
    #expect(throws: GenerationError.self) { try self.size(272, 64, largeLatents: true) }
  }

  @Test func whatTheModelCannotMakeIsNamed() throws {
    let cases: [(() throws -> OutputSize, String)] = [
      (
        { try self.size(513, 64) },
        "width 513: this model generates multiples of 16 from 16 to 64, and larger images up to 512"
      ),
      (
        { try self.size(64, 0) },
        "height 0: this model generates multiples of 16 from 16 to 64, and larger images up to 512"
      ),
      ({ try self.size(128, 128, .decoder) }, "upscaler decoder: this model's decoder has one size; use lanczos"),
    ]
    for (make, sentence) in cases {
      #expect(#expect(throws: GenerationError.self) { try make() }?.description == sentence)
    }
  }

  @Test(arguments: [false, true])
  func aPaletteDecoderRendersInBandsWhatItRendersInOnePiece(hasLevels: Bool) throws {
    let configuration = hasLevels ? withLevels : withPalette
    let pipeline = try pipeline(configuration)
    let latents = Tensor.randn([1, tiny.autoencoder.latentChannels, 4, 4], generator: Generator(seed: 2))
    let size = try size(500, 410, of: configuration)
    let image = try pipeline.decodeLatents(latents, size: size)[0]
    #expect((image.width, image.height) == (500, 410))
    let whole = withInference {
      TensorImage.images(
        pipeline.bundle!.autoencoder.decode(latents, size: (size.rendered.height, size.rendered.width)))
    }[0]
    let (top, left) = ((size.rendered.height - 410) / 2, (size.rendered.width - 500) / 2)
    let center = whole.cropped(left: left, top: top, width: 500, height: 410)
    let largest = zip(image.pixels, center.pixels).map { abs(Int($0) - Int($1)) }.max()
    #expect(largest == 0 || largest == 1)
  }

  /// The decoder's larger images are those of its levels; its own size and what Lanczos makes of it have none.
  @Test func levelsShowInWhatTheDecoderEnlarges() throws {
    let (plain, levels) = (try pipeline(withPalette), try pipeline(withLevels))
    let latents = Tensor.randn([1, tiny.autoencoder.latentChannels, 4, 4], generator: Generator(seed: 2))
    let sizes = try [nil, Upscaler.decoder, .lanczos].map { try $0.map { try size(128, 128, $0, of: withLevels) } }
    let same = try sizes.map { size in
      try plain.decodeLatents(latents, size: size)[0] == (try levels.decodeLatents(latents, size: size)[0])
    }
    #expect(same == [true, false, true])
  }

  @Test func levelsThatGiveNoFiniteNumbersAreNamed() throws {
    let pipeline = try pipeline(withLevels)
    let last = try #require(pipeline.bundle?.autoencoder.fieldLevels?.parameters.last)
    withNoGrad { last.tensor.fill_(.nan) }
    let latents = Tensor.zeros([1, tiny.autoencoder.latentChannels, 4, 4])
    let size = try size(128, 128, of: withLevels)
    let error = #expect(throws: GenerationError.self) { try pipeline.decodeLatents(latents, size: size) }
    #expect(error == .notFinite(.superResolution, step: nil, loras: []))
  }

  @Test func lanczosEnlargesTheImageOfTheModelsSize() throws {
    let pipeline = try pipeline(tiny)
    let request = GenerationRequest(prompt: "a", seed: 3, steps: 1)
    var larger = request
    (larger.width, larger.height) = (160, 160)
    let image = try pipeline.generate(larger)
    #expect(image.image == (try pipeline.generate(request).image.resized(width: 160, height: 160, filter: .lanczos)))
    #expect(image.request.upscaler == .lanczos && image.parameters.contains("Size: 160x160, "))
    #expect(image.parameters.contains("Upscaler: Lanczos"))
  }

  @Test func settingsWithoutEffectAreNotRecorded() throws {
    let pipeline = try pipeline(tiny)
    let own = try pipeline.generate(
      GenerationRequest(prompt: "a", steps: 1, width: 64, upscaler: .lanczos, largeLatents: true))
    #expect(own.request.upscaler == nil && !own.request.largeLatents)
    #expect(!own.parameters.contains("Upscaler") && !own.parameters.contains("Large latents"))
    let large = try pipeline.generate(GenerationRequest(prompt: "a", steps: 1, width: 128, largeLatents: true))
    #expect(large.request.largeLatents && large.parameters.contains("Large latents: true"))
  }
}
