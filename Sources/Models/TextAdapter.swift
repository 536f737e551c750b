import NN
import Support
import Torch

/// A small trainable transformer from text encoder states to the U-Net's context: the frozen encoder's embedding layer
/// (word identities) and last layer (word meanings), concatenated.
///
/// A sentence encoder's last layer is trained for sentence similarity and loses which adjective belongs to which noun; the
/// embedding layer keeps identity and order. MicroDiT adapts its prompt embeddings in the same way
/// (`AttentionBlockPromptEmbedding`).
public final class TextAdapter: Module {
  /// The sizes of the adapter, as stored in `config.json`.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Width of one text encoder state; the input is two of them, concatenated.
    public var inputWidth: Int
    /// Width of the context.
    public var width: Int
    /// Number of transformer layers.
    public var layers: Int
    /// Number of attention heads; divides `width`.
    public var heads: Int
    /// Maximum prompt length in tokens, with [CLS] and [SEP]; 3…65,536.
    public var maxTokens: Int

    /// A configuration of the given sizes; `validate` checks it.
    public init(inputWidth: Int, width: Int, layers: Int, heads: Int, maxTokens: Int) {
      self.inputWidth = inputWidth
      self.width = width
      self.layers = layers
      self.heads = heads
      self.maxTokens = maxTokens
    }

    /// Throws if a value is out of range, or if `heads` does not divide `width`.
    public func validate() throws(ConfigurationError) {
      try require("input_width", inputWidth, in: ConfigurationLimit.channels)
      try require("width", width, in: ConfigurationLimit.channels)
      try require("layers", layers, in: ConfigurationLimit.layers)
      try require("heads", heads, in: ConfigurationLimit.channels)
      try require("width", width, multipleOf: heads, "heads")
      try require("max_tokens", maxTokens, in: 3...65_536)  // with [CLS] and [SEP]
    }

    /// Elements of the matrices, derived from the operations for one token; slightly too high by the attention's.
    public var weightCount: Int { flops(tokens: 1) / 2 }
  }

  let projection: Linear
  let layers: [AdapterLayer]
  let normOut: LayerNorm
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    let c = configuration
    c.checkedOrTrap()
    self.configuration = c
    projection = Linear(in: 2 * c.inputWidth, out: c.width, initial)
    layers = (0..<c.layers).map { _ in AdapterLayer(c.width, heads: c.heads, initial) }
    normOut = LayerNorm(c.width)
  }

  /// First and last encoder states `[B, N, 2 · inputWidth]` with their mask `[B, N]` (1 = a token) to the conditioning
  /// of the U-Net.
  public func callAsFunction(_ states: Tensor, mask: Tensor) -> TextConditioning {
    let (B, N, _) = states.shape3
    let attend = (mask .> 0.5).reshaped([B, 1, 1, N])
    var x = projection(states)  // [B, N, D]
    for layer in layers { x = layer(x, attend) }
    x = normOut(x)
    let weights = mask.to(.float32).unsqueezed(2)  // [B, N, 1]
    return TextConditioning(context: x, mask: mask, pooled: (x * weights).sum([1]) / weights.sum([1]))
  }
}

/// A pre-normalized transformer layer (Xiong et al., 2020).
final class AdapterLayer: Module {
  let norm1: LayerNorm
  let toQKV: Linear
  let toOut: Linear
  let norm2: LayerNorm
  let ff1: Linear
  let ff2: Linear
  let heads: Int

  init(_ width: Int, heads: Int, _ initial: Initializer) {
    self.heads = heads
    norm1 = LayerNorm(width)
    toQKV = Linear(in: width, out: 3 * width, initial)
    toOut = Linear(in: width, out: width, initial)
    norm2 = LayerNorm(width)
    ff1 = Linear(in: width, out: 4 * width, initial)
    ff2 = Linear(in: 4 * width, out: width, initial)
  }

  func callAsFunction(_ input: Tensor, _ attend: Tensor) -> Tensor {
    let qkv = toQKV(norm1(input)).chunked(3, dim: 2)  // each [B, N, D]
    let x = input + toOut(Tensor.multiHeadAttention(qkv[0], qkv[1], qkv[2], heads: heads, attend: attend))
    return x + ff2(ff1(norm2(x)).gelu())
  }
}
