import Foundation

/// A prompt in the syntax of AUTOMATIC1111's web UI.
///
///     (word)  ((word))  (word:1.3)     more weight: 1.1 for each pair of brackets, or the number
///     [word]                           less weight: divided by 1.1
///     \( \) \[ \] \\                   the character itself
///     BREAK                            what follows is encoded apart, with the full length of a prompt
///     a cat AND a dog :0.5             prompts whose guidance is added, each with its weight
public struct WeightedPrompt: Sendable, Equatable {
  /// Text with one weight.
  public struct Fragment: Sendable, Equatable {
    /// The text, without brackets and backslashes.
    public var text: String
    /// Its weight; 1 is neutral.
    public var weight: Double
  }

  /// One of the prompts that are joined by AND.
  public struct Part: Sendable, Equatable {
    /// The texts between BREAKs, each of fragments.
    public var chunks: [[Fragment]]
    /// The weight of its guidance.
    public var weight: Double
  }

  /// The prompts that are joined by AND; one without it.
  public var parts: [Part]

  /// Reads a prompt; brackets without partner count to the end of the text or as themselves.
  public init(_ text: String) {
    let pieces = Self.split(text, at: "AND")
    parts = pieces.map { piece in
      let (text, weight) = pieces.count > 1 ? Self.trailingWeight(piece) : (piece, 1)
      return Part(chunks: Self.split(text, at: "BREAK").map { Self.fragments(of: $0) }, weight: weight)
    }
  }

  /// The whole text without syntax, as it is shown and tokenized.
  public var plainText: String {
    parts.flatMap(\.chunks).map { $0.map(\.text).joined() }.joined(separator: " ")
  }

  /// The parts of a text between a word that stands alone.
  private static func split(_ text: String, at word: String) -> [String] {
    var parts: [String] = []
    var rest = text[...]
    var search = rest
    while let range = search.firstRange(of: word) {
      let before = range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
      let after = range.upperBound == text.endIndex ? nil : text[range.upperBound]
      let isAlone = [before, after].allSatisfy { $0.map { !$0.isLetter && !$0.isNumber && $0 != "_" } ?? true }
      if isAlone {
        parts.append(trimmed(rest[..<range.lowerBound]))
        rest = rest[range.upperBound...]
      }
      search = text[range.upperBound...]
    }
    return parts + [parts.isEmpty ? String(rest) : trimmed(rest)]
  }

  private static func trimmed(_ text: Substring) -> String { text.trimmingCharacters(in: .whitespacesAndNewlines) }

  /// A text and the weight after its last colon; 1 without one.
  private static func trailingWeight(_ text: String) -> (String, Double) {
    guard let colon = text.lastIndex(of: ":"),
      let weight = Double(text[text.index(after: colon)...].trimmingCharacters(in: .whitespaces)), weight.isFinite
    else { return (text, 1) }
    return (trimmed(text[..<colon]), weight)
  }

  /// What looks like this syntax and has not its effect, each in a sentence: brackets without partner, weights that are no
  /// numbers, and tags that name no LoRA.
  public static func faults(in text: String) -> [String] {
    var faults: [String] = []
    var open: [Character: Int] = [:]
    var isEscaped = false
    for character in text {
      let opening = [")": "(", "]": "["][character] as Character?
      switch character {
      case _ where isEscaped: isEscaped = false
      case "\\": isEscaped = true
      case "(", "[": open[character, default: 0] += 1
      case ")", "]":
        guard let opening, open[opening, default: 0] > 0 else {
          faults.append("a \"\(character)\" closes nothing, so it is text")
          continue
        }
        open[opening, default: 0] -= 1
      default: break
      }
    }
    for bracket in ["(", "["] as [Character] where open[bracket, default: 0] > 0 {
      faults.append("a \"\(bracket)\" is not closed, so it counts to the end of the prompt")
    }
    for match in text.matches(of: /\(([^()\[\]:\\]+):([^()\[\]:\\]*)\)/)
    where Double(match.2.trimmingCharacters(in: .whitespaces))?.isFinite != true {
      faults.append("\(match.0) has no number after its colon, so the colon is text")
    }
    faults += text.matches(of: /<[A-Za-z]+:[^<>]*>/).map { "\($0.0) is no LoRA with a scale, so it is text" }
    return faults.reduce(into: []) { unique, fault in if !unique.contains(fault) { unique.append(fault) } }
  }

  private static let factor = 1.1

  /// The fragments of a text, with neighbors of one weight joined.
  static func fragments(of text: String) -> [Fragment] {
    var fragments: [Fragment] = []
    var open: [(bracket: Character, first: Int)] = []
    var current = ""
    func isOpen(_ bracket: Character) -> Bool { open.contains { $0.bracket == bracket } }
    func end() {
      if !current.isEmpty { fragments.append(Fragment(text: current, weight: 1)) }
      current = ""
    }
    func multiply(from first: Int, by factor: Double) {
      for index in fragments.indices where index >= first { fragments[index].weight *= factor }
    }
    func close(_ bracket: Character, by factor: Double) {
      guard let place = open.lastIndex(where: { $0.bracket == bracket }) else { return }
      multiply(from: open[place].first, by: factor)
      open.remove(at: place)
    }
    var index = text.startIndex
    while index < text.endIndex {
      let character = text[index]
      var next = text.index(after: index)
      switch character {
      case "\\" where next < text.endIndex && "()[]\\".contains(text[next]):
        current.append(text[next])
        next = text.index(after: next)
      case "(", "[":
        end()
        open.append((character, fragments.count))
      case ":" where isOpen("("):
        let number = text[next...].prefix { $0 != ")" && $0 != "(" }
        let after = text[next...].dropFirst(number.count)
        if after.first == ")", let weight = Double(number.trimmingCharacters(in: .whitespaces)), weight.isFinite {
          end()
          close("(", by: weight)
          next = text.index(after: after.startIndex)
        } else {
          current.append(character)
        }
      case ")" where isOpen("("):
        end()
        close("(", by: factor)
      case "]" where isOpen("["):
        end()
        close("[", by: 1 / factor)
      default: current.append(character)
      }
      index = next
    }
    end()
    for bracket in open { multiply(from: bracket.first, by: bracket.bracket == "(" ? factor : 1 / factor) }
    return fragments.reduce(into: []) { joined, fragment in
      if let last = joined.last, last.weight == fragment.weight {
        joined[joined.count - 1].text += fragment.text
      } else {
        joined.append(fragment)
      }
    }
  }
}
