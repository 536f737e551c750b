import Foundation
import NN
import Torch

/// The convolutional U-Net, with the structure and key names of diffusers' `UNet2DConditionModel`, so that weights can be
/// exchanged and parity tested.
public final class UNet: Module {
  let convIn: Conv2d
  let timeEmbedding: TimestepEmbedding
  let classEmbedding: TimestepEmbedding?
  let addEmbedding: TimestepEmbedding?
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
    timeEmbedding = TimestepEmbedding(
      in: widths[0], width: embedding, guidance: c.timeCondProjDim, c.actFn, initial)
    classEmbedding =
      c.classEmbedType == nil
      ? nil : TimestepEmbedding(in: c.projectionClassEmbeddingsInputDim!, width: embedding, c.actFn, initial)
    addEmbedding =
      c.additionEmbedType == nil
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
    keepCoarseKernelsSmall()
  }

  /// Kernels with many weights for few cells, as at Stable Diffusion's 8×8, take half of the memory and little of the time.
  private func keepCoarseKernelsSmall() {
    guard let side = configuration.sampleSize else { return }
    let widths = configuration.blockOutChannels
    for (level, width) in widths.enumerated() where width >= 1024 {
      let cells = max(side >> level, 1) * max(side >> level, 1)
      let middle = level == widths.count - 1 ? midBlock?.resnets ?? [] : []
      for block in downBlocks[level].resnets + middle + upBlocks[widths.count - 1 - level].resnets {
        for layer in [block.conv1, block.conv2] { layer.savesMemory = layer.weight.count >= 100_000 * cells }
      }
    }
  }

  /// Predicts from a noisy latent.
  ///
  /// - Parameters:
  ///   - sample: `[B, C, h, w]`, fastest in channels-last layout.
  ///   - timesteps: `[B]`, float, 0…999.
  ///   - context: `[B, N, D]`, for cross-attention.
  ///   - contextMask: `[B, N]`, 1 at tokens; nil attends to all.
  ///   - classLabels: `[B, P]`, the pooled text; needed if the configuration has a class embedding or `text_time`.
  ///   - sizes: `[B, 6]` in pixels, float32: original height and width, top and left of the crop, target height and width;
  ///     needed with `text_time`.
  ///   - guidance: `[B]`, float32, the guidance scale less 1 that a distilled network imitates; used with
  ///     `time_cond_proj_dim`, where nil adds nothing.
  public func callAsFunction(
    _ sample: Tensor, timesteps: Tensor, context: Tensor, contextMask: Tensor? = nil,
    classLabels: Tensor? = nil, sizes: Tensor? = nil, guidance: Tensor? = nil
  ) -> Tensor {
    predict(
      features(
        sample, timesteps: timesteps, context: context, contextMask: contextMask, classLabels: classLabels,
        sizes: sizes, guidance: guidance))
  }

  /// The prediction from `features`.
  public func predict(_ features: Tensor) -> Tensor { convOut(convNormOut(features, then: configuration.actFn)) }

  /// The last features before the prediction, `[B, blockOutChannels[0], h, w]`.
  public func features(
    _ sample: Tensor, timesteps: Tensor, context: Tensor, contextMask: Tensor? = nil,
    classLabels: Tensor? = nil, sizes: Tensor? = nil, guidance: Tensor? = nil
  ) -> Tensor {
    let (B, _, _, _) = sample.shape4
    // A network whose weights are in a half type computes in it; in float32 these are the same tensors.
    let dtype = convIn.weight.dtype
    let (sample, context) = (sample.to(dtype), context.to(dtype))
    let attend = contextMask.map { ($0 .> 0.5).reshaped([B, 1, 1, -1]) }
    var time = timeEmbedding(
      sinusoidal(timesteps).to(dtype), guidance: guidance.map { guidanceSines($0).to(dtype) })  // [B, 4 · width]
    if let classEmbedding {
      guard let classLabels else { fatalError("this U-Net has a class embedding and needs classLabels") }
      time = time + classEmbedding(classLabels.to(dtype))
    }
    if let addEmbedding {
      guard let classLabels, let sizes else { fatalError("this U-Net embeds pooled text and sizes and needs both") }
      time = time + addEmbedding(Tensor.cat([classLabels.to(dtype), sizeSines(sizes).to(dtype)], dim: 1))
    }
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

  /// Sines and cosines of the six sizes, `[B, 6 · additionTimeEmbedDim]`.
  private func sizeSines(_ sizes: Tensor) -> Tensor {
    guard let width = configuration.additionTimeEmbedDim, sizes.shape.count == 2 else {
      fatalError("sizes have shape \(sizes.shape), expected [B, 6]")
    }
    return Self.sinusoidal(
      sizes.reshaped([-1]), width: width, freqShift: configuration.freqShift, cosinesFirst: configuration.flipSinToCos
    ).reshaped([sizes.shape[0], -1])
  }

  /// Sines and cosines of a thousand times the guidance, `[B, timeCondProjDim]` (Luo et al., 2023).
  private func guidanceSines(_ guidance: Tensor) -> Tensor {
    guard let width = configuration.timeCondProjDim else {
      fatalError("this U-Net has no guidance embedding and takes no guidance")
    }
    return Self.sinusoidal(guidance.to(.float32) * 1000, width: width, freqShift: 1, cosinesFirst: false)
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
  let condProj: Linear?
  let linear_2: Linear
  let activation: Activation

  /// `guidance` is the width of the guidance embedding that joins the input; nil has none.
  init(in inputs: Int, width: Int, guidance: Int? = nil, _ activation: Activation, _ initial: Initializer) {
    linear_1 = Linear(in: inputs, out: width, initial)
    condProj = guidance.map { Linear(in: $0, out: inputs, bias: false, initial) }
    linear_2 = Linear(in: width, out: width, initial)
    self.activation = activation
  }

  func callAsFunction(_ x: Tensor, guidance: Tensor? = nil) -> Tensor {
    guard let guidance, let condProj else { return linear_2(activation(linear_1(x))) }
    return linear_2(activation(linear_1(x + condProj(guidance))))
  }
}
