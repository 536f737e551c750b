import ArgumentParser
import Foundation
import Tokenizers

/// `flux tokens`: tokenizes a prompt.
struct Tokens: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the tokens and token ids of a prompt, and the words that are truncated.")

  @Argument(help: "The prompt.") var text: String
  @Option(help: "Maximum number of tokens, including [CLS] and [SEP].") var maxTokens: Int = 32
  @Flag(help: "Print JSON.") var json = false

  func validate() throws { try TokenLimit.check(maxTokens) }

  func run() throws {
    let tokenizer = try WordPieceTokenizer(vocabulary: Home.textEncoder.appendingPathComponent("vocab.txt"))
    let encoding = tokenizer.encode(text, maxLength: maxTokens)
    if json {
      struct Report: Encodable { let pieces: [String], ids: [Int32], dropped: [String] }
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      let report = Report(pieces: encoding.pieces, ids: encoding.ids, dropped: encoding.dropped)
      try printLine(String(decoding: try encoder.encode(report), as: UTF8.self))
      return
    }
    for (piece, id) in zip(encoding.pieces, encoding.ids) { try printLine("\(id)\t\(piece)") }
    if !encoding.dropped.isEmpty { try printLine("cut off: \(encoding.dropped.joined(separator: " "))") }
  }
}

/// The range of `--max-tokens`.
enum TokenLimit {
  /// From [CLS] and [SEP] alone to the number of BERT's positions.
  static let range = 2...512

  static func check(_ value: Int) throws {
    if !range.contains(value) {
      throw ValidationError("--max-tokens \(value) must be \(range.lowerBound) to \(range.upperBound)")
    }
  }
}
