import NN
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct AutoencoderBlocksTests {
  private let initial = Initializer.random(Generator(seed: 1))

  private func image(_ shape: [Int], seed: UInt64 = 2) -> Tensor {
    Tensor.randn(shape, generator: Generator(seed: seed))
  }

  @Test(arguments: [nil, 2]) func aNewResidualBlockChangesNothing(_ groups: Int?) {
    let block = ConvolutionBlock(4, groups: groups, initial)
    let x = image([1, 4, 5, 5])
    #expect(block(x).floats() == x.floats())
    SmallNetworks.awaken(block)
    #expect((block(x) - x).abs().max().item() > 1e-3)
  }

  @Test func aResidualBlockIsItsFormula() {
    let block = ConvolutionBlock(4, groups: 2, initial)
    block.conv2.weight.normal_(std: 0.1, generator: Generator(seed: 3))
    let x = image([2, 4, 5, 3])
    func layer(_ x: Tensor, _ conv: Conv2d) -> Tensor {
      let groups = x.reshaped([2, 2, 2, 5, 3])  // [B, groups, channels of a group, h, w]
      let centered = groups - groups.mean([2, 3, 4], keepDims: true)
      let normalized = centered / (centered.square().mean([2, 3, 4], keepDims: true) + 1e-5).sqrt()
      let flat = normalized.reshaped([2, 4, 5, 3])
      return (flat * flat.sigmoid()).conv2d(conv.weight, conv.bias, padding: 1)
    }
    expectClose(block(x), x + layer(layer(x, block.conv1), block.conv2), atol: 1e-5)
  }

  /// 2×2 pixels of every channel, one after the other, of which groups are averaged.
  @Test func theShortcutOfAnEncoderLevelAveragesPixels() {
    let level = EncoderLevel(from: 2, width: 2, blocks: 1, groups: nil, hasShortcut: true, .empty)
    let x = image([1, 2, 4, 6])
    expectClose(level(x), x.avgPool2d(2), atol: 1e-6)  // 8 channels to 2: the four pixels of each
    let wide = EncoderLevel(from: 2, width: 16, blocks: 1, groups: nil, hasShortcut: true, .empty)(x)
    #expect(wide.shape == [1, 16, 2, 3])
    expectClose(wide.selected(1, 4), wide.selected(1, 5), atol: 0)  // every pixel twice
    expectClose(wide.selected(1, 4), x.selected(1, 0).sliced(1, 1..<4, step: 2).sliced(2, 0..<6, step: 2), atol: 0)
  }

  @Test func withoutAShortcutAnEmptyEncoderLevelIsSilent() {
    let level = EncoderLevel(from: 2, width: 4, blocks: 1, groups: 2, hasShortcut: false, .empty)
    #expect(level(image([1, 2, 4, 4])).abs().max().item() == 0)
  }

  /// Channels become 2×2 positions.
  @Test func theShortcutOfAPaletteDecoderLevelSpreadsChannels() {
    let x = image([1, 8, 2, 3])
    let same = PaletteDecoderLevel(from: 8, width: 2, blocks: 1, .empty)(x)
    expectClose(same, x.pixelShuffle(2), atol: 0)
    let single = PaletteDecoderLevel(from: 8, width: 1, blocks: 1, .empty)(x)
    expectClose(single, x.pixelShuffle(2).mean([1], keepDims: true), atol: 1e-6)
    let wide = PaletteDecoderLevel(from: 8, width: 4, blocks: 1, .empty)(x)
    expectClose(wide.sliced(1, 0..<4, step: 2), x.pixelShuffle(2), atol: 0)
    expectClose(wide.sliced(1, 1..<4, step: 2), x.pixelShuffle(2), atol: 0)
  }

  @Test func aPaletteAutoencoderIsBuiltOfInversesInItsShortcuts() {
    // Up and down again, by shortcuts alone, is the identity.
    let x = image([1, 8, 3, 3])
    let up = PaletteDecoderLevel(from: 8, width: 2, blocks: 1, .empty)
    let down = EncoderLevel(from: 2, width: 8, blocks: 1, groups: nil, hasShortcut: true, .empty)
    #expect(down(up(x)).floats() == x.floats())
  }

  @Test func newSuperResolutionIsBilinearEnlargement() throws {
    let autoencoder = Autoencoder(SmallNetworks.autoencoder, initial)
    let base = DecoderOutput(features: image([1, 8, 4, 4]), pixels: image([1, 3, 4, 4], seed: 3))
    let upsampler = try #require(autoencoder.superResolution)
    let large = upsampler(base)
    #expect(large.features.shape == [1, 8, 8, 8])
    expectClose(large.pixels, base.pixels.resizedBilinear(height: 8, width: 8), atol: 1e-6)
  }

  @Test func doublingKeepsTheMeanOfAConstant() {
    expectClose(doubled(Tensor.full([1, 2, 3, 5], 0.7)), Tensor.full([1, 2, 6, 10], 0.7), atol: 1e-6)
  }
}

