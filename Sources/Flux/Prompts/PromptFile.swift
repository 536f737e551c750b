import Foundation

/// A text file of prompts: UTF-8, one per line.
public enum PromptFile {
  /// The prompts of a file, without surrounding spaces and blank lines; `name` is for messages.
  ///
  /// Only line feeds and carriage returns end a line. Unicode's other line separators belong to the prompt: text pasted
  /// from documents has them within sentences.
  public static func prompts(in bytes: [UInt8], name: String) throws(PromptFileError) -> [String] {
    let isUTF16 = bytes.starts(with: [0xff, 0xfe]) || bytes.starts(with: [0xfe, 0xff]) || bytes.contains(0)
    guard !isUTF16 else { throw .utf16(file: name) }
    let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]  // a byte order mark
    var prompts: [String] = []
    for line in text.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
      guard let line = String(validating: line, as: UTF8.self) else { throw .notUTF8(file: name) }
      let prompt = line.trimmingCharacters(in: .whitespaces)
      if !prompt.isEmpty { prompts.append(prompt) }
    }
    if prompts.isEmpty { throw .empty(file: name) }
    return prompts
  }
}

/// The reasons that a prompt file cannot be used.
public enum PromptFileError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file looks like UTF-16.
  case utf16(file: String)
  /// The file is not valid UTF-8.
  case notUTF8(file: String)
  /// The file has no prompts.
  case empty(file: String)

  public var description: String {
    switch self {
    case .utf16(let file): "the prompt file \(file) is not UTF-8 text: it looks like UTF-16"
    case .notUTF8(let file): "the prompt file \(file) is not UTF-8 text"
    case .empty(let file): "the prompt file \(file) has no prompts: write one per line"
    }
  }
}
