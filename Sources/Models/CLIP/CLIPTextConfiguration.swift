import NN
import Support

extension CLIPTextModel {
  /// The fields of transformers' `config.json` that CLIP's text model needs.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// The classes of transformers with CLIP's text model.
    public enum Architecture: String, ConfigurationChoice {
      /// The pooled state is that of the end token.
      case plain = "CLIPTextModel"
      /// The pooled state is multiplied by `text_projection`.
      case projected = "CLIPTextModelWithProjection"
    }

    /// The class that the weights belong to, a list of one as in transformers; nil is `CLIPTextModel`.
    public var architectures: [Architecture]?
    /// Number of tokens in the vocabulary.
    public var vocabSize: Int
    /// Width of the hidden states.
    public var hiddenSize: Int
    /// Width of the hidden layer of each feed-forward network.
    public var intermediateSize: Int
    /// Number of transformer layers.
    public var numHiddenLayers: Int
    /// Number of attention heads; divides `hiddenSize`.
    public var numAttentionHeads: Int
    /// Maximum number of tokens.
    public var maxPositionEmbeddings: Int
    /// Number that layer normalization adds to the variance.
    public var layerNormEps: Double
    /// Activation of the feed-forward networks.
    public var hiddenAct: Activation
    /// Width of the projected pooled state; only `projected` models use it.
    public var projectionDim: Int?
    /// Id of the token whose state is pooled, the first of its kind; nil is 49407, and 2 means the largest id.
    public var eosTokenId: Int?
    /// Id of the token that begins a text; not used by the network.
    public var bosTokenId: Int?
    /// Id of the token that fills a text up; not used by the network, and often not that of the tokenizer.
    public var padTokenId: Int?

    /// A configuration of the given sizes; `validate` checks it.
    public init(
      architecture: Architecture = .plain, vocabSize: Int = 49_408, hiddenSize: Int, intermediateSize: Int,
      numHiddenLayers: Int, numAttentionHeads: Int, maxPositionEmbeddings: Int = 77, layerNormEps: Double = 1e-5,
      hiddenAct: Activation, projectionDim: Int? = nil, eosTokenId: Int? = nil, bosTokenId: Int? = nil,
      padTokenId: Int? = nil
    ) {
      architectures = [architecture]
      (self.vocabSize, self.hiddenSize, self.intermediateSize) = (vocabSize, hiddenSize, intermediateSize)
      (self.numHiddenLayers, self.numAttentionHeads) = (numHiddenLayers, numAttentionHeads)
      self.maxPositionEmbeddings = maxPositionEmbeddings
      (self.layerNormEps, self.hiddenAct, self.projectionDim) = (layerNormEps, hiddenAct, projectionDim)
      (self.eosTokenId, self.bosTokenId, self.padTokenId) = (eosTokenId, bosTokenId, padTokenId)
    }

    /// Whether the model has a `text_projection`.
    public var isProjected: Bool { architectures == [.projected] }

    /// Throws if a value is out of range, if `numAttentionHeads` does not divide `hiddenSize`, or without a width for
    /// a projection.
    public func validate() throws(ConfigurationError) {
      if let architectures, architectures.count != 1 {
        throw ConfigurationError("architectures", "a list of \(architectures.count)", expected: "one class")
      }
      try require("vocab_size", vocabSize, in: 3...10_000_000)
      try require("hidden_size", hiddenSize, in: ConfigurationLimit.channels)
      try require("num_hidden_layers", numHiddenLayers, in: ConfigurationLimit.layers)
      try require("num_attention_heads", numAttentionHeads, in: ConfigurationLimit.channels)
      try require("hidden_size", hiddenSize, multipleOf: numAttentionHeads, "num_attention_heads")
      try require("intermediate_size", intermediateSize, in: 1...1_000_000)
      try require("max_position_embeddings", maxPositionEmbeddings, in: 2...1_000_000)
      try require("layer_norm_eps", layerNormEps, in: ConfigurationLimit.epsilon)
      if let projectionDim {
        try require("projection_dim", projectionDim, in: ConfigurationLimit.channels)
      } else if isProjected {
        throw ConfigurationError(
          "projection_dim", "null", expected: "a number, since architectures has CLIPTextModelWithProjection")
      }
    }

    /// Elements of the embedding tables, of the layers' matrices and of the projection.
    public var weightCount: Int {
      (vocabSize + maxPositionEmbeddings + (isProjected ? projectionDim ?? 0 : 0)) * hiddenSize
        + numHiddenLayers * hiddenSize * (4 * hiddenSize + 2 * intermediateSize)
    }
  }
}
