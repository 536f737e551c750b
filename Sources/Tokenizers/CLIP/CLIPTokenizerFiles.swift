import Foundation
import Support

/// The files of CLIP's tokenizer: the vocabulary and its merges, and the tokens that have a part of their own.
struct CLIPTokenizerFiles {
  let vocabulary: [(piece: String, id: Int)]
  let merges: [(String, String)]
  /// The file of the merges, for messages.
  let file: String
  /// Tokens that are found in a text as they are; `id` is nil where the vocabulary has it.
  private(set) var added: [(piece: String, id: Int?, isNormalized: Bool)] = []
  /// The piece that pads.
  private(set) var pad = CLIPTokenizer.end

  /// The list of open_clip, whose first 48,894 merges are CLIP's.
  static let listName = "bpe_simple_vocab_16e6.txt"
  /// Number of merges of CLIP's vocabulary; the list has more.
  static let listMerges = 49_152 - 256 - 2

  /// Reads `tokenizer.json`, or `vocab.json` beside `merges.txt`, or open_clip's list, the first that there is.
  init(_ directory: URL, listMerges: Int = Self.listMerges, pad: String? = nil) throws(TokenizerError) {
    func file(_ name: String) -> URL { directory.appendingPathComponent(name) }
    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name).path) }
    var document: JSONValue?
    if exists("tokenizer.json") {
      let table = try Self.json(file("tokenizer.json"))
      (vocabulary, merges) = try Self.model(of: table, file("tokenizer.json").path)
      self.file = file("tokenizer.json").path
      document = table
    } else if exists("vocab.json") || exists("merges.txt") {
      vocabulary = try Self.vocabulary(Self.json(file("vocab.json")), file("vocab.json").path)
      merges = try Self.merges(Self.lines(file("merges.txt")), from: file("merges.txt").path)
      self.file = file("merges.txt").path
    } else if exists(Self.listName) {
      let list = file(Self.listName)
      merges = try Self.merges(Self.lines(list, first: listMerges + 1), from: list.path)
      if merges.count < listMerges {
        throw .invalid(file: list.path, reason: "it has \(merges.count) merges, expected at least \(listMerges)")
      }
      let pieces = BytePairs.bytePieces + merges.map { $0.0 + $0.1 } + [CLIPTokenizer.start, CLIPTokenizer.end]
      vocabulary = pieces.enumerated().map { ($1, $0) }
      self.file = list.path
    } else {
      throw .invalid(
        file: directory.path,
        reason: "there is no tokenizer.json, no vocab.json with merges.txt and no \(Self.listName)")
    }
    try readSpecials(directory, document)
    guard let pad else { return }
    add(pad, nil, false)
    self.pad = pad
  }

  /// The named tokens and the added ones, with the precedence of transformers.
  private mutating func readSpecials(_ directory: URL, _ document: JSONValue?) throws(TokenizerError) {
    func optional(_ name: String) throws(TokenizerError) -> (table: JSONValue, file: String)? {
      let url = directory.appendingPathComponent(name)
      return FileManager.default.fileExists(atPath: url.path) ? (try Self.json(url), url.path) : nil
    }
    let config = try optional("tokenizer_config.json")
    // `special_tokens_map.json` is older than the list of added tokens in the configuration, which replaced it.
    let isRecent = config?.table["added_tokens_decoder"] != nil
    let map = isRecent ? nil : try optional("special_tokens_map.json")
    let defaults = [
      "bos_token": CLIPTokenizer.start, "eos_token": CLIPTokenizer.end, "unk_token": CLIPTokenizer.end,
      "pad_token": CLIPTokenizer.end,
    ]
    for (key, piece) in defaults.sorted(by: { $0.key < $1.key }) {
      let given = [map, config].compactMap { $0 }.first { $0.table[key].map { !$0.isNull } ?? false }
      let token = try given.map { source throws(TokenizerError) in
        try Self.token(source.table[key] ?? .null, key, source.file)
      }
      add(token?.piece ?? piece, nil, token?.isNormalized ?? false)
      if key == "pad_token" { pad = token?.piece ?? piece }
    }
    if isRecent, let config {
      for (id, value) in config.table["added_tokens_decoder"]?.fields ?? [] {
        let token = try Self.token(value, "added_tokens_decoder.\(id)", config.file)
        add(token.piece, Int(id), token.isNormalized)
      }
    } else if let list = document?["added_tokens"]?.array {
      for (index, value) in list.enumerated() {
        let token = try Self.token(value, "added_tokens[\(index)]", file)
        add(token.piece, value["id"]?.int, token.isNormalized)
      }
    }
    if let more = isRecent ? nil : try optional("added_tokens.json") {
      for (piece, id) in more.table.fields ?? [] where !added.contains(where: { $0.piece == piece }) {
        add(piece, id.int, true)
      }
    }
  }

  private mutating func add(_ piece: String, _ id: Int?, _ isNormalized: Bool) {
    added.removeAll { $0.piece == piece }
    added.append((piece, id, isNormalized))
  }

  /// A token as text or as an object with the text and how it is looked for.
  private static func token(
    _ value: JSONValue, _ key: String, _ file: String
  ) throws(TokenizerError) -> (piece: String, isNormalized: Bool) {
    if let piece = value.string { return (piece, false) }
    guard let piece = value["content"]?.string else {
      throw .invalid(file: file, reason: "\(key) is neither text nor an object with \"content\"")
    }
    for option in ["lstrip", "rstrip", "single_word"] {
      if case .bool(true) = value[option] ?? .null {
        throw .invalid(
          file: file, reason: "\(key).\(option) is true, expected false, the only value that Flux supports")
      }
    }
    if case .bool(true) = value["normalized"] ?? .null { return (piece, true) }
    return (piece, false)
  }

  /// The vocabulary and the merges of a `tokenizer.json`.
  private static func model(
    of table: JSONValue, _ file: String
  ) throws(TokenizerError) -> ([(piece: String, id: Int)], [(String, String)]) {
    guard let model = table["model"], model.fields != nil else {
      throw .invalid(file: file, reason: "it has no object \"model\"")
    }
    for (key, expected) in [("type", "BPE"), ("end_of_word_suffix", BytePairs.suffix)]
    where model[key]?.string != expected {
      throw .invalid(
        file: file,
        reason:
          "model.\(key) is \(model[key]?.string.map { "\"\($0)\"" } ?? "missing"), expected \"\(expected)\" as in CLIP")
    }
    guard let list = model["merges"]?.array else { throw .invalid(file: file, reason: "model.merges is not a list") }
    var merges: [(String, String)] = []
    merges.reserveCapacity(list.count)
    for (index, entry) in list.enumerated() {
      let parts = entry.array?.map { $0.string ?? "" } ?? entry.string.map(words) ?? []
      guard parts.count == 2, !parts.contains("") else {
        throw .invalid(file: file, reason: "model.merges[\(index)] is not a pair of pieces")
      }
      merges.append((parts[0], parts[1]))
    }
    return (try vocabulary(model["vocab"] ?? .null, file), merges)
  }

  /// Pieces with their ids.
  private static func vocabulary(
    _ table: JSONValue, _ file: String
  ) throws(TokenizerError) -> [(piece: String, id: Int)] {
    guard let fields = table.fields else {
      throw .invalid(file: file, reason: "the vocabulary is not an object of pieces with their ids")
    }
    var vocabulary: [(piece: String, id: Int)] = []
    vocabulary.reserveCapacity(fields.count)
    for (piece, value) in fields {
      guard let id = value.int else {
        throw .invalid(file: file, reason: "the id of \"\(piece)\" is not a whole number")
      }
      vocabulary.append((piece, id))
    }
    return vocabulary
  }

  /// The pairs of a list with one on each line, after a first line with the version.
  private static func merges(
    _ lines: [Substring.UTF8View], from file: String
  ) throws(TokenizerError) -> [(String, String)] {
    var merges: [(String, String)] = []
    merges.reserveCapacity(lines.count)
    for (index, line) in lines.enumerated() {
      let text = String(Substring(line))
      if index == 0, text.contains("#version") { continue }
      let parts = words(text.hasSuffix("\r") ? String(text.dropLast()) : text)
      guard parts.count == 2, !parts.contains("") else {
        throw .invalid(file: file, reason: "line \(index + 1) is not a pair of pieces")
      }
      merges.append((parts[0], parts[1]))
    }
    return merges
  }

  private static func words(_ line: String) -> [String] {
    line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false).map { String(Substring($0)) }
  }

  /// The first lines of a text file, without an empty one at the end.
  private static func lines(_ url: URL, first count: Int = .max - 1) throws(TokenizerError) -> [Substring.UTF8View] {
    guard let text = String(validating: try bytes(url), as: UTF8.self) else { throw .unreadable(file: url.path) }
    // Bytes, not characters: "\r\n" is one Character.
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), maxSplits: count, omittingEmptySubsequences: false)
    if lines.count > count || lines.last?.isEmpty == true { lines.removeLast() }
    return lines
  }

  private static func json(_ url: URL) throws(TokenizerError) -> JSONValue {
    guard let value = JSONValue(try bytes(url)), value.fields != nil else {
      throw .invalid(file: url.path, reason: "it is not a JSON object")
    }
    return value
  }

  private static func bytes(_ url: URL) throws(TokenizerError) -> [UInt8] {
    do {
      return try FileSlice(path: url.path).read(limit: 1 << 26)
    } catch { throw .unreadable(file: url.path) }
  }
}
