import Foundation
import NN
import Support
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct PaletteDecoderTests {
  private let configuration = Autoencoder.Configuration(
    latentChannels: 6, encoderPatch: 2, encoderWidths: [8, 16], encoderBlocks: [1, 1], decoderWidths: [16, 8],
    decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [], normGroups: 4,
    palette: Autoencoder.Palette(colors: 3, enlargement: 4, sharpness: 6, encoderShrink: 2))

  private func autoencoder() -> Autoencoder { Autoencoder(configuration, .random(Generator(seed: 1))) }

  private func palette(_ autoencoder: Autoencoder) throws -> PaletteDecoder {
    try #require(autoencoder.decoder as? PaletteDecoder)
  }

  @Test func sizesFollowFromTheConfiguration() {
    #expect(throws: Never.self) { try configuration.validate() }
    #expect(configuration.downsample == 8)
    let images = Tensor.rand([2, 3, 32, 48], generator: Generator(seed: 2)) * 2 - 1
    let latent = withInference { autoencoder().encode(images) }
    #expect(latent.shape == [2, 6, 4, 6])
    #expect(withInference { autoencoder().decode(latent) }.shape == [2, 3, 32, 48])
    #expect(withInference { autoencoder().decode(latent, size: (50, 70)) }.shape == [2, 3, 50, 70])
  }

  @Test func aPartOfAnImageIsThatPartOfTheWhole() throws {
    let decoder = try palette(autoencoder())
    let fields = Tensor.randn([1, 12, 8, 6], generator: Generator(seed: 7))
    let whole = decoder.image(of: fields, height: 90, width: 70)
    let part = decoder.image(of: fields, height: 90, width: 70, rows: 30..<41, columns: 5..<66)
    expectClose(part, whole.narrowed(2, 30, 11).narrowed(3, 5, 61), atol: 1e-5)
  }

  @Test func theMixtureIsTheSoftmaxOfTheLogitsOverTheColors() {
    let generator = Generator(seed: 3)
    let fields = Tensor.randn([2, 12, 5, 7], generator: generator)
    let weights = (fields.narrowed(1, 0, 3) * 6).softmax(dim: 1)
    let colors = fields.narrowed(1, 3, 9).reshaped([2, 3, 3, 5, 7])
    expectClose(fields.paletteMix(colors: 3, sharpness: 6), (weights.unsqueezed(2) * colors).sum([1]))
  }

  @Test func theMixtureHasTheGradientsOfItsParts() throws {
    let generator = Generator(seed: 4)
    let values = Tensor.randn([2, 12, 5, 7], generator: generator)
    let target = Tensor.randn([2, 3, 5, 7], generator: generator)
    func gradient(_ mix: (Tensor) -> Tensor) throws -> Tensor {
      let fields = values.clone()
      fields.requiresGrad = true
      (mix(fields) * target).sum().backward()
      return try #require(fields.grad)
    }
    let whole = try gradient { $0.paletteMix(colors: 3, sharpness: 2.5) }
    let parts = try gradient { fields in
      let weights = (fields.narrowed(1, 0, 3) * 2.5).softmax(dim: 1)
      return (weights.unsqueezed(2) * fields.narrowed(1, 3, 9).reshaped([2, 3, 3, 5, 7])).sum([1])
    }
    expectClose(whole, parts)
  }

  @Test func windowsAreDecodedAsTheyAreInTheWholeImage() throws {
    // Without normalization layers nothing but the border's zeros tells a window from the image around it.
    let autoencoder = autoencoder()
    let latent = Tensor.randn([1, 6, 20, 20], generator: Generator(seed: 5))
    let whole = withInference { autoencoder.decode(latent) }
    let window = withInference { autoencoder.decode(latent.sliced(2, 2..<18).sliced(3, 3..<19)) }
    expectClose(
      whole.sliced(2, (2 + 6) * 8..<(18 - 6) * 8).sliced(3, (3 + 6) * 8..<(19 - 6) * 8),
      window.sliced(2, 48..<80).sliced(3, 48..<80))
  }

  @Test func anEdgeKeepsItsShareOfALargerImage() throws {
    // Two colors, black and white, whose logits cross in the middle: a vertical edge.
    let autoencoder = autoencoder()
    let decoder = try palette(autoencoder)
    let ramp = Tensor.arange(0, 8).reshaped([1, 1, 1, 8]).expanded([1, 1, 8, 8]) - 3.5
    let never = Tensor.full([1, 1, 8, 8], -100)
    let colors = [-1.0, 1, 0].flatMap { value in (0..<3).map { _ in Tensor.full([1, 1, 8, 8], value) } }
    let fields = Tensor.cat([ramp * -1, ramp, never] + colors, dim: 1)
    func edgeWidth(_ size: Int) -> Int {  // pixels that are neither black nor white
      let row = withInference { decoder.image(of: fields, height: size, width: size) }[0][0][size / 2].floats()
      return row.filter { abs($0) < 0.9 }.count
    }
    #expect(edgeWidth(128) * 4 == edgeWidth(512) || abs(edgeWidth(128) * 4 - edgeWidth(512)) <= 2)
    // |tanh(6x)| < 0.9 within a quarter of a cell to both sides, of cells of 64 pixels.
    #expect((30...33).contains(edgeWidth(512)), "\(edgeWidth(512))")
  }

  @Test func usageAddsUpToTheImage() throws {
    let decoder = try palette(autoencoder())
    let fields = Tensor.randn([2, 12, 6, 6], generator: Generator(seed: 6))
    let usage = decoder.usage(of: fields).doubles()
    #expect(usage.count == 3 && abs(usage.reduce(0, +) - 1) < 1e-5)
  }

  @Test func whatIsSavedIsReadBack() throws {
    try Project.inTemporaryFolder { folder in
      let original = autoencoder()
      try original.save(to: folder)
      let copy = try Autoencoder.load(from: folder)
      #expect(copy.configuration == configuration)
      let latent = Tensor.randn([1, 6, 4, 4], generator: Generator(seed: 7))
      #expect(withInference { copy.decode(latent) }.floats() == withInference { original.decode(latent) }.floats())
    }
  }

  @Test func itsNumbersAreChecked() {
    func sentence(_ change: (inout Autoencoder.Configuration) -> Void) -> String? {
      var wrong = Autoencoder.Configuration(
        latentChannels: 6, encoderPatch: 2, encoderWidths: [8, 8], encoderBlocks: [1, 1], decoderWidths: [8, 8],
        decoderBlocks: [1, 1], decoderOutputWidth: 8, superResolutionWidths: [], normGroups: 4,
        palette: Autoencoder.Palette(enlargement: 4))
      change(&wrong)
      do {
        try wrong.validate()
        return nil
      } catch { return error.description }
    }
    #expect(sentence { _ in } == nil)
    #expect(sentence { $0.palette?.colors = 0 } == "palette.colors is 0, expected 1 to 64")
    #expect(sentence { $0.palette?.enlargement = 3 } == "palette.enlargement is 3, expected a power of two")
    #expect(sentence { $0.palette?.sharpness = .nan }?.hasPrefix("palette.sharpness is NaN, expected ") == true)
    #expect(sentence { $0.encoderWidths = [8, 12] }?.hasPrefix("encoder_widths[1] is 12, expected a multiple") == true)
    #expect(
      sentence { $0.decoderWidths = [6, 8] } == "decoder_widths[0] is 6, expected a multiple of 2×2 positions, 4")
    #expect(sentence { $0.decoderWidths = [8, 7] }?.hasPrefix("decoder_widths[1] is 7, expected a multiple") == true)
  }

  @Test func colorsThatAreAllAlikeGiveThatColorWhateverTheLogits() throws {
    let decoder = try palette(autoencoder())
    let logits = Tensor.randn([1, 3, 6, 6], generator: Generator(seed: 8)) * 10
    let color = Tensor([0.5, -0.25, 1] as [Float], shape: [1, 3, 1, 1])
    let colors = Tensor.cat([color, color, color], dim: 1).expanded([1, 9, 6, 6])
    let image = decoder.image(of: Tensor.cat([logits, colors], dim: 1), height: 37, width: 50)
    expectClose(image, color.expanded([1, 3, 37, 50]), atol: 1e-5)
  }

  @Test func constantFieldsGiveOneColorAtEverySize() throws {
    let decoder = try palette(autoencoder())
    let values = Tensor.randn([1, 12, 1, 1], generator: Generator(seed: 9))
    let weights = (values.narrowed(1, 0, 3) * 6).softmax(dim: 1).reshaped([3, 1])
    let color = (weights * values.narrowed(1, 3, 9).reshaped([3, 3])).sum([0]).reshaped([1, 3, 1, 1])
    for (height, width) in [(24, 24), (25, 90), (3, 5), (1, 1), (6, 6)] {
      let image = decoder.image(of: values.expanded([1, 12, 6, 6]), height: height, width: width)
      expectClose(image, color.expanded([1, 3, height, width]), atol: 1e-5)
    }
  }

  @Test func noPixelLeavesTheRangeOfTheColors() throws {
    let decoder = try palette(autoencoder())
    let fields = Tensor.randn([2, 12, 5, 5], generator: Generator(seed: 10)) * 3
    let image = decoder.image(of: fields, height: 40, width: 40)
    let colors = fields.narrowed(1, 3, 9)
    #expect(image.max().item() <= colors.max().item() + 1e-5)
    #expect(image.min().item() >= colors.min().item() - 1e-5)
  }

  @Test func twiceTheSizeShowsTheSamePicture() throws {
    let autoencoder = autoencoder()
    let latent = Tensor.randn([1, 6, 6, 6], generator: Generator(seed: 11))
    let (small, large) = withInference {
      (autoencoder.decode(latent, size: (48, 48)), autoencoder.decode(latent, size: (96, 96)))
    }
    expectClose(small, withInference { autoencoder.decode(latent) }, atol: 1e-6)  // its own size
    let error = (large.avgPool2d(2) - small).abs().mean().item()
    #expect(error < 0.05 * small.std().item(), "\(error) of \(small.std().item())")
  }

  @Test func mirroredFieldsGiveTheMirroredPicture() throws {
    let decoder = try palette(autoencoder())
    let fields = Tensor.randn([1, 12, 5, 7], generator: Generator(seed: 12))
    for dims in [[2], [3], [2, 3]] {
      let mirrored = decoder.image(of: fields.flipped(dims), height: 33, width: 47)
      expectClose(mirrored, decoder.image(of: fields, height: 33, width: 47).flipped(dims), atol: 1e-5)
    }
  }

  @Test func aNewDecoderHasNoFavoriteColorAndNoTwoLogitsAlike() throws {
    let decoder = try palette(autoencoder())
    let bias = try #require(decoder.toFields.bias).floats()
    #expect(Set(bias[0..<3]).count == 3 && bias[3...].allSatisfy { $0 == 0 })
    let usage = decoder.usage(of: Tensor.zeros([1, 12, 4, 4])).doubles()
    #expect(usage.allSatisfy { abs($0 - 1.0 / 3) < 1e-6 })
  }

  @Test func usageIsTheShareOfTheImage() throws {
    // The left third is the first color, the rest the second; the third is nowhere.
    let decoder = try palette(autoencoder())
    let left = (Tensor.arange(0, 9).reshaped([1, 1, 1, 9]) .< 3).to(.float32).expanded([1, 1, 9, 9]) * 10
    let fields = Tensor.cat([left, 10 - left, Tensor.full([1, 1, 9, 9], -10), Tensor.zeros([1, 9, 9, 9])], dim: 1)
    expectClose(decoder.usage(of: fields), Tensor([1.0 / 3, 2.0 / 3, 0]).to(.float32), atol: 1e-6)
  }
}
