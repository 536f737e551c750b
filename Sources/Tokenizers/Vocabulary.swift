import Foundation

/// An error in a vocabulary.
public enum TokenizerError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file does not exist or is not UTF-8 text.
  case unreadable(file: String)
  /// A piece occurs twice; `line` is that of its repetition, counted from 1.
  case duplicate(file: String, piece: String, line: Int)
  /// The file lacks one of `[PAD]`, `[UNK]`, `[CLS]` and `[SEP]`.
  case missing(file: String, piece: String)
  /// A file of CLIP's tokenizer cannot be used; `reason` says what is wrong with it.
  case invalid(file: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let file): "cannot read the vocabulary \(file): it does not exist or is not UTF-8 text"
    case .duplicate(let file, let piece, let line): "\(file): line \(line) repeats the piece \"\(piece)\""
    case .missing(let file, let piece): "\(file) has no piece \"\(piece)\", which BERT needs"
    case .invalid(let file, let reason): "\(file): \(reason)"
    }
  }
}

/// The pieces that words are split into: line k of `vocab.txt` has id k.
struct Vocabulary: Sendable {
  let pieces: [String]
  let ids: [[UInt8]: Int32]  // keyed by UTF-8, so that lookups need no Unicode comparison

  init(_ url: URL) throws(TokenizerError) {
    guard let data = FileManager.default.contents(atPath: url.path),
      let text = String(data: data, encoding: .utf8)
    else {
      throw .unreadable(file: url.path)
    }
    // Bytes, not characters: "\r\n" is one Character and some lines contain lone combining marks.
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
      Array($0)
    }
    if lines.last?.isEmpty == true { lines.removeLast() }
    var ids: [[UInt8]: Int32] = [:]
    ids.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      let piece = line.last == UInt8(ascii: "\r") ? Array(line.dropLast()) : line
      lines[index] = piece
      if ids.updateValue(Int32(index), forKey: piece) != nil {
        throw .duplicate(file: url.path, piece: String(decoding: piece, as: UTF8.self), line: index + 1)
      }
    }
    for special in ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] where ids[Array(special.utf8)] == nil {
      throw .missing(file: url.path, piece: special)
    }
    pieces = lines.map { String(decoding: $0, as: UTF8.self) }
    self.ids = ids
  }
}
