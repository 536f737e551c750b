import NN
import Support
import Torch

/// The frozen text encoder: BERT (Devlin et al., 2018) with the key names of Hugging Face's `BertModel`, as in
/// MiniLM-L6-v2.
public final class TextEncoder: Module {
  /// The fields of Hugging Face's `config.json` that BERT needs.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Number of words and word pieces in the vocabulary.
    public var vocabSize: Int
    /// Width of the hidden states.
    public var hiddenSize: Int
    /// Number of transformer layers.
    public var numHiddenLayers: Int
    /// Number of attention heads; divides `hiddenSize`.
    public var numAttentionHeads: Int
    /// Width of the hidden layer of each feed-forward network.
    public var intermediateSize: Int
    /// Maximum number of tokens.
    public var maxPositionEmbeddings: Int
    /// Number of token types; Flux only uses the first.
    public var typeVocabSize: Int
    /// Number that layer normalization adds to the variance.
    public var layerNormEps: Double
    /// Activation of the feed-forward networks.
    public var hiddenAct: Activation

    /// Throws if a value is out of range, or if `numAttentionHeads` does not divide `hiddenSize`.
    public func validate() throws(ConfigurationError) {
      try require("vocab_size", vocabSize, in: 4...10_000_000)
      try require("hidden_size", hiddenSize, in: ConfigurationLimit.channels)
      try require("num_hidden_layers", numHiddenLayers, in: ConfigurationLimit.layers)
      try require("num_attention_heads", numAttentionHeads, in: ConfigurationLimit.channels)
      try require("hidden_size", hiddenSize, multipleOf: numAttentionHeads, "num_attention_heads")
      try require("intermediate_size", intermediateSize, in: 1...1_000_000)
      try require("max_position_embeddings", maxPositionEmbeddings, in: 3...1_000_000)
      try require("type_vocab_size", typeVocabSize, in: 1...1000)
      try require("layer_norm_eps", layerNormEps, in: ConfigurationLimit.epsilon)
    }

    /// Elements of the embedding tables and of the layers' matrices.
    public var weightCount: Int {
      (vocabSize + maxPositionEmbeddings + typeVocabSize) * hiddenSize
        + numHiddenLayers * hiddenSize * (4 * hiddenSize + 2 * intermediateSize)
    }
  }

  let embeddings: BertEmbeddings
  let encoder: BertLayers
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    self.configuration = configuration
    embeddings = BertEmbeddings(configuration, initial)
    encoder = BertLayers(configuration, initial)
  }

  /// All hidden states, starting with the embedding layer's: layers + 1 tensors `[B, N, width]`.
  ///
  /// - Parameters:
  ///   - ids: `[B, N]` int64.
  ///   - mask: `[B, N]`, 1 at tokens.
  public func callAsFunction(_ ids: Tensor, mask: Tensor) -> [Tensor] {
    let (B, N) = ids.shape2
    let attend = (mask .> 0.5).reshaped([B, 1, 1, N])
    var states = [embeddings(ids)]
    for layer in encoder.layer { states.append(layer(states[states.count - 1], attend)) }
    return states
  }
}

final class BertEmbeddings: Module {
  let wordEmbeddings: Embedding
  let positionEmbeddings: Embedding
  let tokenTypeEmbeddings: Embedding
  let LayerNorm: NN.LayerNorm

  init(_ c: TextEncoder.Configuration, _ initial: Initializer) {
    wordEmbeddings = Embedding(count: c.vocabSize, width: c.hiddenSize, initial)
    positionEmbeddings = Embedding(count: c.maxPositionEmbeddings, width: c.hiddenSize, initial)
    tokenTypeEmbeddings = Embedding(count: c.typeVocabSize, width: c.hiddenSize, initial)
    LayerNorm = NN.LayerNorm(c.hiddenSize, eps: c.layerNormEps)
  }

  func callAsFunction(_ ids: Tensor) -> Tensor {
    let length = ids.shape[1]
    let positions = positionEmbeddings.weight[0..<length].unsqueezed(0)  // [1, N, width]
    return LayerNorm(wordEmbeddings(ids) + positions + tokenTypeEmbeddings.weight[0])
  }
}

final class BertLayers: Module {
  let layer: [BertLayer]
  init(_ c: TextEncoder.Configuration, _ initial: Initializer) {
    layer = (0..<c.numHiddenLayers).map { _ in BertLayer(c, initial) }
  }
}

/// Attention, then a feed-forward layer, each with a residual connection and post-normalization.
final class BertLayer: Module {
  let attention: BertAttention
  let intermediate: BertDense
  let output: BertOutput
  let activation: Activation

  init(_ c: TextEncoder.Configuration, _ initial: Initializer) {
    attention = BertAttention(c, initial)
    intermediate = BertDense(in: c.hiddenSize, out: c.intermediateSize, initial)
    output = BertOutput(in: c.intermediateSize, out: c.hiddenSize, eps: c.layerNormEps, initial)
    activation = c.hiddenAct
  }

  func callAsFunction(_ input: Tensor, _ attend: Tensor) -> Tensor {
    let x = attention(input, attend)
    return output(activation(intermediate.dense(x)), residual: x)
  }
}

final class BertAttention: Module {
  let self_: BertSelfAttention
  let output: BertOutput

  init(_ c: TextEncoder.Configuration, _ initial: Initializer) {
    self_ = BertSelfAttention(c, initial)
    output = BertOutput(in: c.hiddenSize, out: c.hiddenSize, eps: c.layerNormEps, initial)
  }

  func callAsFunction(_ x: Tensor, _ attend: Tensor) -> Tensor { output(self_(x, attend), residual: x) }
}

final class BertSelfAttention: Module {
  let query: Linear
  let key: Linear
  let value: Linear
  let heads: Int

  init(_ c: TextEncoder.Configuration, _ initial: Initializer) {
    query = Linear(in: c.hiddenSize, out: c.hiddenSize, initial)
    key = Linear(in: c.hiddenSize, out: c.hiddenSize, initial)
    value = Linear(in: c.hiddenSize, out: c.hiddenSize, initial)
    heads = c.numAttentionHeads
  }

  func callAsFunction(_ x: Tensor, _ attend: Tensor) -> Tensor {
    Tensor.multiHeadAttention(query(x), key(x), value(x), heads: heads, attend: attend)
  }
}

final class BertDense: Module {
  let dense: Linear
  init(in inputs: Int, out outputs: Int, _ initial: Initializer) {
    dense = Linear(in: inputs, out: outputs, initial)
  }
}

final class BertOutput: Module {
  let dense: Linear
  let LayerNorm: NN.LayerNorm

  init(in inputs: Int, out outputs: Int, eps: Double, _ initial: Initializer) {
    dense = Linear(in: inputs, out: outputs, initial)
    LayerNorm = NN.LayerNorm(outputs, eps: eps)
  }

  func callAsFunction(_ x: Tensor, residual: Tensor) -> Tensor { LayerNorm(dense(x) + residual) }
}
