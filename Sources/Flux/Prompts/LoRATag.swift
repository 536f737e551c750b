import Foundation

/// `<lora:NAME:0.8>` in a prompt: a LoRA by name, with its scale.
public struct LoRATag: Sendable, Hashable {
  /// The name of the file, without its extension.
  public var name: String
  /// Its scale; 1 without a number.
  public var scale: Double

  /// The tags of a prompt, and the prompt without them.
  public static func read(_ prompt: String) -> (tags: [LoRATag], prompt: String) {
    var tags: [LoRATag] = []
    let rest = prompt.replacing(/\s*<lora:([^<>:]+)(?::([^<>]*))?>/) { match in
      guard let scale = match.2.map({ Double($0) }) ?? 1, scale.isFinite else { return String(match.0) }
      tags.append(LoRATag(name: String(match.1), scale: scale))
      return ""
    }
    return (tags, tags.isEmpty ? prompt : rest.trimmingCharacters(in: .whitespaces))
  }
}
