import Foundation

/// Splits text into normalized words, as BERT's uncased tokenizer does: without control characters and accents, in
/// lower case, with punctuation and Chinese characters as separate words.
///
/// Follows `BertNormalizer` and `BertPreTokenizer` of Hugging Face's `tokenizers`.
enum WordSplitter {
  /// A normalized word and the piece of the original text that it came from.
  struct Word: Equatable {
    var scalars: [Unicode.Scalar]
    var source: Range<Int>  // of the text's Unicode scalars
  }

  static func words(_ text: [Unicode.Scalar]) -> [Word] {
    var words: [Word] = []
    var current: [Unicode.Scalar] = []
    var start = 0
    func flush(_ end: Int) {
      if !current.isEmpty { words.append(Word(scalars: current, source: start..<end)) }
      current.removeAll(keepingCapacity: true)
    }
    for (index, decomposed) in normalized(text) {
      for scalar in decomposed {
        if scalar == " " || isSpace(scalar) {
          flush(index)
        } else if isPunctuation(scalar) || isChinese(scalar) {
          flush(index)
          words.append(Word(scalars: [scalar], source: index..<index + 1))
        } else {
          if current.isEmpty { start = index }
          current.append(scalar)
        }
      }
    }
    flush(text.count)
    return words.map { word in
      // A word ends after its last scalar, not at the space that follows it.
      var end = word.source.upperBound
      while end > word.source.lowerBound + 1, isSpace(text[end - 1]) { end -= 1 }
      return Word(scalars: word.scalars, source: word.source.lowerBound..<end)
    }
  }

  /// The position and the normalization of every kept scalar: decomposed, without accents, in lower case.
  private static func normalized(_ text: [Unicode.Scalar]) -> [(Int, [Unicode.Scalar])] {
    var result: [(Int, [Unicode.Scalar])] = []
    result.reserveCapacity(text.count)
    for (index, scalar) in text.enumerated() {
      if scalar.isASCII {
        let value = scalar.value
        if value == 9 || value == 10 || value == 13 || value == 32 {
          result.append((index, [" "]))
        } else if value >= 65, value <= 90 {
          result.append((index, [Unicode.Scalar(value + 32)!]))
        } else if value > 32, value < 127 {
          result.append((index, [scalar]))
        }
        continue
      }
      if scalar.value == 0xfffd || isControl(scalar) { continue }
      if isSpace(scalar) {
        result.append((index, [" "]))
        continue
      }
      // Marks are removed after decomposition, so their canonical order does not matter: scalars go one by one.
      let kept = decomposed(scalar).filter { category($0) != .nonspacingMark }
      let lower = kept.flatMap { Array($0.properties.lowercaseMapping.unicodeScalars) }
      result.append((index, lower))
    }
    return result
  }

  private static func decomposed(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
    Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
  }

  /// The general category in Unicode 8, whose tables the reference uses; later characters are unassigned.
  private static func category(_ scalar: Unicode.Scalar) -> Unicode.GeneralCategory {
    switch scalar.value {
    case 0x166D, 0x111C9: return .otherPunctuation  // changed in later versions
    case 0x1734, 0x1171E: return .nonspacingMark
    case 0x1885, 0x1886: return .otherLetter
    case 0xA9BD: return .spacingMark
    default: break
    }
    guard let age = scalar.properties.age, age.major <= 8 else { return .unassigned }
    return scalar.properties.generalCategory
  }

  private static func isSpace(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isWhitespace }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch category(scalar) {
    case .control, .format, .privateUse, .surrogate: true  // the reference keeps unassigned characters
    default: false
    }
  }

  private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII {
      switch scalar.value {
      case 33...47, 58...64, 91...96, 123...126: return true
      default: return false
      }
    }
    switch category(scalar) {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }

  /// The blocks of CJK ideographs that BERT makes separate words; kana and Hangul are not among them.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF,
      0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
