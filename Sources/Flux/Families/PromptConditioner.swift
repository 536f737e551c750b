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

/// A text as ids: those of each tokenizer that reads it, with the ones that begin and end it.
public struct PromptTokens: Sendable, Equatable {
  /// The ids, in the order of the tokenizers.
  public var ids: [[Int32]]

  /// A text with the given ids for each tokenizer.
  public init(_ ids: [[Int32]]) { self.ids = ids }

  /// The most ids that a tokenizer has.
  public var count: Int { ids.map(\.count).max() ?? 0 }
}

/// The text networks of a model: prompts to the rows that the denoising network reads.
public protocol PromptConditioner: AnyObject {
  /// The most tokens of a text, with those that begin and end it.
  var maxTokens: Int { get }
  /// The tokenizers, which all read every text; people are shown the pieces of the first.
  var tokenizers: [any PromptTokenizer] { get }
  /// Widths of the context's parts, one for each tokenizer.
  var contextWidths: [Int] { get }
  /// Whether the pooled text is the mean of the context; otherwise it is that of a text as a whole.
  var poolsContext: Bool { get }
  /// Whether a text may have several chunks of that length, which are encoded apart and stand one after the other.
  var readsChunks: Bool { get }
  /// Whether an empty negative prompt is a context and pooled text of zeros, and not the empty text.
  var zeroesEmptyNegative: Bool { get }
  /// Rows of texts that are ids already, padded to `width` tokens or to the width that the networks require.
  func encode(_ texts: [PromptTokens], padTo width: Int) -> EncodedTexts
  /// Takes weights that lie in mapped files out of the process's memory, until they are used again.
  func releasePages()
}

extension PromptConditioner {
  public var poolsContext: Bool { false }
  public var readsChunks: Bool { false }
  public var zeroesEmptyNegative: Bool { false }
  public func releasePages() {}

  /// What each tokenizer makes of a text, cut at the most tokens that the model reads.
  func encodings(of text: String) -> [TokenEncoding] {
    tokenizers.map { $0.encode(text, maxLength: maxTokens) }
  }

  /// The ids of a text, cut at the most tokens that the model reads.
  public func ids(of text: String) -> PromptTokens { PromptTokens(encodings(of: text).map(\.ids)) }

  /// The tokens that people are shown, with the words that do not fit into one of the tokenizers.
  public func tokens(of text: String) -> TokenEncoding {
    let all = encodings(of: text)
    var shown = all[0]
    shown.dropped = dropped(from: all)
    return shown
  }

  /// The words of a text that do not fit into one of the tokenizers: what one loses is the end of what another does.
  func dropped(from encodings: [TokenEncoding]) -> [String] {
    encodings.map(\.dropped).max { $0.count < $1.count } ?? []
  }

  /// Rows of negative prompts as guidance leads away from them: zeros for empty ones where the model was trained so.
  public func negatives(_ rows: TextConditioning, of prompts: [String]) -> TextConditioning {
    guard zeroesEmptyNegative, prompts.contains("") else { return rows }
    let kept = Tensor(prompts.map { $0.isEmpty ? 0 : 1 as Float }, shape: [prompts.count, 1]).to(rows.context.device)
    return TextConditioning(
      context: rows.context * kept.unsqueezed(2), mask: rows.mask, pooled: rows.pooled * kept, sizes: rows.sizes,
      guidance: rows.guidance)
  }
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
  public var tokenizers: [any PromptTokenizer] { [prompts.tokenizer] }
  public var contextWidths: [Int] { [adapter.configuration.width] }
  public var poolsContext: Bool { true }

  public func encode(_ texts: [PromptTokens], padTo width: Int) -> EncodedTexts {
    let text = prompts(tokens: texts.map { $0.ids[0] }, padTo: width)
    let rows = adapter(text.states.to(device), mask: text.mask.to(device))
    guard !rows.allFinite else { return EncodedTexts(rows, fault: nil) }
    return EncodedTexts(rows, fault: text.states.allFinite ? .textAdapter : .textEncoder)
  }

  public func releasePages() { prompts.releasePages() }
}
