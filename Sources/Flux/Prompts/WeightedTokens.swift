import Tokenizers

/// The tokens of a chunk between those that begin and end a text, with their weights.
struct WeightedTokens {
  /// The ids of every tokenizer.
  private(set) var tokens = PromptTokens([])
  /// The weight of each id of each tokenizer.
  private(set) var weights: [[Float]] = []
  /// Words that do not fit.
  private(set) var dropped: [String] = []
  /// Words that the vocabulary lacks.
  private(set) var unknown: [String] = []

  /// The chunks of texts that BREAK does not part: one that is cut, or as many as it needs where the model reads several.
  static func chunks(of fragments: [WeightedPrompt.Fragment], _ conditioner: any PromptConditioner) -> [WeightedTokens]
  {
    guard conditioner.readsChunks else { return [WeightedTokens(fragments, cutFor: conditioner)] }
    let parts = conditioner.tokenizers.map { TokenChunks(fragments, $0, length: conditioner.maxTokens - 2) }
    let count = parts.map(\.chunks.count).max() ?? 0
    return (0..<count).map { index in
      var result = WeightedTokens()
      for (tokenizer, part) in zip(conditioner.tokenizers, parts) {
        result.append(index < part.chunks.count ? part.chunks[index] : [], tokenizer)
      }
      if index == 0 { result.unknown = parts[0].unknown }
      return result
    }
  }

  private init() {}

  /// One chunk with the tokens that fit.
  private init(_ chunk: [WeightedPrompt.Fragment], cutFor conditioner: any PromptConditioner) {
    for (index, tokenizer) in conditioner.tokenizers.enumerated() {
      var tokens: [TokenChunks.Token] = []
      var lost: [String] = []
      for fragment in chunk {
        let encoding = tokenizer.encode(fragment.text, maxLength: max(2, conditioner.maxTokens - tokens.count))
        tokens += encoding.ids.dropFirst().dropLast().map { ($0, Float(fragment.weight)) }
        lost += encoding.dropped
        if index == 0 { unknown += encoding.unknown }
      }
      append(tokens, tokenizer)
      if lost.count > dropped.count { dropped = lost }
    }
  }

  /// Adds the tokens of one more tokenizer.
  private mutating func append(_ chunk: [TokenChunks.Token], _ tokenizer: any PromptTokenizer) {
    let ends = tokenizer.encode("", maxLength: 2).ids
    tokens.ids.append([ends[0]] + chunk.map(\.id) + [ends[1]])
    weights.append([1] + chunk.map(\.weight) + [1])
  }
}

/// A text in chunks of a fixed number of tokens, as AUTOMATIC1111's web UI makes them.
///
/// A chunk that is full ends after its last comma, if that is among its last 20 tokens: what follows the comma begins the
/// next chunk.
struct TokenChunks {
  typealias Token = (id: Int32, weight: Float)

  /// The most tokens after a comma that begin a new chunk.
  private static let backtrack = 20

  private(set) var chunks: [[Token]] = []
  private(set) var unknown: [String] = []

  init(_ fragments: [WeightedPrompt.Fragment], _ tokenizer: any PromptTokenizer, length: Int) {
    let comma = tokenizer.encode(",", maxLength: nil).ids.dropFirst().first
    var (chunk, lastComma): ([Token], Int?) = ([], nil)
    for fragment in fragments {
      let encoding = tokenizer.encode(fragment.text, maxLength: nil)
      unknown += encoding.unknown
      for id in encoding.ids.dropFirst().dropLast() {
        if chunk.count == length {
          // Where no comma is near, or the next token is one, the chunk ends here.
          let near = id == comma ? nil : lastComma.flatMap { length - $0 <= Self.backtrack ? $0 + 1 : nil }
          chunks.append(Array(chunk[..<(near ?? length)]))
          (chunk, lastComma) = (Array(chunk[(near ?? length)...]), nil)
        } else if id == comma {
          lastComma = chunk.count
        }
        chunk.append((id, Float(fragment.weight)))
      }
    }
    if !chunk.isEmpty || chunks.isEmpty { chunks.append(chunk) }
  }
}
