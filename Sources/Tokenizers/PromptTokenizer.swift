/// A tokenizer of a text encoder: prompts to ids.
public protocol PromptTokenizer: Sendable {
  /// Id that pads the sequences of a batch to equal length.
  var padID: Int32 { get }
  /// Size of the vocabulary: ids are below it.
  var count: Int { get }
  /// Splits a text into pieces, truncated to `maxLength` ids with those that begin and end a sequence.
  func encode(_ text: String, maxLength: Int?) -> TokenEncoding
  /// The text of ids, without the pieces that begin, end and pad a sequence.
  func decode(_ ids: [Int32]) -> String
}

/// An encoded prompt, the input of a text encoder.
public struct TokenEncoding: Sendable, Equatable {
  /// The piece that begins a sequence, those of the text, the piece that ends it; no padding.
  public var ids: [Int32]
  /// The pieces as the vocabulary spells them.
  ///
  /// WordPiece marks pieces that continue a word with `##`; CLIP marks those that end one with `</w>`.
  public var pieces: [String]
  /// Words of the text, as typed, that were completely or partly truncated at the limit.
  public var dropped: [String]
  /// Words of the text, as typed, for which the vocabulary has no pieces.
  public var unknown: [String]
}
