import NN
import Support
import Torch

/// The U-Net of the pixel-space example: predicts the noise in images, given the time and the mean of learned token
/// embeddings.
///
/// Every level has two 3×3 convolutions with ReLU. Max-pooling halves the size on the way down, a transposed convolution
/// doubles it on the way up, and the features of the way down join those of the way up (Ronneberger et al., 2015). Time
/// and text are projected to the width of each level and added to its features; `docs/example.md` says why.
public final class PixelUNet: Module {
  /// The sizes of the network, as stored in `config.json`.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Side of the images, in pixels; a multiple of 2 for every level but the first.
    public var sampleSize: Int
    /// Width of each level, from the full resolution to the lowest.
    public var blockOutChannels: [Int]
    /// Number of tokens that have an embedding.
    public var vocabSize: Int
    /// Width of the token embeddings, and of the sines and cosines of the time; even.
    public var embeddingWidth: Int
    /// Maximum prompt length in tokens, with [CLS] and [SEP]; 3…65,536.
    public var maxTokens: Int

    /// A configuration of the given sizes; `validate` checks it.
    public init(sampleSize: Int, blockOutChannels: [Int], vocabSize: Int, embeddingWidth: Int, maxTokens: Int) {
      self.sampleSize = sampleSize
      self.blockOutChannels = blockOutChannels
      self.vocabSize = vocabSize
      self.embeddingWidth = embeddingWidth
      self.maxTokens = maxTokens
    }

    /// The sizes of the preset `pixel-example`: images of 64×64, base width 64, 30,522 embeddings of width 512.
    public static let example = Configuration(
      sampleSize: 64, blockOutChannels: [64, 128, 256, 512], vocabSize: 30_522, embeddingWidth: 512, maxTokens: 48)

    /// Throws if a value is out of range, or if the levels do not divide the image.
    public func validate() throws(ConfigurationError) {
      try require("sample_size", sampleSize, in: ConfigurationLimit.imageSide)
      if !ConfigurationLimit.levels.contains(blockOutChannels.count) {
        throw ConfigurationError(
          "block_out_channels", "a list of \(blockOutChannels.count)", expected: "1 to 16 levels")
      }
      try require("block_out_channels", blockOutChannels, in: ConfigurationLimit.channels)
      try require("sample_size", sampleSize, multipleOf: 1 << (blockOutChannels.count - 1), "2 for each pooling")
      try require("vocab_size", vocabSize, in: 4...10_000_000)
      try require("embedding_width", embeddingWidth, in: ConfigurationLimit.channels)
      try require("embedding_width", embeddingWidth, multipleOf: 2, "sines and cosines")
      try require("max_tokens", maxTokens, in: 3...65_536)  // with [CLS] and [SEP]
    }

    /// Elements of the matrices, kernels and embeddings.
    public var weightCount: Int {
      func block(_ inputs: Int, _ width: Int) -> Int { 9 * width * (inputs + width) + 2 * embeddingWidth * width }
      let widths = [3] + blockOutChannels
      let down = zip(widths, widths.dropFirst()).reduce(0) { $0 + block($1.0, $1.1) }
      let up = zip(blockOutChannels, blockOutChannels.dropFirst()).reduce(0) {
        $0 + 4 * $1.0 * $1.1 + block(2 * $1.0, $1.0)
      }
      return vocabSize * embeddingWidth + down + up + 3 * blockOutChannels[0]
    }
  }

  let textEmbedding: Embedding
  let downBlocks: [PixelBlock]
  let midBlock: PixelBlock
  let upsamplers: [ConvTranspose2d]
  let upBlocks: [PixelBlock]
  let convOut: Conv2d
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    let (widths, embedding) = (configuration.blockOutChannels, configuration.embeddingWidth)
    let last = widths.count - 1
    self.configuration = configuration
    // PyTorch's standard deviation for embeddings.
    textEmbedding = Embedding(count: configuration.vocabSize, width: embedding, std: 1, initial)
    downBlocks = (0..<last).map { level in
      PixelBlock(in: level == 0 ? 3 : widths[level - 1], out: widths[level], embedding: embedding, initial)
    }
    midBlock = PixelBlock(in: last == 0 ? 3 : widths[last - 1], out: widths[last], embedding: embedding, initial)
    let up = (0..<last).reversed()
    upsamplers = up.map { ConvTranspose2d(in: widths[$0 + 1], out: widths[$0], kernel: 2, stride: 2, initial) }
    upBlocks = up.map { PixelBlock(in: 2 * widths[$0], out: widths[$0], embedding: embedding, initial) }
    convOut = Conv2d(in: widths[0], out: 3, kernel: 1, initial)
  }

  /// The mean embedding `[B, embeddingWidth]` of tokens `[B, N]` (int64) where the mask `[B, N]` (float) is 1.
  public func encodeText(_ tokens: Tensor, mask: Tensor) -> Tensor {
    let weights = mask.unsqueezed(2)  // [B, N, 1]
    return (textEmbedding(tokens) * weights).sum([1]) / weights.sum([1])
  }

  /// Predicts the noise in images `[B, 3, H, W]` at timesteps `[B]` (float, 0…999) under one text each, `[B,
  /// embeddingWidth]`.
  public func callAsFunction(_ images: Tensor, at timesteps: Tensor, _ text: Tensor) -> Tensor {
    let time = UNet.sinusoidal(timesteps, width: configuration.embeddingWidth)  // [B, embeddingWidth]
    var x = images.channelsLast()
    var skips: [Tensor] = []
    for block in downBlocks {
      x = block(x, time, text)
      skips.append(x)
      x = x.maxPool2d(2)
    }
    x = midBlock(x, time, text)
    for (upsampler, block) in zip(upsamplers, upBlocks) {
      x = block(Tensor.cat([skips.removeLast(), upsampler(x)], dim: 1), time, text)
    }
    return convOut(x)
  }
}

/// Two convolutions with ReLU; time and text are added to the features of the first.
final class PixelBlock: Module {
  let conv1: Conv2d
  let timeProjection: Linear
  let textProjection: Linear
  let conv2: Conv2d

  init(in inputs: Int, out outputs: Int, embedding: Int, _ initial: Initializer) {
    conv1 = Conv2d(in: inputs, out: outputs, kernel: 3, initial)
    timeProjection = Linear(in: embedding, out: outputs, initial)
    textProjection = Linear(in: embedding, out: outputs, initial)
    conv2 = Conv2d(in: outputs, out: outputs, kernel: 3, initial)
  }

  /// `[B, in, H, W]` to `[B, out, H, W]`; `time` and `text` are `[B, embedding]`.
  func callAsFunction(_ x: Tensor, _ time: Tensor, _ text: Tensor) -> Tensor {
    let added = (timeProjection(time) + textProjection(text)).unsqueezed(2).unsqueezed(3)  // [B, out, 1, 1]
    return conv2((conv1(x) + added).relu()).relu()
  }
}

extension PixelUNet: ConfiguredModel {
  /// A class of Flux: no other library has this network.
  public static var className: String { "FluxPixelUNet" }
}
