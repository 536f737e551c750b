import Foundation

/// How a prompt is read.
///
/// Other programs have weights, alternatives, LoRA tags and wildcards. In a plain prompt all of it is text: users get a
/// warning, and image metadata must not claim effects that did not occur.
public enum PromptSyntax: String, Codable, Sendable, CaseIterable {
  /// As it is.
  case plain
  /// As AUTOMATIC1111's web UI reads it (`WeightedPrompt`).
  case weighted

  /// The syntax elements in a prompt, in order, without duplicates.
  public static func marks(in prompt: String) -> [String] {
    let isShouted = prompt == prompt.uppercased()  // there BREAK and AND are words
    var found: [(place: String.Index, text: String)] = []
    func add(_ pattern: Regex<Substring>) {
      found += prompt.matches(of: pattern).map { ($0.range.lowerBound, String($0.0)) }
    }
    add(/<[A-Za-z]+:[^<>]+>/)  // <lora:name:0.8>
    add(/\([^()]+:[ ]*(?:[0-9]+|[0-9]*\.[0-9]+)\)/)  // (red:1.2); digits in one way only, or long rows take hours
    add(/\(\([^()]+\)\)/)  // ((red))
    add(/\[[^\[\]]+\]/)  // [blue], [cat:dog:0.5]
    add(/\{[^{}]+\}/)  // {red|blue}
    add(/__[A-Za-z0-9_\/\-]+?__/)  // __color__
    if !isShouted { add(/\b(?:BREAK|AND)\b/) }
    let special: Set<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]  // pieces of the vocabulary
    var seen = special
    return found.sorted { $0.place < $1.place }.map(\.text).filter { seen.insert($0).inserted }
  }

  /// The prompt for image metadata: equal tokens, but without LoRA tags.
  ///
  /// Programs that read the metadata would take `<lora:name:0.8>` for a LoRA that was used. A space after "<" does not
  /// change the tokens.
  static func withoutTags(_ prompt: String) -> String {
    prompt.replacing(/<(?=[A-Za-z]+:[^<>]+>)/, with: "< ")
  }
}
