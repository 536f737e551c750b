import Foundation

/// BERT's uncased WordPiece tokenizer (Schuster & Nakajima 2012; Devlin et al., 2018), with the ids of Hugging Face's
/// `tokenizers`.
public struct WordPieceTokenizer: PromptTokenizer {
  /// `[CLS]`, the pieces, `[SEP]`; `##` marks pieces that continue a word, and unknown words became `[UNK]`.
  public typealias Encoding = TokenEncoding

  private let vocabulary: Vocabulary
  /// Id of `[PAD]`, which pads the sequences of a batch to equal length.
  public let padID: Int32
  /// Id of `[UNK]`, which stands for a word that the vocabulary has no pieces for.
  public let unkID: Int32
  /// Id of `[CLS]`, which begins a sequence.
  public let clsID: Int32
  /// Id of `[SEP]`, which ends a sequence.
  public let sepID: Int32

  /// Words of more characters than this become `[UNK]`, as in the reference.
  private static let longestWord = 100
  private static let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

  /// Reads a `vocab.txt`.
  public init(vocabulary url: URL) throws(TokenizerError) {
    let vocabulary = try Vocabulary(url)
    self.vocabulary = vocabulary
    func id(_ piece: String) -> Int32 { vocabulary.ids[Array(piece.utf8)]! }  // checked by Vocabulary
    (padID, unkID, clsID, sepID) = (id("[PAD]"), id("[UNK]"), id("[CLS]"), id("[SEP]"))
  }

  /// Number of pieces in the vocabulary: ids are below it.
  public var count: Int { vocabulary.pieces.count }

  /// Splits a text into pieces, truncated to `maxLength` ids with `[CLS]` and `[SEP]`.
  public func encode(_ text: String, maxLength: Int? = nil) -> Encoding {
    let limit = max(maxLength ?? .max, 2) - 1  // room for [SEP]
    var ids = [clsID]
    var (dropped, unknown): ([String], [String]) = ([], [])
    for part in Self.splitSpecials(text) {
      switch part {
      case .special(let piece):
        if ids.count < limit {
          ids.append(vocabulary.ids[Array(piece.utf8)] ?? unkID)
        } else {
          dropped.append(piece)
        }
      case .text(let scalars):
        for word in WordSplitter.words(scalars) {
          let pieces = pieces(of: word.scalars)
          let room = limit - ids.count
          ids += pieces.prefix(room)
          guard pieces.count > room || pieces == [unkID] else { continue }
          var typed = String.UnicodeScalarView()
          typed.append(contentsOf: scalars[word.source])
          if pieces.count > room {
            dropped.append(String(typed))
          } else {
            unknown.append(String(typed))
          }
        }
      }
    }
    ids.append(sepID)
    return Encoding(ids: ids, pieces: ids.map { vocabulary.pieces[Int($0)] }, dropped: dropped, unknown: unknown)
  }

  /// The text of ids, without special pieces and with the pieces of words joined.
  public func decode(_ ids: [Int32]) -> String {
    var text = ""
    for id in ids where vocabulary.pieces.indices.contains(Int(id)) && ![padID, clsID, sepID].contains(id) {
      let piece = vocabulary.pieces[Int(id)]
      // Scalars, not characters: "#" and a combining mark after it are one character.
      if piece.unicodeScalars.starts(with: "##".unicodeScalars) {
        text.unicodeScalars.append(contentsOf: piece.unicodeScalars.dropFirst(2))
      } else {
        text += (text.isEmpty ? "" : " ") + piece
      }
    }
    return text
  }

  /// Greedy: repeatedly takes the longest piece that matches; `[UNK]` if a word cannot be split into pieces.
  private func pieces(of word: [Unicode.Scalar]) -> [Int32] {
    if word.count > Self.longestWord { return [unkID] }
    let utf8 = word.map { Array(String($0).utf8) }
    var result: [Int32] = []
    var start = 0
    while start < utf8.count {
      var end = utf8.count
      var bytes = (start > 0 ? Array("##".utf8) : []) + utf8[start...].joined()
      var found: Int32?
      while end > start {
        if let id = vocabulary.ids[bytes] {
          found = id
          break
        }
        end -= 1
        bytes.removeLast(utf8[end].count)
      }
      guard let id = found else { return [unkID] }
      result.append(id)
      start = end
    }
    return result
  }

  private enum Part {
    case text([Unicode.Scalar])
    case special(String)
  }

  /// Special pieces such as `[SEP]` in the text are single pieces; they are found before normalization.
  private static func splitSpecials(_ text: String) -> [Part] {
    let scalars = Array(text.unicodeScalars)
    guard scalars.contains("[") else { return [.text(scalars)] }
    var parts: [Part] = []
    var pending: [Unicode.Scalar] = []
    var index = 0
    while index < scalars.count {
      let match =
        scalars[index] == "[" ? specials.first { scalars[index...].starts(with: $0.unicodeScalars) } : nil
      if let match {
        if !pending.isEmpty { parts.append(.text(pending)) }
        pending = []
        parts.append(.special(match))
        index += match.unicodeScalars.count
      } else {
        pending.append(scalars[index])
        index += 1
      }
    }
    if !pending.isEmpty { parts.append(.text(pending)) }
    return parts
  }
}
