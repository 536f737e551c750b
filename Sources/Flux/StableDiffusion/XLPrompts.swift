import Models
import NN
import Support
import Tokenizers
import Torch

/// The text networks of Stable Diffusion XL (Podell et al., 2023): CLIP's text model and a larger one of OpenCLIP.
///
/// The context is the state before the last layer of both, side by side and not normalized; the pooled text is that of the
/// second. Each has a tokenizer: they share a vocabulary, but the second pads with `!`, which has an id of its own there.
public final class XLPrompts: StablePrompts {
  public let tokenizers: [any PromptTokenizer]
  public let encoder: CLIPTextModel
  /// The second text model, which has a projection.
  public let encoder2: CLIPTextModel
  /// Layers before the last one of both text models that are left out.
  public let clipSkip: Int
  public let zeroesEmptyNegative: Bool
  public let parts: [(tokenizer: CLIPTokenizer, encoder: CLIPTextModel)]
  private var device = Device.cpu

  /// Joins tokenizers and text models.
  ///
  /// Throws if a vocabulary is larger than its model's, if the models read texts of different lengths or have too few
  /// layers to skip, or if the second has no projection.
  public init(
    _ first: (CLIPTokenizer, CLIPTextModel), _ second: (CLIPTokenizer, CLIPTextModel), clipSkip: Int = 0,
    zeroesEmptyNegative: Bool = true
  ) throws(ConfigurationError) {
    parts = [first, second]
    tokenizers = [first.0, second.0]
    (encoder, encoder2) = (first.1, second.1)
    (self.clipSkip, self.zeroesEmptyNegative) = (clipSkip, zeroesEmptyNegative)
    for (tokenizer, encoder) in parts { try tokenizer.check(encoder.configuration) }
    let (one, two) = (first.1.configuration, second.1.configuration)
    guard two.isProjected else {
      throw ConfigurationError(
        "architectures", "of a text model without projection", expected: "CLIPTextModelWithProjection in text_encoder_2"
      )
    }
    guard one.maxPositionEmbeddings == two.maxPositionEmbeddings else {
      throw ConfigurationError(
        "max_position_embeddings", two.maxPositionEmbeddings,
        expected: "\(one.maxPositionEmbeddings) as in the first text encoder")
    }
    let last = max(0, min(one.numHiddenLayers, two.numHiddenLayers) - 2)
    guard (0...last).contains(clipSkip) else {
      throw ConfigurationError("clip skip", clipSkip, expected: "0 to \(last)")
    }
  }

  public var maxTokens: Int { encoder.configuration.maxPositionEmbeddings }
  public var contextWidths: [Int] { parts.map(\.encoder.configuration.hiddenSize) }

  public func encode(_ texts: [PromptTokens], padTo width: Int) -> EncodedTexts {
    let outputs = parts.indices.map { part in
      let ids = parts[part].tokenizer.padded(texts.map { $0.ids[part] }, to: maxTokens)
      return parts[part].encoder(ids.to(device))
    }
    let states = outputs.map { $0.hiddenStates[$0.hiddenStates.count - 2 - clipSkip] }
    let rows = TextConditioning(
      context: .cat(states, dim: 2), mask: .ones([texts.count, maxTokens], device: device), pooled: outputs[1].pooled)
    return EncodedTexts(rows, fault: rows.allFinite ? nil : .textEncoder)
  }

  public func move(to device: Device) {
    for part in parts { part.encoder.move(to: device) }
    self.device = device
  }
}
