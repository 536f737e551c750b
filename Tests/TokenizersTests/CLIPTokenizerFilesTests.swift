import Foundation
import TestSupport
import Testing

@testable import Tokenizers

@Suite struct CLIPTokenizerFilesTests {
  private let toy = CLIPVocabulary.toy.folder

  /// What `CLIPTokenizer` says of a folder with these files, with `DIR` for its path; nil if it reads them.
  private func refusal(_ files: [String: String]) throws -> String? {
    try Project.inTemporaryFolder { folder in
      for (name, text) in files {
        try Data(text.utf8).write(to: folder.appendingPathComponent(name))
      }
      do {
        _ = try CLIPTokenizer(directory: folder)
        return nil
      } catch { return "\(error)".replacingOccurrences(of: folder.path, with: "DIR") }
    }
  }

  private func text(_ name: String) throws -> String {
    try String(contentsOf: toy.appendingPathComponent(name), encoding: .utf8)
  }

  /// The toy's files, changed.
  private func refusal(
    vocabulary: (String) -> String = { $0 }, merges: (String) -> String = { $0 }, also: [String: String] = [:]
  ) throws -> String? {
    var files = try ["vocab.json": vocabulary(text("vocab.json")), "merges.txt": merges(text("merges.txt"))]
    files.merge(also) { $1 }
    return try refusal(files)
  }

  private func changed(_ old: String, _ new: String) -> (String) -> String {
    { $0.replacingOccurrences(of: old, with: new) }
  }

  /// The toy as transformers writes a `tokenizer.json`.
  private func document(
    pairs: Bool, suffix: String = "</w>", type: String = "BPE", added: String = "[]"
  ) throws -> String {
    let merges = try text("merges.txt").split(separator: "\n").dropFirst().map { line in
      let parts = try line.split(separator: " ").map {
        String(decoding: try JSONEncoder().encode(String($0)), as: UTF8.self)
      }
      return pairs ? "[\(parts[0]), \(parts[1])]" : "\(parts[0].dropLast()) \(parts[1].dropFirst())"
    }.joined(separator: ", ")
    return """
      {"added_tokens": \(added), "model": {"type": "\(type)", "end_of_word_suffix": "\(suffix)",
       "vocab": \(try text("vocab.json")), "merges": [\(merges)]}}
      """
  }

  @Test(arguments: [true, false]) func aTokenizerJSONIsReadAsTheTwoFiles(_ pairs: Bool) throws {
    try Project.inTemporaryFolder { folder in
      try Data(document(pairs: pairs).utf8).write(to: folder.appendingPathComponent("tokenizer.json"))
      let (one, two) = (try CLIPTokenizer(directory: folder), try CLIPTokenizer(directory: toy))
      #expect(one.count == two.count)
      for text in RandomText.texts(50, seed: 3) {
        #expect(one.encode(String(scalars: text)) == two.encode(String(scalars: text)))
      }
    }
  }

  @Test func theListOfOpenCLIPGivesTheSameVocabulary() throws {
    try Project.inTemporaryFolder { folder in
      let list = try text("merges.txt").replacingOccurrences(of: "#version: 0.2", with: "\"x.txt#version: 0.2")
      let file = folder.appendingPathComponent(CLIPTokenizerFiles.listName)
      try Data((list + "z z\nz z\n").utf8).write(to: file)  // of which only so many are read
      let (one, two) = (
        try CLIPTokenizer(CLIPTokenizerFiles(folder, listMerges: 300)), try CLIPTokenizer(directory: toy)
      )
      #expect(one.count == two.count && one.startID == two.startID && one.endID == two.endID)
      #expect(one.encode("A red apple, it's ☃") == two.encode("A red apple, it's ☃"))
      let error = #expect(throws: TokenizerError.self) { _ = try CLIPTokenizer(directory: folder) }
      #expect(error?.description == "\(file.path): it has 302 merges, expected at least 48894")
    }
  }

