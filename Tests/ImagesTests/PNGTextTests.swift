import Testing

@testable import Images

@Suite struct PNGTextTests {
  private let image = Image(width: 3, height: 2, channels: .gray, pixels: [0, 50, 100, 150, 200, 250])

  private func encoded(_ entries: [PNGText.Entry]) throws -> [UInt8] { try PNG.encode(image, text: entries) }

  private func entry(_ keyword: String, _ text: String) -> PNGText.Entry { PNGText.Entry(keyword: keyword, text: text) }

  /// A file with chunks of any kind after its header, with their checksums.
  private func file(with chunks: [[UInt8]]) throws -> [UInt8] {
    var bytes = try PNG.encode(image)
    bytes.insert(contentsOf: chunks.joined(), at: PNGText.afterHeader)
    return bytes
  }

  /// The chunk of an entry under another name, with the checksum of that.
  private func renamed(_ chunk: [UInt8], _ kind: String) -> [UInt8] {
    let typed = Array(kind.utf8) + chunk[8..<chunk.count - 4]
    var sum = ~UInt32(0)
    for byte in typed {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? 0xedb8_8320 ^ (sum >> 1) : sum >> 1 }
    }
    return Array(chunk[..<4]) + typed + withUnsafeBytes(of: (~sum).bigEndian) { Array($0) }
  }

  @Test func severalEntriesComeBackInTheirOrder() throws {
    let entries = [
      entry("Title", "café"), entry("parameters", "🍎\nSteps: 20"), entry("Title", "again"), entry("x", ""),
    ]
    let bytes = try encoded(entries)
    #expect(PNGText.read(bytes) == entries)
    #expect(try PNG.decode(bytes) == image)
  }

  @Test(arguments: ["a", "Ä🍎"]) func longTextIsNotCutOff(_ unit: String) throws {
    let text = String(repeating: unit, count: 50_000)
    let found = try PNGText.read(encoded([entry("parameters", text)])).first?.text
    #expect(found.map { Array($0.utf8) } == Array(text.utf8))
  }

  @Test func lineEndsAndDecomposedLettersKeepTheirScalars() throws {
    for text in ["a\r\nb\rc\n", "e\u{301}", "\u{e9}", "\u{feff}x", "\u{1f468}\u{200d}\u{1f373}"] {
      let found = try PNGText.read(encoded([entry("k", text)])).first?.text
      #expect(found.map { Array($0.unicodeScalars) } == Array(text.unicodeScalars), "\(text.debugDescription)")
    }
  }

  /// Latin-1 ends at U+00FF.
  @Test func theKindOfChunkChangesAfterTheLastLatin1Character() {
    func kind(_ text: String) -> String { String(decoding: PNGText.chunk(entry("k", text))[4..<8], as: UTF8.self) }
    #expect(kind("\u{ff}") == "tEXt" && kind("\u{100}") == "iTXt")
    #expect(kind("") == "tEXt" && kind("e\u{301}") == "iTXt")
  }

  @Test func aLatin1KeywordOfTheFullLengthComesBack() throws {
    for keyword in ["Größe", String(repeating: "ü", count: 79), "k"] {
      for text in ["latin", "🍎"] {
        #expect(try PNGText.read(encoded([entry(keyword, text)])) == [entry(keyword, text)])
      }
    }
  }

  @Test func aDamagedEntryIsLeftOutAndThoseAfterItAreRead() throws {
    var damaged = PNGText.chunk(entry("first", "abc"))
    damaged[damaged.count - 5] ^= 1  // the last letter, so that the checksum no longer fits
    let bytes = try file(with: [damaged, PNGText.chunk(entry("second", "def"))])
    #expect(PNGText.read(bytes) == [entry("second", "def")])
  }

  @Test func compressedAndOtherChunksAreNotText() throws {
    var compressed = PNGText.chunk(entry("k", "🍎"))
    compressed[8 + 2] = 1  // the flag after "k" and its zero
    let other = renamed(PNGText.chunk(entry("k", "abc")), "zTXt")
    let bytes = try file(with: [renamed(compressed, "iTXt"), other])
    #expect(PNGText.read(bytes).isEmpty)
    #expect(PNGText.read(try file(with: [renamed(PNGText.chunk(entry("k", "abc")), "tEXt")])) == [entry("k", "abc")])
  }

  @Test func textOfAFileThatIsCutOffEndsWithItsLastWholeChunk() throws {
    let entries = [entry("a", "one"), entry("b", "two")]
    let bytes = try encoded(entries)
    let (first, second) = (PNGText.chunk(entries[0]).count, PNGText.chunk(entries[1]).count)
    for count in 0..<PNGText.afterHeader + first + second + 4 {
      let whole = count < 33 + first ? 0 : count < 33 + first + second ? 1 : 2
      #expect(PNGText.read(Array(bytes[..<count])) == Array(entries[..<whole]), "\(count) bytes")
    }
  }
}
