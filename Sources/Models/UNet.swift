import Foundation
import NN
import Torch

/// The convolutional U-Net, with the structure and key names of diffusers' `UNet2DConditionModel`, so that weights can be
/// exchanged and parity tested.
public final class UNet: Module {
  let convIn: Conv2d
  let timeEmbedding: TimestepEmbedding
  let classEmbedding: TimestepEmbedding?
  let downBlocks: [DownBlock]
  let midBlock: MidBlock?
  let upBlocks: [UpBlock]
  let convNormOut: GroupNorm
  let convOut: Conv2d
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    let c = configuration
    self.configuration = c
    let widths = c.blockOutChannels
    let embedding = 4 * widths[0]
    let last = widths.count - 1

    convIn = Conv2d(in: c.inChannels, out: widths[0], kernel: 3, initial)
    timeEmbedding = TimestepEmbedding(in: widths[0], width: embedding, c.actFn, initial)
    classEmbedding =
      c.classEmbedType == nil
      ? nil : TimestepEmbedding(in: c.projectionClassEmbeddingsInputDim!, width: embedding, c.actFn, initial)
    downBlocks = widths.indices.map { level in
      DownBlock(
        c, level: level, in: widths[max(level - 1, 0)], embedding: embedding, downsamples: level != last,
        initial)
    }
    midBlock = c.midBlockType.map { MidBlock(c, $0, embedding: embedding, initial) }
    upBlocks = widths.indices.map { step in
      let level = last - step
      return UpBlock(
        c, step: step, level: level, skip: widths[max(level - 1, 0)], previous: widths[min(level + 1, last)],
        embedding: embedding, upsamples: step != last, initial)
    }
    convNormOut = GroupNorm(groups: c.normNumGroups, channels: widths[0], eps: c.normEps)
    convOut = Conv2d(in: widths[0], out: c.outChannels, kernel: 3, initial)
  }

  /// Predicts from a noisy latent.
  ///
  /// - Parameters:
  ///   - sample: `[B, C, h, w]`, fastest in channels-last layout.
  ///   - timesteps: `[B]`, float, 0…999.
  ///   - context: `[B, N, D]`, for cross-attention.
  ///   - contextMask: `[B, N]`, 1 at tokens; nil attends to all.
  ///   - classLabels: `[B, P]`, added to the time embedding if the configuration has a class embedding.
  public func callAsFunction(
    _ sample: Tensor, timesteps: Tensor, context: Tensor, contextMask: Tensor? = nil,
    classLabels: Tensor? = nil
  ) -> Tensor {
    predict(
      features(
        sample, timesteps: timesteps, context: context, contextMask: contextMask, classLabels: classLabels))
  }

  /// The prediction from `features`.
  public func predict(_ features: Tensor) -> Tensor { convOut(configuration.actFn(convNormOut(features))) }

  /// The last features before the prediction, `[B, blockOutChannels[0], h, w]`.
  public func features(
    _ sample: Tensor, timesteps: Tensor, context: Tensor, contextMask: Tensor? = nil,
    classLabels: Tensor? = nil
  ) -> Tensor {
    let (B, _, _, _) = sample.shape4
    let attend = contextMask.map { ($0 .> 0.5).reshaped([B, 1, 1, -1]) }
    let embedded = timeEmbedding(sinusoidal(timesteps))  // [B, 4 · width]
    let time =
      classEmbedding.map { embedding in
        guard let classLabels else { fatalError("this U-Net has a class embedding and needs classLabels") }
        return embedded + embedding(classLabels)
      } ?? embedded
    let activated = configuration.actFn(time)

    var x = convIn(sample)
    var skips = [x]
    for block in downBlocks { x = block(x, activated, context, attend, &skips) }
    if let midBlock { x = midBlock(x, activated, context, attend) }
    for block in upBlocks { x = block(x, activated, context, attend, &skips) }
    return x
  }

  /// Sines and cosines of the time, `[B, blockOutChannels[0]]`.
  private func sinusoidal(_ timesteps: Tensor) -> Tensor {
    Self.sinusoidal(
      timesteps, width: configuration.blockOutChannels[0], freqShift: configuration.freqShift,
      cosinesFirst: configuration.flipSinToCos)
  }

  /// Sines and cosines of timesteps `[B]` at geometrically spaced frequencies (Vaswani et al., 2017), `[B, width]`.
  static func sinusoidal(_ timesteps: Tensor, width: Int, freqShift: Double = 0, cosinesFirst: Bool = true) -> Tensor {
    let half = width / 2
    let spread = Double(half) - freqShift
    let places = Tensor.arange(0, Double(half), device: timesteps.device)
    let frequencies = (places * (-Foundation.log(10_000.0) / spread)).exp()
    let angles = timesteps.to(.float32).unsqueezed(1) * frequencies.unsqueezed(0)  // [B, half]
    let parts = [angles.sin(), angles.cos()]
    return Tensor.cat(cosinesFirst ? parts.reversed() : parts, dim: 1)
  }

  /// Zero-initializes every residual branch: the second convolution of each residual block and the last projection of each
  /// transformer.
  public func zeroResidualBranches() {
    for (key, tensor) in parameters where key.contains(".conv2.") || key.contains(".proj_out.") {
      tensor.fill_(0)
    }
  }
}

/// Two linear layers around an activation, from time or pooled text to the embedding for residual blocks.
final class TimestepEmbedding: Module {
  let linear_1: Linear
  let linear_2: Linear
  let activation: Activation

  init(in inputs: Int, width: Int, _ activation: Activation, _ initial: Initializer) {
    linear_1 = Linear(in: inputs, out: width, initial)
    linear_2 = Linear(in: width, out: width, initial)
    self.activation = activation
  }

  func callAsFunction(_ x: Tensor) -> Tensor { linear_2(activation(linear_1(x))) }
}
