/// Text chunks of PNG files: tEXt for Latin-1, iTXt for everything else (PNG specification, 11.3.3).
public enum PNGText {
  /// A keyword, 1 to 79 Latin-1 characters, and its text.
  public struct Entry: Sendable, Equatable {
    /// Name of the entry, 1 to 79 Latin-1 characters, such as `parameters`.
    public var keyword: String
    /// Any text; U+FFFD replaces zeros when it is written.
    public var text: String

    /// An entry of a keyword, 1 to 79 Latin-1 characters, and any text.
    public init(keyword: String, text: String) {
      self.keyword = keyword
      self.text = text
    }
  }

  /// Offset of the first chunk after the header: 8 bytes of signature, 25 of IHDR.
  static let afterHeader = 33

  /// One whole chunk: tEXt when the text fits Latin-1, else iTXt in UTF-8.
  ///
  /// The text may not hold a zero; U+FFFD takes its place. Traps unless the keyword is valid.
  static func chunk(_ entry: Entry) -> [UInt8] {
    guard let keyword = latin1(entry.keyword), (1...79).contains(keyword.count), !keyword.contains(0) else {
      fatalError("a PNG keyword has 1 to 79 Latin-1 characters, got \"\(entry.keyword)\"")
    }
    let text = String(String.UnicodeScalarView(entry.text.unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : $0 }))
    if let latin = latin1(text) { return wrap("tEXt", keyword + [0] + latin) }
    return wrap("iTXt", keyword + [0, 0, 0, 0, 0] + Array(text.utf8))
  }

  /// The uncompressed text entries of a PNG file; damaged or compressed ones are left out.
  public static func read(_ bytes: [UInt8]) -> [Entry] {
    var entries: [Entry] = []
    var offset = 8
    while offset + 12 <= bytes.count {
      let length = Int(bigEndian(bytes, offset))
      guard length <= bytes.count - offset - 12 else { break }
      let kind = String(decoding: bytes[offset + 4..<offset + 8], as: UTF8.self)
      let body = Array(bytes[offset + 8..<offset + 8 + length])
      let intact = crc32(bytes[offset + 4..<offset + 8 + length]) == bigEndian(bytes, offset + 8 + length)
      if intact, let end = body.firstIndex(of: 0) {
        let keyword = latin1String(body[..<end])
        if kind == "tEXt" { entries.append(Entry(keyword: keyword, text: latin1String(body[(end + 1)...]))) }
        if kind == "iTXt", let text = internationalText(body[(end + 1)...]) {
          entries.append(Entry(keyword: keyword, text: text))
        }
      }
      if kind == "IEND" { break }
      offset += 12 + length
    }
    return entries
  }

  /// After the keyword: compression flag and method, language, translated keyword, text.
  private static func internationalText(_ rest: ArraySlice<UInt8>) -> String? {
    guard rest.count >= 4, rest[rest.startIndex] == 0 else { return nil }
    let afterFlags = rest.dropFirst(2)
    guard let language = afterFlags.firstIndex(of: 0) else { return nil }
    guard let translated = afterFlags[(language + 1)...].firstIndex(of: 0) else { return nil }
    return String(decoding: afterFlags[(translated + 1)...], as: UTF8.self)
  }

  private static func latin1(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    for scalar in text.unicodeScalars {
      guard scalar.value < 256 else { return nil }
      result.append(UInt8(scalar.value))
    }
    return result
  }

  private static func latin1String(_ bytes: ArraySlice<UInt8>) -> String {
    var text = ""
    for byte in bytes { text.unicodeScalars.append(Unicode.Scalar(byte)) }
    return text
  }

  private static func wrap(_ kind: String, _ body: [UInt8]) -> [UInt8] {
    let typed = Array(kind.utf8) + body
    return bytes(UInt32(body.count)) + typed + bytes(crc32(typed[...]))
  }

  private static func bytes(_ value: UInt32) -> [UInt8] { withUnsafeBytes(of: value.bigEndian) { Array($0) } }

  private static func bigEndian(_ bytes: [UInt8], _ offset: Int) -> UInt32 {
    bytes[offset..<offset + 4].reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// The checksum of PNG chunks (ISO 3309, polynomial 0xEDB88320).
  private static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { crc, byte in
      var value = crc ^ UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0xedb8_8320 : value >> 1 }
      return value
    }
  }
}
