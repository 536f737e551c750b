import Foundation
import Support

extension CLIPTokenizer {
  /// Writes the vocabulary, its merges and the named tokens as transformers does: `vocab.json`, `merges.txt`,
  /// `special_tokens_map.json` and `tokenizer_config.json`.
  ///
  /// Files that are written so give the same ids. Throws if a file cannot be written.
  public func save(to directory: URL) throws(FileError) {
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch { throw FileError("create", directory.path, errno: EACCES) }
    func write(_ name: String, _ text: String) throws(FileError) {
      try AtomicFile.write(Array(text.utf8), to: directory.appendingPathComponent(name))
    }
    let vocabulary = pairs.pieces.enumerated().filter { !$1.isEmpty }.map { (key: $1, value: JSONValue.int($0)) }
    try write("vocab.json", JSONValue.object(vocabulary).text)
    let lines = ["#version: 0.2"] + pairs.mergedPieces.map { "\($0) \($1)" }
    try write("merges.txt", lines.joined(separator: "\n") + "\n")
    let pad = pairs.pieces[Int(padID)]
    let named = [
      ("bos_token", Self.start), ("eos_token", Self.end), ("pad_token", pad), ("unk_token", Self.end),
    ].map { (key: $0, value: JSONValue.string($1)) }
    try write("special_tokens_map.json", JSONValue.object(named).text + "\n")
    let further: [(key: String, value: JSONValue)] = [
      ("add_prefix_space", false), ("do_lower_case", true), ("model_max_length", .int(Self.length)),
      ("tokenizer_class", "CLIPTokenizer"),
    ]
    try write("tokenizer_config.json", JSONValue.object(further + named).text + "\n")
  }
}
