import Support

/// Pieces that are found in a text as they are, before it is split into words.
struct AddedTokens: Sendable {
  /// A piece, and whether it is looked for in the normalized text or in the text as typed.
  struct Token: Sendable, Equatable {
    var piece: String
    var id: Int32
    var isNormalized: Bool
  }

  /// A piece of a text: an added token, or normalized text around them.
  enum Part: Equatable {
    case token(Token, source: Range<Int>)
    case text(ArraySlice<CLIPWordSplitter.Scalar>)
  }

  private let exact: [(scalars: [Unicode.Scalar], token: Token)]
  private let normalized: [(scalars: [Unicode.Scalar], token: Token)]

  /// Of tokens that begin at one place the longest is taken.
  init(_ tokens: [Token]) {
    func sorted(
      _ isNormalized: Bool, _ scalars: (Token) -> [Unicode.Scalar]
    ) -> [(scalars: [Unicode.Scalar], token: Token)] {
      tokens.filter { $0.isNormalized == isNormalized }.map { (scalars($0), $0) }
        .filter { !$0.0.isEmpty }.sorted { $0.0.count > $1.0.count }
    }
    exact = sorted(false) { Array($0.piece.unicodeScalars) }
    normalized = sorted(true) { CLIPWordSplitter.normalized(Array($0.piece.unicodeScalars)[...]).map(\.value) }
  }

  /// A text as tokens and normalized text, in order.
  func split(_ text: [Unicode.Scalar]) -> [Part] {
    var parts: [Part] = []
    for piece in Self.split(text[...], exact, { $0 }) {
      switch piece {
      case .found(let token, let range): parts.append(.token(token, source: range))
      case .rest(let range):
        let scalars = CLIPWordSplitter.normalized(text[range])
        for piece in Self.split(scalars[...], normalized, { $0.value }) {
          switch piece {
          case .found(let token, let range):
            let source = scalars[range.lowerBound].source.lowerBound..<scalars[range.upperBound - 1].source.upperBound
            parts.append(.token(token, source: source))
          case .rest(let range): parts.append(.text(scalars[range]))
          }
        }
      }
    }
    return parts
  }

  private enum Piece {
    case found(Token, Range<Int>)
    case rest(Range<Int>)
  }

  /// The tokens in a text and what is between them, without empty pieces.
  private static func split<Element>(
    _ text: ArraySlice<Element>, _ tokens: [(scalars: [Unicode.Scalar], token: Token)],
    _ value: (Element) -> Unicode.Scalar
  ) -> [Piece] {
    var pieces: [Piece] = []
    var (start, index) = (text.startIndex, text.startIndex)
    while index < text.endIndex {
      let match = tokens.first { entry in
        entry.scalars.count <= text.endIndex - index
          && zip(entry.scalars, text[index...]).allSatisfy { $0 == value($1) }
      }
      guard let match else {
        index += 1
        continue
      }
      if start < index { pieces.append(.rest(start..<index)) }
      pieces.append(.found(match.token, index..<index + match.scalars.count))
      index += match.scalars.count
      start = index
    }
    if start < text.endIndex { pieces.append(.rest(start..<text.endIndex)) }
    return pieces
  }
}
