import Models
import NN
import Tokenizers
import Torch

/// Texts as the denoising network reads them, and what to say if they cannot be used.
public struct EncodedTexts {
  /// One row for each text.
  public let rows: TextConditioning
  /// The network whose output is not finite; nil if all is well.
  public let fault: GenerationError.NetworkPart?

  /// Rows with the network that gave NaN or infinity, if one did.
  public init(_ rows: TextConditioning, fault: GenerationError.NetworkPart?) {
    (self.rows, self.fault) = (rows, fault)
  }
}

/// The text networks of a model: prompts to the rows that the denoising network reads.
public protocol PromptConditioner: AnyObject {
  /// The most tokens of a text, with those that begin and end it.
  var maxTokens: Int { get }
  /// The ids that begin and end a text.
  var ends: (first: Int32, last: Int32) { get }
  /// The tokens of a text, cut at `maxLength`, with the words that do not fit and those that the vocabulary lacks.
  func tokens(of text: String, maxLength: Int) -> TokenEncoding
  /// Rows of texts that are ids already, padded to `width` tokens or to the width that the networks require.
  func encode(tokens: [[Int32]], padTo width: Int) -> EncodedTexts
}

/// The text networks of Flux's own models: the pretrained encoder, and the adapter that was trained with the U-Net.
public final class AdaptedPrompts: PromptConditioner {
  /// The tokenizer and the pretrained encoder.
  public let prompts: PromptEncoder
  private let adapter: TextAdapter
  private let device: Device

  /// Joins both; the adapter is on `device`, which may be another than the encoder's.
  public init(_ prompts: PromptEncoder, _ adapter: TextAdapter, device: Device) {
    (self.prompts, self.adapter, self.device) = (prompts, adapter, device)
  }

  public var maxTokens: Int { adapter.configuration.maxTokens }
  public var ends: (first: Int32, last: Int32) { (prompts.tokenizer.clsID, prompts.tokenizer.sepID) }

  public func tokens(of text: String, maxLength: Int) -> TokenEncoding {
    prompts.tokenizer.encode(text, maxLength: maxLength)
  }

  public func encode(tokens: [[Int32]], padTo width: Int) -> EncodedTexts {
    let text = prompts(tokens: tokens, padTo: width)
    let rows = adapter(text.states.to(device), mask: text.mask.to(device))
    guard !rows.allFinite else { return EncodedTexts(rows, fault: nil) }
    return EncodedTexts(rows, fault: text.states.allFinite ? .textAdapter : .textEncoder)
  }
}
