import Foundation
import Support

/// A prompt with alternatives: `{red|blue}` is one of them, and `__color__` a line of the file `color.txt`.
///
/// What is chosen depends on the seed alone. Alternatives can hold others.
public struct PromptTemplate: Sendable {
  /// The text with its alternatives.
  public let text: String
  private let files: [String: [String]]

  /// Reads the files that a text names from a folder; throws where one is missing, empty or not UTF-8.
  public init(_ text: String, wildcards folder: URL) throws {
    self.text = text
    var files: [String: [String]] = [:]
    var waiting = Self.names(in: text)
    while let name = waiting.popLast() {
      guard files[name] == nil else { continue }
      let file = folder.appendingPathComponent("\(name).txt")
      let lines = try PromptFile.prompts(in: FileSlice(path: file.path).read(limit: 1 << 26), name: file.path)
        .filter { !$0.hasPrefix("#") }
      guard !lines.isEmpty else { throw PromptFileError.empty(file: file.path) }
      files[name] = lines
      waiting += lines.flatMap(Self.names)
    }
    self.files = files
  }

  /// Whether the text has alternatives.
  public var hasAlternatives: Bool { !files.isEmpty || text.contains { $0 == "{" } }

  /// The prompt for a seed.
  public func prompt(seed: UInt64) -> String {
    var random = SplitMix64(seed: seed, index: stableHash(text))
    var budget = Self.mostChoices
    return expanded(text, &random, &budget)
  }

  private static let mostChoices = 1000  // files may name each other in a circle

  private func expanded(_ text: String, _ random: inout SplitMix64, _ budget: inout Int) -> String {
    var result = ""
    var rest = text[...]
    while let character = rest.first {
      if character == "{", let close = Self.closing(rest) {
        let options = Self.options(rest[rest.index(after: rest.startIndex)..<close])
        result += expanded(random.pick(options), &random, &budget)
        rest = rest[rest.index(after: close)...]
      } else if budget > 0, let name = Self.name(at: rest), let lines = files[name] {
        budget -= 1
        result += expanded(random.pick(lines), &random, &budget)
        rest = rest.dropFirst(name.count + 4)
      } else {
        result.append(character)
        rest = rest.dropFirst()
      }
    }
    return result
  }

  /// Where the brace that a text begins with is closed; nil if it is not.
  private static func closing(_ text: Substring) -> Substring.Index? {
    var depth = 0
    for index in text.indices {
      if text[index] == "{" { depth += 1 }
      if text[index] == "}" { depth -= 1 }
      if depth == 0 { return index }
    }
    return nil
  }

  /// The alternatives between bars that are in no inner braces.
  private static func options(_ text: Substring) -> [String] {
    var options = [""]
    var depth = 0
    for character in text {
      if character == "{" { depth += 1 }
      if character == "}" { depth -= 1 }
      if character == "|", depth == 0 {
        options.append("")
      } else {
        options[options.count - 1].append(character)
      }
    }
    return options
  }

  /// The name between two underscores on each side, with which a text begins; nil without one.
  private static func name(at text: Substring) -> String? {
    guard text.hasPrefix("__") else { return nil }
    let name = text.dropFirst(2).prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "_-/".contains($0)) }
    guard let end = name.firstRange(of: "__"), end.lowerBound > name.startIndex else { return nil }
    return String(name[..<end.lowerBound])
  }

  private static func names(in text: String) -> [String] {
    var names: [String] = []
    var rest = text[...]
    while !rest.isEmpty {
      if let name = name(at: rest) {
        names.append(name)
        rest = rest.dropFirst(name.count + 4)
      } else {
        rest = rest.dropFirst()
      }
    }
    return names
  }
}
