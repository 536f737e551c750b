import Flux
import Foundation
import Support
import Tokenizers

/// The prompts of a command: one argument, or the lines of a file.
enum Prompts {
  private static let longestFile = 64 << 20  // bytes, a limit for endless streams

  /// The argument, or the lines of a file, without blank ones; `-` is standard input.
  static func read(argument: String?, file: FilePath?) throws(Failure) -> [String] {
    if let argument { return [argument] }
    guard let file else { return [] }
    let isInput = file.text == "-"
    let name = isInput ? "standard input" : file.text
    func failure(_ reason: String) -> Failure { Failure("cannot read the prompt file \(name): \(reason)") }
    // Pipes work too, such as <(…) in shells.
    let descriptor = isInput ? STDIN_FILENO : open(file.path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(InputBytes.reason(errno)) }
    defer { if !isInput { close(descriptor) } }
    let bytes = try InputBytes.all(of: descriptor, limit: longestFile, failure)
    do throws(PromptFileError) {
      return try PromptFile.prompts(in: bytes, name: name)
    } catch { throw Failure(error.description) }
  }
}

/// Warnings about prompts.
enum PromptAdvice {
  /// The warnings about a prompt; `kind` names it.
  static func lines(on prompt: String, _ kind: String, _ syntax: PromptSyntax, for pipeline: Pipeline) -> [String] {
    guard syntax == .weighted else { return lines(on: prompt, kind, tokens: pipeline.tokens(of: prompt)) }
    let words = pipeline.words(of: WeightedPrompt(prompt))
    var lines = WeightedPrompt.faults(in: prompt).prefix(mostFaults).map { "in the \(kind), \($0)" }
    if !words.dropped.isEmpty {
      lines.append(
        "the \(kind) is too long; these words are truncated: \(shortened(words.dropped)) (BREAK begins a new part)")
    }
    if !words.unknown.isEmpty {
      lines.append("these words of the \(kind) are not in the vocabulary: \(shortened(words.unknown))")
    }
    return lines
  }

  /// The warnings about a prompt with these tokens.
  static func lines(on prompt: String, _ kind: String, tokens: TokenEncoding) -> [String] {
    var lines: [String] = []
    if !tokens.dropped.isEmpty {
      lines.append("the \(kind) is too long; these words are truncated: \(shortened(tokens.dropped))")
    }
    if !tokens.unknown.isEmpty {
      let words = shortened(tokens.unknown)
      let isAll = tokens.pieces.dropFirst().dropLast().allSatisfy { $0 == "[UNK]" }
      lines.append(
        isAll
          ? "no word of the \(kind) is in the vocabulary, so it has no effect: \(words)"
          : "these words of the \(kind) are not in the vocabulary: \(words)")
    }
    let marks = PromptSyntax.marks(in: prompt)
    if !marks.isEmpty {
      let hasTag = marks.contains { $0.lowercased().hasPrefix("<lora:") }
      lines.append(
        "this part of the \(kind) is read as plain text: \(shortened(marks)) (--prompt-syntax weighted reads it"
          + (hasTag ? "; --lora FILE is a LoRA too)" : ")"))
    }
    return lines
  }

  /// Words in one line, without those after a few hundred characters.
  private static func shortened(_ words: [String]) -> String {
    let text = words.joined(separator: " ")
    return text.count > longest ? "\(text.prefix(longest))…" : text
  }

  private static let longest = 500  // characters
  private static let mostFaults = 5
}
