/// A font of 5×7 pixels for labels: the printable characters of ASCII; others are a box.
///
/// Labels need no font file this way, and they are the same on every machine.
enum PixelFont {
  /// Columns and rows of a character; one more column and two more rows separate it from the next.
  static let (width, height) = (5, 7)
  /// Distance of characters and lines.
  static let (advance, lineHeight) = (6, 9)

  /// Whether a character has ink at a place, from the top left.
  static func hasInk(_ character: Character, column: Int, row: Int) -> Bool {
    let code = Int(character.asciiValue ?? 0) - 32
    let glyph = glyphs.indices.contains(code) ? glyphs[code] : box
    return glyph[row] >> UInt8(width - 1 - column) & 1 == 1
  }

  /// The lines of a text that is at most `columns` characters wide, broken between words where possible; at most `count`
  /// lines, the last of which ends in ".." if more would follow.
  static func lines(_ text: String, columns: Int, count: Int) -> [String] {
    var lines: [String] = []
    var line = ""
    for var word in text.split(separator: " ", omittingEmptySubsequences: true).map(String.init) {
      if !line.isEmpty, line.count + 1 + word.count > columns {
        lines.append(line)
        line = ""
      }
      while word.count > columns {
        lines.append(String(word.prefix(columns)))
        word = String(word.dropFirst(columns))
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    if !line.isEmpty { lines.append(line) }
    if lines.count <= count { return lines }
    var kept = Array(lines.prefix(count))
    kept[count - 1] = String(kept[count - 1].prefix(max(0, columns - 2))) + ".."
    return kept
  }

  /// Rows of five pixels, the leftmost in the highest bit.
  private static let box: [UInt8] = [31, 17, 17, 17, 17, 17, 31]

  /// From space to tilde: seven rows a character, each a digit to base 32.
  private static let glyphs: [[UInt8]] = [
    "0000000", "4444404", "aa00000", "aavavaa", "4fke5u4", "op248j3", "cik8lid", "4480000", "2488842", "8422248",
    "04lel40", "044v440", "0000c48", "000v000", "00000cc", "01248g0", "ehjlphe", "4c4444e", "eh1248v", "v2421he",
    "26aiv22", "vgu11he", "68guhhe", "v124888", "ehhehhe", "ehhf12c", "0cc0cc0", "0cc0c48", "248g842", "00v0v00",
    "8421248", "eh12404", "eh1dlle", "ehhvhhh", "uhhuhhu", "ehggghe", "sihhhis", "vgguggv", "vgguggg", "ehgnhhf",
    "hhhvhhh", "e44444e", "72222ic", "hikokih", "ggggggv", "hrllhhh", "hhpljhh", "ehhhhhe", "uhhuggg", "ehhhlid",
    "uhhukih", "fgge11u", "v444444", "hhhhhhe", "hhhhha4", "hhhllla", "hha4ahh", "hhha444", "v1248gv", "e88888e",
    "0g84210", "e22222e", "4ah0000", "000000v", "8420000", "00e1fhf", "ggmphhu", "00egghe", "11djhhf", "00ehvge",
    "698s888", "00fhf1e", "ggmphhh", "40c444e", "20622ic", "ggikoki", "c44444e", "00qllhh", "00mphhh", "00ehhhe",
    "00uhugg", "00djf11", "00mpggg", "00ege1u", "88s8896", "00hhhjd", "00hhha4", "00hhlla", "00ha4ah", "00hhf1e",
    "00v248v", "2448442", "4444444", "8442448", "008l200",
  ].map { $0.map { UInt8($0.hexDigitValue ?? Int($0.asciiValue ?? 0) - 87) } }
}