  @Test func theEndsOfLinesMayBeThoseOfWindows() throws {
    #expect(try refusal(merges: changed("\n", "\r\n")) == nil)
    #expect(try refusal(merges: { String($0.dropLast()) }) == nil)
  }

  @Test func whatIsMissingIsNamed() throws {
    #expect(
      try refusal([:])
        == "DIR: there is no tokenizer.json, no vocab.json with merges.txt and no bpe_simple_vocab_16e6.txt")
    #expect(
      try refusal(["vocab.json": text("vocab.json")])
        == "cannot read the vocabulary DIR/merges.txt: it does not exist or is not UTF-8 text")
    #expect(
      try refusal(["merges.txt": text("merges.txt")])
        == "cannot read the vocabulary DIR/vocab.json: it does not exist or is not UTF-8 text")
    #expect(
      try refusal(vocabulary: changed("<|startoftext|>", "<s>"))
        == "DIR/merges.txt: the vocabulary has no piece \"<|startoftext|>\"")
    #expect(
      try refusal(also: ["special_tokens_map.json": #"{"pad_token": "[PAD]"}"#])
        == "DIR/merges.txt: the vocabulary has no piece \"[PAD]\"")
  }

  @Test func damagedVocabulariesAreRefused() throws {
    #expect(try refusal(vocabulary: { String($0.dropLast()) }) == "DIR/vocab.json: it is not a JSON object")
    #expect(try refusal(vocabulary: { _ in "[]" }) == "DIR/vocab.json: it is not a JSON object")
    #expect(
      try refusal(vocabulary: changed("\"a\": 64", "\"a\": 64.5"))
        == "DIR/vocab.json: the id of \"a\" is not a whole number")
    #expect(
      try refusal(vocabulary: changed("\"a\": 64", "\"a\": -1"))
        == "DIR/merges.txt: the id of \"a\" is -1, expected 0 to 1000000")
    #expect(
      try refusal(vocabulary: changed("\"a\": 64", "\"a\": 9000000000"))
        == "DIR/merges.txt: the id of \"a\" is 9000000000, expected 0 to 1000000")
    #expect(
      try refusal(vocabulary: changed("\"b\": 65", "\"b\": 64"))
        == "DIR/merges.txt: \"a\" and \"b\" have the same id, 64")
    #expect(
      try refusal(vocabulary: changed("\"b\": 65", "\"a\": 65"))
        == "DIR/merges.txt: the vocabulary has the piece \"a\" twice")
  }

  @Test func damagedMergesAreRefused() throws {
    #expect(
      try refusal(vocabulary: changed("\"in\": 512", "\"xx\": 512"))
        == "DIR/merges.txt: merge 1, \"i n\", needs \"in\", which the vocabulary lacks")
    #expect(
      try refusal(merges: changed("\ne d</w>\n", "\n☃ d</w>\n"))
        == "DIR/merges.txt: merge 2, \"☃ d</w>\", needs \"☃\", which the vocabulary lacks")
    #expect(
      try refusal(merges: changed("\ne d</w>\n", "\ni n\n")) == "DIR/merges.txt: merge 2, \"i n\", is a repetition")
    for damage in ["ed</w>", "e d </w>", "", " ed", "ed "] {
      #expect(
        try refusal(merges: changed("\ne d</w>\n", "\n\(damage)\n")) == "DIR/merges.txt: line 3 is not a pair of pieces"
      )
    }
    #expect(try refusal(merges: { _ in "" }) == nil)  // bytes alone are a vocabulary
  }

  @Test func aTokenizerJSONOfAnotherKindIsRefused() throws {
    func refusal(_ text: String) throws -> String? { try self.refusal(["tokenizer.json": text]) }
    #expect(try refusal("{}") == "DIR/tokenizer.json: it has no object \"model\"")
    #expect(
      try refusal(document(pairs: true, type: "Unigram"))
        == "DIR/tokenizer.json: model.type is \"Unigram\", expected \"BPE\" as in CLIP")
    #expect(
      try refusal(document(pairs: true, suffix: ""))
        == "DIR/tokenizer.json: model.end_of_word_suffix is \"\", expected \"</w>\" as in CLIP")
    #expect(
      try refusal(#"{"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": {"a": 0}, "merges": [["a"]]}}"#)
        == "DIR/tokenizer.json: model.merges[0] is not a pair of pieces")
    #expect(
      try refusal(#"{"model": {"type": "BPE", "end_of_word_suffix": "</w>", "vocab": [], "merges": []}}"#)
        == "DIR/tokenizer.json: the vocabulary is not an object of pieces with their ids")
  }

  @Test func addedTokensAreFoundInTextsAsTheyAre() throws {
    let files = try [
      "tokenizer.json": document(
        pairs: true, added: #"[{"id": 814, "content": "<Cat>", "normalized": false}, {"id": 815, "content": "<Cat>s"}]"#
      )
    ]
    try Project.inTemporaryFolder { folder in
      for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
      let tokenizer = try CLIPTokenizer(directory: folder)
      #expect(tokenizer.count == 816)
      #expect(tokenizer.encode("<Cat><Cat>s").ids == [tokenizer.startID, 814, 815, tokenizer.endID])
      #expect(tokenizer.words(of: "a <Cat>").map(\.text) == ["a", "<Cat>"])
      #expect(!tokenizer.encode("<cat>").ids.contains(814))
    }
  }

  @Test func thePrecedenceOfPaddingIsThatOfTransformers() throws {
    func padding(_ files: [String: String]) throws -> Int32 {
      try Project.inTemporaryFolder { folder in
        for name in ["vocab.json", "merges.txt"] {
          try FileManager.default.copyItem(
            at: toy.appendingPathComponent(name), to: folder.appendingPathComponent(name))
        }
        for (name, text) in files { try Data(text.utf8).write(to: folder.appendingPathComponent(name)) }
        return try CLIPTokenizer(directory: folder).padID
      }
    }
    let map = ["special_tokens_map.json": #"{"pad_token": "!"}"#]
    let object = #"{"pad_token": {"content": "\"", "normalized": true}}"#
    let recent = #"{"pad_token": "$", "added_tokens_decoder": {"3": {"content": "$", "normalized": false}}}"#
    #expect(try padding([:]) == 813)
    #expect(try padding(map) == 0)
    #expect(try padding(["tokenizer_config.json": object]) == 1)
    #expect(try padding(map.merging(["tokenizer_config.json": object]) { $1 }) == 0)
    #expect(try padding(map.merging(["tokenizer_config.json": recent]) { $1 }) == 3)
    #expect(try padding(["special_tokens_map.json": #"{"pad_token": null}"#]) == 813)
  }

  @Test func damagedTokensAreRefused() throws {
    func refusal(_ config: String) throws -> String? { try self.refusal(also: ["tokenizer_config.json": config]) }
    #expect(
      try refusal(#"{"pad_token": 3}"#)
        == "DIR/tokenizer_config.json: pad_token is neither text nor an object with \"content\"")
    #expect(
      try refusal(#"{"added_tokens_decoder": {"900": {"content": "<x>", "lstrip": true}}}"#)
        == "DIR/tokenizer_config.json: added_tokens_decoder.900.lstrip is true, expected false, the only value that "
        + "Flux supports")
    #expect(
      try refusal(#"{"added_tokens_decoder": {"3": {"content": "a"}}}"#)
        == "DIR/merges.txt: the added token \"a\" has id 3, expected 64")
    #expect(
      try refusal(#"{"added_tokens_decoder": {"3": {"content": "<x>"}}}"#)
        == "DIR/merges.txt: the added token \"<x>\" has id 3, which is not its id in the vocabulary")
    #expect(
      try refusal(#"{"added_tokens_decoder": {"-3": {"content": "<x>"}}}"#)
        == "DIR/merges.txt: the added token \"<x>\" has id -3, expected 0 to 1000000")
    #expect(try refusal("{") == "DIR/tokenizer_config.json: it is not a JSON object")
  }
}
