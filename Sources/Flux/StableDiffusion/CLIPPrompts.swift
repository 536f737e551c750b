import Models
import NN
import Support
import Tokenizers
import Torch

/// The text networks of Stable Diffusion 1 and 2: CLIP's tokenizer and text model.
///
/// Texts always have all 77 positions, and the padding is attended to, as in training.
public final class CLIPPrompts: PromptConditioner {
  /// The tokenizer.
  public let tokenizer: CLIPTokenizer
  /// The text model, into which LoRAs are merged.
  public let encoder: CLIPTextModel
  /// Layers at the end of the text model that are left out.
  public let clipSkip: Int
  private var device = Device.cpu

  /// Joins both; throws if the vocabulary is larger than the model's, or if the model has too few layers to skip.
  public init(_ tokenizer: CLIPTokenizer, _ encoder: CLIPTextModel, clipSkip: Int = 0) throws(ConfigurationError) {
    let configuration = encoder.configuration
    guard tokenizer.count <= configuration.vocabSize else {
      throw ConfigurationError(
        "vocab_size", configuration.vocabSize, expected: "\(tokenizer.count) or more: the tokenizer's")
    }
    guard (0..<configuration.numHiddenLayers).contains(clipSkip) else {
      throw ConfigurationError("clip skip", clipSkip, expected: "0 to \(configuration.numHiddenLayers - 1)")
    }
    (self.tokenizer, self.encoder, self.clipSkip) = (tokenizer, encoder, clipSkip)
  }

  public var maxTokens: Int { encoder.configuration.maxPositionEmbeddings }
  public var ends: (first: Int32, last: Int32) { (tokenizer.startID, tokenizer.endID) }

  public func tokens(of text: String, maxLength: Int) -> TokenEncoding {
    tokenizer.encode(text, maxLength: maxLength)
  }

  public func encode(tokens: [[Int32]], padTo width: Int) -> EncodedTexts {
    let ids = tokens.flatMap {
      $0.map(Int64.init) + [Int64](repeating: Int64(tokenizer.padID), count: maxTokens - $0.count)
    }
    let shape = [tokens.count, maxTokens]
    let output = encoder(Tensor(ids, shape: shape).to(device))
    let context = encoder.state(of: output, skipping: clipSkip)
    let rows = TextConditioning(context: context, mask: .ones(shape, device: device), pooled: output.pooled)
    return EncodedTexts(rows, fault: rows.allFinite ? nil : .textEncoder)
  }

  func move(to device: Device) {
    encoder.move(to: device)
    self.device = device
  }
}
