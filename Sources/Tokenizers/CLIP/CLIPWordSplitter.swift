import Foundation

/// Splits text into the words that byte pairs are looked for in, as CLIP's tokenizer does: composed (NFC) and in lower
/// case, separated at white space, with contractions, runs of letters, single digits and runs of other characters.
///
/// Follows the normalizer and the pre-tokenizer of transformers' `CLIPTokenizer`.
enum CLIPWordSplitter {
  /// The bytes of a word, and the piece of the original text that it came from.
  struct Word: Equatable {
    var bytes: [UInt8]
    var source: Range<Int>  // of the text's Unicode scalars
    var kind: Kind
    var followsAnother: Bool  // without white space between them
  }

  /// The kinds of words that the pattern tells apart.
  enum Kind: Equatable { case contraction, letters, digit, other }

  /// A normalized scalar and the piece of the original text that it came from.
  struct Scalar: Equatable {
    var value: Unicode.Scalar
    var source: Range<Int>
  }

  /// The words of a normalized text.
  static func words(_ text: ArraySlice<Scalar>) -> [Word] {
    var words: [Word] = []
    var index = text.startIndex
    var end = -1  // of the word before
    while index < text.endIndex {
      let found: [(length: Int, kind: Kind)]
      if let length = special(text[index...]) {
        // The pattern of GPT-2, which follows that of CLIP, takes these apart.
        found = [(2, .other), (length - 4, .letters), (2, .other)]
      } else if let length = contraction(text[index...]) {
        found = [(length, .contraction)]
      } else {
        let kind = category(text[index].value)
        let run = kind == .digit ? 1 : text[index...].prefix { category($0.value) == kind }.count
        guard let kind else {
          index += run
          continue
        }
        found = [(run, kind)]
      }
      for (length, kind) in found {
        let scalars = text[index..<index + length]
        words.append(
          Word(
            bytes: scalars.flatMap { Array(String($0.value).utf8) },
            source: scalars[index].source.lowerBound..<scalars[index + length - 1].source.upperBound, kind: kind,
            followsAnother: index == end))
        index += length
        end = index
      }
    }
    return words
  }

  /// The text composed and in lower case.
  static func normalized(_ text: ArraySlice<Unicode.Scalar>) -> [Scalar] {
    var result: [Scalar] = []
    result.reserveCapacity(text.count)
    var view = String.UnicodeScalarView()
    view.append(contentsOf: text)
    var start = text.startIndex
    // Scalars that compose, and marks that change places, are in one grapheme cluster.
    for character in String(view) {
      let count = character.unicodeScalars.count
      let source = start..<start + count
      start += count
      if let ascii = character.asciiValue, count == 1 {
        let isUpper = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(ascii)
        result.append(Scalar(value: Unicode.Scalar(isUpper ? ascii + 32 : ascii), source: source))
        continue
      }
      for scalar in composed(character) {
        for lower in scalar.properties.lowercaseMapping.unicodeScalars {
          result.append(Scalar(value: lower, source: source))
        }
      }
    }
    return result
  }

  /// A character composed (NFC) with the tables of the reference, which are of Unicode 12.
  private static func composed(_ character: Character) -> [Unicode.Scalar] {
    let typed = Array(character.unicodeScalars)
    let composed = Array(String(character).precomposedStringWithCanonicalMapping.unicodeScalars)
    let isLater = composed.contains { ($0.properties.age?.major ?? 0) >= 13 && !typed.contains($0) }
    return isLater ? typed : composed
  }

  /// The length of `<|startoftext|>` or `<|endoftext|>` at the beginning of a text.
  private static func special(_ text: ArraySlice<Scalar>) -> Int? {
    guard text.first?.value == "<" else { return nil }
    return [CLIPTokenizer.start, CLIPTokenizer.end].first {
      text.lazy.map(\.value).starts(with: $0.unicodeScalars)
    }?.unicodeScalars.count
  }

  /// The length of a contraction such as `'s` at the beginning of a text.
  private static func contraction(_ text: ArraySlice<Scalar>) -> Int? {
    guard text.first?.value == "'" else { return nil }
    return ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].first {
      text.lazy.map(\.value).starts(with: $0.unicodeScalars)
    }?.unicodeScalars.count
  }

  /// The kind of word that a character belongs to; nil for white space.
  ///
  /// The tables of the reference are of Unicode 16; later characters are unassigned.
  private static func category(_ scalar: Unicode.Scalar) -> Kind? {
    if scalar.isASCII {
      switch scalar.value {
      case 9...13, 32: return nil
      case 48...57: return .digit
      case 65...90, 97...122: return .letters
      default: return .other
      }
    }
    if scalar.properties.isWhitespace { return nil }
    guard let age = scalar.properties.age, age.major <= 16 else { return .other }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return .letters
    case .decimalNumber, .letterNumber, .otherNumber: return .digit
    default: return .other
    }
  }
}
