/// One block of 512 bytes that announces a member of a tar archive (POSIX.1-2001, ustar interchange format).
struct TarHeader {
  enum Kind: Equatable {
    case file
    case other  // links, devices and folders: no data follows
    case longName  // GNU: the next member's name
    case pax  // records about the next member
    case ignored  // an extension that says nothing that is needed
    case sparse
    case unknown  // data is skipped

    var hasData: Bool { self != .other }
    var isExtension: Bool { self == .longName || self == .pax || self == .ignored }
  }

  let name: String
  let size: Int
  let kind: Kind

  /// What is wrong with a header.
  struct Damage: Error {
    let reason: String
  }

  static func read(_ bytes: [UInt8]) -> Result<TarHeader, Damage> {
    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range].prefix { $0 != 0 }, as: UTF8.self) }
    // The checksum counts its own field as spaces; some programs summed signed bytes.
    let counted = bytes.indices.map { (148..<156).contains($0) ? 0x20 : bytes[$0] }
    let sums = [counted.reduce(0) { $0 + Int($1) }, counted.reduce(0) { $0 + Int(Int8(bitPattern: $1)) }]
    guard let checksum = number(bytes[148..<156]), sums.contains(checksum) else {
      return .failure(Damage(reason: "the header's checksum is wrong: it is damaged, or the archive is compressed"))
    }
    guard let size = number(bytes[124..<136]) else {
      return .failure(Damage(reason: "the size of \"\(text(0..<100))\" is no number"))
    }
    var name = text(0..<100)
    let prefix = text(345..<500)
    // GNU's magic ends in a space, and keeps other things where ustar has the beginning of long names.
    if bytes[257..<263].elementsEqual("ustar\0".utf8), !prefix.isEmpty { name = "\(prefix)/\(name)" }
    let kind: Kind =
      switch bytes[156] {
      case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): .file
      case UInt8(ascii: "1")...UInt8(ascii: "6"): .other
      case UInt8(ascii: "L"): .longName
      case UInt8(ascii: "x"): .pax
      case UInt8(ascii: "K"), UInt8(ascii: "g"): .ignored
      case UInt8(ascii: "S"): .sparse
      default: .unknown
      }
    return .success(TarHeader(name: name, size: size, kind: kind))
  }

  /// Octal digits between spaces and zeros, or GNU's big-endian number when the first bit is set; nil for others.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    guard let first = field.first else { return nil }
    if first & 0x80 != 0 {
      guard first == 0x80 else { return nil }  // negative, or too large by far
      var value = 0
      for byte in field.dropFirst() {
        guard value < 1 << 54 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    guard digits.allSatisfy({ (0x30...0x37).contains($0) }), !digits.isEmpty else { return nil }
    return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }  // at most 12 digits: 36 bits
  }
}
