import Support

/// Texts of characters that a tokenizer treats differently, the same in every run.
enum RandomText {
  /// Letters with and without case and accents, marks, punctuation, spaces, controls, ideographs, syllables, emoji.
  static let scalars = Array(
    ("aAbZz09éÉñÅßİſ\u{300}\u{308}\u{327}.-[]'$\u{2014}\u{3002}  \t\n\u{a0}\u{3000}\u{0}\u{7f}\u{ad}\u{200b}\u{fffd}"
      + "中文\u{f900}あカ\u{ac00}\u{1112}ЖжΣς\u{1f600}\u{fe0f}€\u{e000}\u{378}\u{928}\u{93e}").unicodeScalars)

  static func texts(_ count: Int, seed: UInt64) -> [[Unicode.Scalar]] {
    (0..<count).map { index in
      var random = SplitMix64(seed: seed, index: UInt64(index))
      return (0..<random.below(24)).map { _ in random.pick(scalars) }
    }
  }
}

extension String {
  /// The text of some scalars, none of which is changed.
  init(scalars: some Sequence<Unicode.Scalar>) {
    var view = String.UnicodeScalarView()
    view.append(contentsOf: scalars)
    self.init(view)
  }
}
