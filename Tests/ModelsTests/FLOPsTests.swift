import Testing

@testable import Models

@Suite struct FLOPsTests {
  /// 16×16 positions, each 64 · 9 products and sums for each of 256 channels.
  @Test func aConvolutionIsCountedAsByHand() {
    #expect(FLOPs.convolution(64, 256, kernel: 3, 16, 16) == 2 * 16 * 16 * 256 * 64 * 9)
    #expect(FLOPs.linear(48, 384, 256) == 2 * 48 * 384 * 256)
    #expect(FLOPs.attention(queries: 256, keys: 48, width: 320) == 2 * (256 * 48 * 320) + 2 * (256 * 48 * 320))
  }

  /// What `torch.utils.flop_counter.FlopCounterMode` (PyTorch 2.13) counts in diffusers' network of the same numbers.
  @Test func theUNetCountsWhatPyTorchCounts() {
    let mini = unet([96, 128], layers: 1, heads: [3, 4], context: 192)
    #expect(
      unet([256, 320], layers: 2, heads: [4, 5], context: 384).flops(height: 16, width: 16, tokens: 48)
        == 12_584_615_936)
    #expect(mini.flops(height: 8, width: 8, tokens: 32) == 328_450_048)
    #expect(mini.flops(height: 7, width: 7, tokens: 32) == 279_680_128)
  }

  /// What `FlopCounterMode` (PyTorch 2.15) counts in diffusers' and transformers' networks of the same numbers.
  @Test func theEncodersOfStableDiffusionCountWhatPyTorchCounts() {
    let autoencoder = AutoencoderKL.Configuration(blockOutChannels: [8, 16], layersPerBlock: 2)
    #expect(autoencoder.encoderFLOPs(height: 8, width: 8) == 4_132_864)
    let text = CLIPTextModel.Configuration(
      vocabSize: 99, hiddenSize: 32, intermediateSize: 48, numHiddenLayers: 3, numAttentionHeads: 4, hiddenAct: .gelu)
    #expect(text.flops(tokens: 77) == 5_588_352)
  }

  /// What PyTorch stores for the gradients of the attention projections of Stable Diffusion 1.5 in diffusers (hooks of saved
  /// tensors), less the matrices of attention, which Flux does not store.
  @Test(arguments: [(64, 397_800_000), (32, 100_900_000)])
  func theBackwardPassStoresWhatPyTorchStores(_ side: Int, _ expected: Int) {
    let unet = UNet.Configuration(
      sampleSize: 64, inChannels: 4, outChannels: 4,
      downBlockTypes: [.crossAttention, .crossAttention, .crossAttention, .plain], midBlockType: .crossAttention,
      upBlockTypes: [.plain, .crossAttention, .crossAttention, .crossAttention],
      blockOutChannels: [320, 640, 1280, 1280], layersPerBlock: 2, transformerLayersPerBlock: 1, attentionHeadDim: 8,
      useLinearProjection: false, crossAttentionDim: 768, classEmbedType: nil, projectionClassEmbeddingsInputDim: nil,
      normNumGroups: 32, normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0, downsamplePadding: 1)
    let stored = unet.storedForBackward(height: side, width: side)
    #expect(abs(Double(stored.all) / Double(expected) - 1) < 0.03, "\(stored.all)")
    #expect(stored.checkpointed < stored.all / 5)
  }

  /// One level each way over 2×2 cells, by hand.
  @Test func theAutoencoderCountsItsConvolutions() {
    let c = Autoencoder.Configuration(
      latentChannels: 4, encoderPatch: 2, encoderWidths: [8], encoderBlocks: [1], decoderWidths: [16],
      decoderBlocks: [2], decoderOutputWidth: 8, superResolutionWidths: [8], normGroups: 8)
    let encoder = 12 * 8 * 9 + 2 * (8 * 8 * 9) + 8 * 4 * 9  // products for each of 4 cells
    #expect(c.encoderFLOPs(height: 2, width: 2) == 2 * 4 * encoder)
    let small = 4 * 16 * 9 + 4 * (16 * 16 * 9) + 16 * 3 + 16 * 8 * 9
    let large = 8 * 8 * 9 + 8 * 3 * 9
    #expect(c.decoderFLOPs(height: 2, width: 2) == 2 * (4 * small + 16 * large))
    #expect(c.superResolutionFLOPs(height: 2, width: 2) == 2 * (16 * (11 * 8 * 9) + 64 * (8 * 8 * 9 + 8 * 3 * 9)))
  }

  /// Two levels of 12 fields at 4×2 and 8×4 positions, from 8 channels to 5 and 3.
  @Test func theLevelsOfFieldsCountTheirConvolutions() {
    var c = SmallNetworks.palette
    #expect(c.superResolutionFLOPs(height: 2, width: 1) == 0)
    c.superResolutionWidths = [5, 3]
    let first = 8 * (20 * 20 * 9) + 32 * (5 * (5 + 12) * 9)
    let second = 32 * ((5 + 12) * 12 * 9) + 128 * (3 * (3 + 12) * 9)
    #expect(c.superResolutionFLOPs(height: 2, width: 1) == 2 * (first + second))
  }

  @Test func theAdapterCountsItsLayers() {
    let c = TextAdapter.Configuration(inputWidth: 6, width: 8, layers: 3, heads: 2, maxTokens: 5)
    let layer = 2 * 5 * 8 * (24 + 8 + 32 + 32) + 4 * 5 * 5 * 8
    #expect(c.flops(tokens: 5) == 2 * 5 * 12 * 8 + 3 * layer)
  }

  private func unet(_ widths: [Int], layers: PerLevel, heads: PerLevel, context: Int) -> UNet.Configuration {
    UNet.Configuration(
      sampleSize: nil, inChannels: 64, outChannels: 64, downBlockTypes: [.crossAttention, .crossAttention],
      midBlockType: .crossAttention, upBlockTypes: [.crossAttention, .crossAttention], blockOutChannels: widths,
      layersPerBlock: layers, transformerLayersPerBlock: 1, attentionHeadDim: heads, useLinearProjection: true,
      crossAttentionDim: context, classEmbedType: .projection, projectionClassEmbeddingsInputDim: context,
      normNumGroups: 32, normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0, downsamplePadding: 1)
  }

  /// One level without attention over 4×4 cells, layer by layer.
  @Test func aPlainUNetCountsItsLayers() {
    var c = SmallNetworks.unet
    (c.downBlockTypes, c.upBlockTypes, c.midBlockType, c.blockOutChannels) = ([.plain], [.plain], nil, [8])
    c.classEmbedType = nil
    let convolutions: Int =
      4 * 8 * 9  // in
      + 2 * (8 * 8 * 9)  // down
      + 2 * (16 * 8 * 9 + 8 * 8 * 9 + 16 * 8)  // up: the skip beside the features, and a shortcut
      + 8 * 4 * 9  // out
    let embedding: Int = 8 * 32 + 32 * 32 + 3 * (32 * 8)
    #expect(c.flops(height: 4, width: 4, tokens: 9) == 2 * (16 * convolutions + embedding))
    c.classEmbedType = .projection
    #expect(
      c.flops(height: 4, width: 4, tokens: 9) == 2 * (16 * convolutions + embedding + 6 * 32 + 32 * 32))
  }

  /// Attention over N cells is quadratic in N, all else linear.
  @Test func attentionGrowsWithTheSquareOfTheCells() {
    var c = SmallNetworks.unet
    (c.downBlockTypes, c.upBlockTypes, c.midBlockType) = ([.crossAttention], [.plain], nil)
    (c.blockOutChannels, c.classEmbedType) = ([8], nil)
    let embedding: Int = 2 * (8 * 32 + 32 * 32 + 3 * (32 * 8))
    func square(_ side: Int) -> Int { c.flops(height: side, width: side, tokens: 1) - embedding - 2 * 2 * 6 * 8 }
    // With N cells: a·N + 4·N²·8; the context's projections do not depend on N.
    #expect(square(4) - 16 * square(1) == 4 * 8 * (16 * 16 - 16))
    #expect(square(8) - 64 * square(1) == 4 * 8 * (64 * 64 - 64))
  }

  /// The lower level of two works on half the size; then the fields are enlarged by two matrix products.
  @Test func thePaletteDecoderCountsItsConvolutionsAndTheEnlargement() {
    let c = SmallNetworks.palette  // 3 colors, fields of twice the latent's size, enlarged fourfold
    let cells: Int = 6 * 16 * 9 + 2 * (16 * 16 * 9) + 16 * 8 * 9
    let doubled: Int = 2 * (8 * 8 * 9) + 8 * 12 * 9
    let enlargement: Int = 12 * (16 * 4 * 4 + 16 * 4 * 16)  // [16, 4] · [4, 4], then [16, 4] · [4, 16], for 12 fields
    #expect(c.decoderFLOPs(height: 2, width: 2) == 2 * (4 * cells + 16 * doubled + enlargement))
  }

  @Test func batchesOfCellsCostTheSameEach() {
    let c = SmallNetworks.autoencoder
    #expect(c.encoderFLOPs(height: 6, width: 4) == 24 * c.encoderFLOPs(height: 1, width: 1))
    #expect(c.decoderFLOPs(height: 6, width: 4) == 24 * c.decoderFLOPs(height: 1, width: 1))
    #expect(c.superResolutionFLOPs(height: 6, width: 4) == 24 * c.superResolutionFLOPs(height: 1, width: 1))
    var none = c
    none.superResolutionWidths = []
    #expect(none.superResolutionFLOPs(height: 6, width: 4) == 0)
  }
}
