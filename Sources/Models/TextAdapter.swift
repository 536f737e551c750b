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
  public struct Configuration: NetworkConfiguration, Equatable {
    public var inputWidth: Int  // width of one text encoder state; the input has two
    public var width: Int  // width of the context
    public var layers: Int
    public var heads: Int
    public var maxTokens: Int  // maximum prompt length in tokens, with [CLS] and [SEP]

    public init(inputWidth: Int, width: Int, layers: Int, heads: Int, maxTokens: Int) {
      self.inputWidth = inputWidth
      self.width = width
      self.layers = layers
      self.heads = heads
      self.maxTokens = maxTokens
    }

    public func validate() throws(ConfigurationError) {
      try require("input_width", inputWidth, in: ConfigurationLimit.channels)
      try require("width", width, in: ConfigurationLimit.channels)
      try require("layers", layers, in: ConfigurationLimit.layers)
      try require("heads", heads, in: ConfigurationLimit.channels)
      try require("width", width, multipleOf: heads, "heads")
      try require("max_tokens", maxTokens, in: 3...65_536)  // with [CLS] and [SEP]
    }

    public var weightCount: Int { flops(tokens: 1) / 2 }
  }

  let projection: Linear
  let layers: [AdapterLayer]
  let normOut: LayerNorm
  public let configuration: Configuration

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
