import Foundation

/// CLIP's tokenizer (Radford et al., 2021): byte pairs of words in lower case, with the ids of transformers'
/// `CLIPTokenizer`.
public struct CLIPTokenizer: PromptTokenizer {
  /// A word of a text with the ids of its pieces.
  public struct Word: Sendable, Equatable {
    /// The word as typed: letters with a contraction, digits, a run of other characters, or an added token.
    public var text: String
    /// The ids of its pieces.
    public var ids: [Int32]
    /// False where the vocabulary lacks a byte of the word, which became `<|endoftext|>`.
    public var isKnown: Bool
  }

  /// The piece that begins a sequence.
  public static let start = "<|startoftext|>"
  /// The piece that ends a sequence, and pads it unless the files name another.
  public static let end = "<|endoftext|>"
  /// Ids of a sequence that CLIP's text model has positions for.
  public static let length = 77

  let pairs: BytePairs
  private let added: AddedTokens
  /// Id of `<|startoftext|>`.
  public let startID: Int32
  /// Id of `<|endoftext|>`.
  public let endID: Int32
  /// Id that fills a sequence up: that of `<|endoftext|>`, or 0 with the files of Stable Diffusion 2.
  public let padID: Int32

  /// Reads a directory with `tokenizer.json`, or `vocab.json` and `merges.txt`, or open_clip's
  /// `bpe_simple_vocab_16e6.txt`.
  ///
  /// The piece that pads is that of `special_tokens_map.json` or `tokenizer_config.json`. As in transformers it is
  /// found in a text before that is split: with `!` for padding, as in Stable Diffusion 2, every `!` of it is id 0.
  ///
  /// `pad` is the piece that pads in place of that of the files: models of Stable Diffusion share a vocabulary, not its
  /// padding. Throws a sentence if files are missing or damaged, or if they are those of another kind of tokenizer.
  public init(directory: URL, pad: String? = nil) throws(TokenizerError) {
    try self.init(CLIPTokenizerFiles(directory, pad: pad))
  }

  init(_ files: CLIPTokenizerFiles) throws(TokenizerError) {
    var pairs = try BytePairs(vocabulary: files.vocabulary, merges: files.merges, file: files.file)
    var tokens: [AddedTokens.Token] = []
    for (piece, given, isNormalized) in files.added {
      guard let id = pairs.ids[.init(piece)] ?? given.flatMap(Int32.init(exactly:)) else {
        throw .invalid(file: files.file, reason: "the vocabulary has no piece \"\(piece)\"")
      }
      if let given, given != Int(id) {
        throw .invalid(file: files.file, reason: "the added token \"\(piece)\" has id \(given), expected \(id)")
      }
      guard (0...BytePairs.idLimit).contains(id) else {
        throw .invalid(
          file: files.file, reason: "the added token \"\(piece)\" has id \(id), expected 0 to \(BytePairs.idLimit)")
      }
      try pairs.add(piece, id: id, file: files.file)
      tokens.append(AddedTokens.Token(piece: piece, id: id, isNormalized: isNormalized))
    }
    func id(_ piece: String) throws(TokenizerError) -> Int32 {
      if let id = pairs.ids[.init(piece)] { return id }
      throw .invalid(file: files.file, reason: "the vocabulary has no piece \"\(piece)\"")
    }
    (startID, endID, padID) = (try id(Self.start), try id(Self.end), try id(files.pad))
    self.pairs = pairs
    added = AddedTokens(tokens)
  }

  public var count: Int { pairs.pieces.count }

  /// Splits a text into pieces, truncated to `maxLength` ids with `<|startoftext|>` and `<|endoftext|>`.
  public func encode(_ text: String, maxLength: Int? = Self.length) -> TokenEncoding {
    let limit = max(maxLength ?? .max, 2) - 1  // room for the end
    var ids = [startID]
    var (dropped, unknown): ([String], [String]) = ([], [])
    for word in words(of: text) {
      let room = limit - ids.count
      ids += word.ids.prefix(room)
      if word.ids.count > room {
        dropped.append(word.text)
      } else if !word.isKnown {
        unknown.append(word.text)
      }
    }
    ids.append(endID)
    return TokenEncoding(ids: ids, pieces: ids.map { pairs.pieces[Int($0)] }, dropped: dropped, unknown: unknown)
  }

  /// The words of a text of any length, without the pieces that begin and end a sequence.
  ///
  /// Their ids in a row are what `encode` has between the two ends.
  public func words(of text: String) -> [Word] {
    let scalars = Array(text.unicodeScalars)
    func typed(_ range: Range<Int>) -> String {
      var view = String.UnicodeScalarView()
      view.append(contentsOf: scalars[range])
      return String(view)
    }
    var words: [Word] = []
    for part in added.split(scalars) {
      switch part {
      case .token(let token, let source):
        words.append(Word(text: typed(source), ids: [token.id], isKnown: true))
      case .text(let text):
        var group: [CLIPWordSplitter.Word] = []
        func flush() {
          guard let first = group.first, let last = group.last else { return }
          let ids = group.flatMap { pairs.ids(of: $0.bytes) }
          words.append(
            Word(
              text: typed(first.source.lowerBound..<last.source.upperBound), ids: ids.map { $0 ?? endID },
              isKnown: !ids.contains(nil)))
          group = []
        }
        for word in CLIPWordSplitter.words(text) {
          if !(word.continues(group.last)) { flush() }
          group.append(word)
        }
        flush()
      }
    }
    return words
  }

  /// The text of ids, in lower case, with a space after each word and without `<|startoftext|>`, `<|endoftext|>` and
  /// padding.
  public func decode(_ ids: [Int32]) -> String {
    pairs.text(of: ids.lazy.filter { ![startID, endID, padID].contains($0) })
  }
}

extension CLIPWordSplitter.Word {
  /// Whether people read this and the word before as one: "it" and "'s", or the digits of a number.
  fileprivate func continues(_ previous: Self?) -> Bool {
    guard followsAnother, let previous else { return false }
    return kind == .digit ? previous.kind == .digit : kind == .contraction && previous.kind == .letters
  }
}
