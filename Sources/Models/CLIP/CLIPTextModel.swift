import NN
import Support
import Torch

/// CLIP's text encoder (Radford et al., 2021), with the key names of transformers' `CLIPTextModel` and
/// `CLIPTextModelWithProjection`: the text encoder of Stable Diffusion.
///
/// The activation is `quick_gelu` in OpenAI's models and `gelu` in those of OpenCLIP.
public final class CLIPTextModel: Module {
  /// What the model computes for a batch of texts.
  public struct Output {
    /// The embeddings and the output of every layer: layers + 1 tensors `[B, N, width]`, none of which is normalized.
    public let hiddenStates: [Tensor]
    /// The output of the last layer after the final normalization, `[B, N, width]`.
    public let lastHiddenState: Tensor
    /// The state of the end token, `[B, width]`, or `[B, projectionDim]` from a model with a projection.
    public let pooled: Tensor
  }

  let textModel: CLIPTextTransformer
  let textProjection: Linear?
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
  public init(_ configuration: Configuration, _ initial: Initializer) {
    configuration.checkedOrTrap()
    self.configuration = configuration
    textModel = CLIPTextTransformer(configuration, initial)
    textProjection =
      configuration.isProjected
      ? configuration.projectionDim.map { Linear(in: configuration.hiddenSize, out: $0, bias: false, initial) } : nil
  }

  /// All states of texts of one length; a token attends to itself and to those before it, padding included.
  ///
  /// - Parameter ids: `[B, N]` int64, with N at most `maxPositionEmbeddings`; traps if it is larger.
  public func callAsFunction(_ ids: Tensor) -> Output {
    let states = textModel(ids)
    let last = textModel.finalLayerNorm(states[states.count - 1])
    let rows = endPositions(ids).reshaped([-1, 1, 1]).expanded([ids.shape[0], 1, configuration.hiddenSize])
    let pooled = last.gathered(1, rows).squeezed(1)  // [B, width]
    return Output(hiddenStates: states, lastHiddenState: last, pooled: textProjection?(pooled) ?? pooled)
  }

  /// The context for Stable Diffusion 1 and 2 without the last `layers` layers, `[B, N, width]`, which the final
  /// normalization follows.
  ///
  /// A1111's "Clip skip 2" is `layers: 1`; 0 gives `lastHiddenState`. Traps if the model has fewer layers.
  public func state(of output: Output, skipping layers: Int) -> Tensor {
    guard (0..<output.hiddenStates.count).contains(layers) else {
      fatalError("\(layers) of \(output.hiddenStates.count - 1) layers cannot be skipped")
    }
    return textModel.finalLayerNorm(output.hiddenStates[output.hiddenStates.count - 1 - layers])
  }

  /// The position of each text's end token, `[B]`.
  ///
  /// Configurations of the time before transformers 4.31 have a wrong end token, 2; they mean the largest id.
  private func endPositions(_ ids: Tensor) -> Tensor {
    let end = configuration.eosTokenId ?? 49_407
    return end == 2 ? ids.argmax(dim: 1) : (ids .== Double(end)).to(.int64).argmax(dim: 1)
  }
}

extension CLIPTextModel: ConfiguredModel {
  /// The class of transformers with the same structure and keys; `architectures` tells the two apart.
  public static var className: String { "CLIPTextModel" }
  /// The name that transformers uses: `model.safetensors`.
  public static var weightsName: String { "model" }
  /// The limit of transformers: programs expect a single file.
  public static var shardBytes: Int { 5_000_000_000 }
  /// The entry by which transformers' AutoModel finds its class.
  public static var writtenOptions: [String: String] { ["model_type": "clip_text_model"] }
  /// Files of transformers 5.6 and later may lack the prefix, which all versions read.
  public static var olderKeys: [String: String] { ["text_model.": ""] }

  /// Older files have position ids, and some a projection that `CLIPTextModel` does not use.
  public static func ignores(_ key: String) -> Bool {
    ["text_model.embeddings.position_ids", "embeddings.position_ids", "text_projection.weight"].contains(key)
  }
}

