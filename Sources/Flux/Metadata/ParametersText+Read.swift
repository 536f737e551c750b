import Foundation
import Support

// Reads the `parameters` text, which Flux, AUTOMATIC1111's web UI, its forks and stable-diffusion.cpp write.

extension ParametersText {
  /// The parts of a text.
  public struct Contents: Sendable {
    /// The prompt.
    public var prompt: String
    /// The negative prompt; empty without one.
    public var negativePrompt: String
    /// The settings, in their order.
    public var fields: [(key: String, value: String)]

    /// The value of a field; nil if there is none.
    public subscript(key: String) -> String? { fields.first { $0.key == key }?.value }
  }

  /// Reads a text; nil if it has no line of settings, which every program writes.
  public static func read(_ text: String) -> Contents? {
    var lines = text.replacingOccurrences(of: "\r\n", with: "\n").split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    // The settings are the last line; what follows in other programs' files, such as a template, is not read.
    let last = lines.lastIndex { line in
      let found = Self.fields(in: line)
      return found.count >= 3 && found.contains { $0.key == "Steps" || $0.key == "Seed" }
    }
    guard let last else { return nil }
    let settings = Self.fields(in: lines[last])
    lines.removeSubrange(last...)
    let mark = "Negative prompt:"
    var prompt: [String] = []
    var negative: [String]?
    for line in lines {
      if line.hasPrefix(mark), negative == nil {
        negative = [String(line.dropFirst(mark.count).drop { $0 == " " })]
      } else if negative != nil {
        negative?.append(line)
      } else {
        prompt.append(line)
      }
    }
    return Contents(
      prompt: prompt.joined(separator: "\n"), negativePrompt: (negative ?? []).joined(separator: "\n"), fields: settings
    )
  }

  /// The settings of a line, `KEY: VALUE, KEY: "quoted value", …`; text that is no setting is skipped.
  static func fields(in line: String) -> [(key: String, value: String)] {
    var fields: [(key: String, value: String)] = []
    var rest = Substring(line)
    while !rest.isEmpty {
      guard let colon = rest.firstIndex(of: ":") else { break }
      let start = rest[..<colon].lastIndex(of: ",").map { rest.index(after: $0) } ?? rest.startIndex
      let key = rest[start..<colon].trimmingCharacters(in: .whitespaces)
      rest = rest[rest.index(after: colon)...].drop { $0 == " " }
      var value: String
      if rest.first == "\"", let (text, end) = quotedText(rest) {
        value = text
        rest = rest[end...]
        rest = rest.firstIndex(of: ",").map { rest[rest.index(after: $0)...] } ?? ""
      } else {
        let end = rest.firstIndex(of: ",") ?? rest.endIndex
        value = rest[..<end].trimmingCharacters(in: .whitespaces)
        rest = end < rest.endIndex ? rest[rest.index(after: end)...] : ""
      }
      let isKey = key.first?.isLetter == true && key.allSatisfy { $0.isLetter || $0.isNumber || " _-/.()".contains($0) }
      if isKey { fields.append((key, value)) }
    }
    return fields
  }

  /// The JSON string that a text begins with, and where it ends; nil if its end is missing.
  private static func quotedText(_ text: Substring) -> (String, Substring.Index)? {
    var index = text.index(after: text.startIndex)
    while index < text.endIndex {
      if text[index] == "\\" {
        index = text.index(after: index)
        if index == text.endIndex { return nil }
      } else if text[index] == "\"" {
        let end = text.index(after: index)
        return JSONValue(Array(text[..<end].utf8))?.string.map { ($0, end) }
      }
      index = text.index(after: index)
    }
    return nil
  }
}