@Suite struct AutoencoderSymmetryTests {
  private func autoencoder(_ configuration: Autoencoder.Configuration) -> Autoencoder {
    let autoencoder = Autoencoder(configuration, .random(Generator(seed: 1)))
    SmallNetworks.awaken(autoencoder.encoder)
    SmallNetworks.awaken(autoencoder.decoder)
    return autoencoder
  }

  /// Without normalization over the image, a step of one cell moves the latents by one, away from the border.
  @Test func shiftingTheImageByACellShiftsTheLatents() {
    let autoencoder = autoencoder(SmallNetworks.palette)
    let wide = Tensor.rand([1, 3, 112, 120], generator: Generator(seed: 2)) * 2 - 1
    let (left, right) = withInference {
      (autoencoder.encode(wide.narrowed(3, 0, 112)), autoencoder.encode(wide.narrowed(3, 8, 112)))
    }
    #expect(left.shape == [1, 6, 14, 14])
    let (a, b) = (left.sliced(3, 6..<9).sliced(2, 6..<8), right.sliced(3, 5..<8).sliced(2, 6..<8))
    #expect(a.std().item() > 1e-3)
    expectClose(a, b, atol: 1e-5)
  }

  @Test(arguments: [SmallNetworks.autoencoder, SmallNetworks.palette])
  func imagesOfABatchAreIndependent(_ configuration: Autoencoder.Configuration) {
    let autoencoder = autoencoder(configuration)
    let images = Tensor.rand([3, 3, 32, 16], generator: Generator(seed: 3)) * 2 - 1
    let latents = withInference { autoencoder.encode(images) }
    #expect(latents.shape == [3, 6, 4, 2])
    let decoded = withInference { autoencoder.decode(latents) }
    #expect(decoded.shape == images.shape)
    for index in 0..<3 {
      let rows = index..<index + 1
      expectClose(withInference { autoencoder.encode(images[rows]) }, latents[rows], atol: 1e-5)
      expectClose(withInference { autoencoder.decode(latents[rows]) }, decoded[rows], atol: 1e-5)
    }
  }

  @Test func anImageOfAnotherSizeIsTheResizedOne() {
    let autoencoder = autoencoder(SmallNetworks.autoencoder)
    let latent = Tensor.randn([1, 6, 2, 2], generator: Generator(seed: 4))
    let own = withInference { autoencoder.decode(latent) }
    expectClose(withInference { autoencoder.decode(latent, size: (16, 16)) }, own, atol: 1e-6)
    let half = withInference { autoencoder.decode(latent, size: (8, 8)) }
    expectClose(half, own.resizedBilinear(height: 8, width: 8, antialias: true), atol: 1e-6)
    #expect(withInference { autoencoder.decode(latent, size: (30, 5)) }.shape == [1, 3, 30, 5])
  }

  @Test(arguments: [SmallNetworks.autoencoder, SmallNetworks.palette])
  func checkpointingGivesTheSameGradients(_ configuration: Autoencoder.Configuration) throws {
    let images = Tensor.rand([2, 3, 16, 16], generator: Generator(seed: 5)) * 2 - 1
    func gradients(_ isOn: Bool) throws -> [Tensor] {
      let autoencoder = autoencoder(configuration)
      let parts: [any Module] = [autoencoder.encoder, autoencoder.decoder]
      for part in parts { part.requireGradients(true) }
      GradientCheckpointing.$isOn.withValue(isOn) {
        autoencoder.decoder(autoencoder.encodeRaw(images)).pixels.square().mean().backward()
      }
      return try parts.flatMap(\.parameters).map { try #require($0.tensor.grad, "\($0.key)") }
    }
    for (plain, saved) in zip(try gradients(false), try gradients(true)) {
      expectClose(saved, plain, atol: 1e-5, rtol: 1e-4)
    }
  }
}