/// Embeddings, layers and the final normalization.
final class CLIPTextTransformer: Module {
  let embeddings: CLIPTextEmbeddings
  let encoder: CLIPLayers
  let finalLayerNorm: LayerNorm

  init(_ c: CLIPTextModel.Configuration, _ initial: Initializer) {
    embeddings = CLIPTextEmbeddings(c, initial)
    encoder = CLIPLayers(c, initial)
    finalLayerNorm = LayerNorm(c.hiddenSize, eps: c.layerNormEps)
  }

  func callAsFunction(_ ids: Tensor) -> [Tensor] {
    let (_, N) = ids.shape2
    let positions = Tensor.arange(0, Double(N), dtype: .int64, device: ids.device)
    let attend = (positions.unsqueezed(0) - positions.unsqueezed(1)) .<= 0  // [N, N], keys along the last dimension
    var states = [embeddings(ids)]
    for layer in encoder.layers { states.append(layer(states[states.count - 1], attend)) }
    return states
  }
}

/// Token and position embeddings.
final class CLIPTextEmbeddings: Module {
  let tokenEmbedding: Embedding
  let positionEmbedding: Embedding

  init(_ c: CLIPTextModel.Configuration, _ initial: Initializer) {
    tokenEmbedding = Embedding(count: c.vocabSize, width: c.hiddenSize, initial)
    positionEmbedding = Embedding(count: c.maxPositionEmbeddings, width: c.hiddenSize, std: 0.01, initial)
  }

  func callAsFunction(_ ids: Tensor) -> Tensor {
    tokenEmbedding(ids) + positionEmbedding.weight.values[0..<ids.shape[1]]
  }
}

/// The list of layers, a part of its own in checkpoints.
final class CLIPLayers: Module {
  let layers: [CLIPLayer]
  init(_ c: CLIPTextModel.Configuration, _ initial: Initializer) {
    layers = (0..<c.numHiddenLayers).map { _ in CLIPLayer(c, initial) }
  }
}

/// Attention, then a feed-forward network, each pre-normalized and with a residual connection.
final class CLIPLayer: Module {
  let layerNorm1: LayerNorm
  let selfAttn: CLIPAttention
  let layerNorm2: LayerNorm
  let mlp: CLIPFeedForward

  init(_ c: CLIPTextModel.Configuration, _ initial: Initializer) {
    layerNorm1 = LayerNorm(c.hiddenSize, eps: c.layerNormEps)
    selfAttn = CLIPAttention(c, initial)
    layerNorm2 = LayerNorm(c.hiddenSize, eps: c.layerNormEps)
    mlp = CLIPFeedForward(c, initial)
  }

  func callAsFunction(_ input: Tensor, _ attend: Tensor) -> Tensor {
    let x = input + selfAttn(layerNorm1(input), attend)
    return x + mlp(layerNorm2(x))
  }
}

/// Multi-head self-attention (Vaswani et al., 2017).
final class CLIPAttention: Module {
  let qProj: Linear
  let kProj: Linear
  let vProj: Linear
  let outProj: Linear
  let heads: Int

  init(_ c: CLIPTextModel.Configuration, _ initial: Initializer) {
    func layer() -> Linear { Linear(in: c.hiddenSize, out: c.hiddenSize, initial) }
    (qProj, kProj, vProj, outProj) = (layer(), layer(), layer(), layer())
    heads = c.numAttentionHeads
  }

  func callAsFunction(_ x: Tensor, _ attend: Tensor) -> Tensor {
    outProj(Tensor.multiHeadAttention(qProj(x), kProj(x), vProj(x), heads: heads, attend: attend))
  }
}

/// Two linear layers around an activation.
final class CLIPFeedForward: Module {
  let fc1: Linear
  let fc2: Linear
  let activation: Activation

  init(_ c: CLIPTextModel.Configuration, _ initial: Initializer) {
    fc1 = Linear(in: c.hiddenSize, out: c.intermediateSize, initial)
    fc2 = Linear(in: c.intermediateSize, out: c.hiddenSize, initial)
    activation = c.hiddenAct
  }

  func callAsFunction(_ x: Tensor) -> Tensor { fc2(activation(fc1(x))) }
}
