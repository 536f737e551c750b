/// The table of contents of a tar archive: POSIX ustar and pax, GNU long names, and the older format without a magic.
///
/// Nothing is unpacked; a member's bytes are read from the archive when they are needed.
public enum TarArchive {
  /// A regular file of an archive.
  public struct Member: Sendable, Equatable {
    /// Path within the archive, as bytes.
    public let name: ByteString
    /// The part of the archive that holds the file's bytes.
    public let slice: FileSlice
  }

  /// The regular files of an archive, in their order; throws if a header is damaged or describes data that is not there.
  ///
  /// An archive without the block of zeros that ends it is refused: it is the only sign of one that lost its last
  /// members.
  public static func members(of archive: FileSlice) throws(TarError) -> [Member] {
    let file = try open(archive.name)
    let path = file.path
    var members: [Member] = []
    var next = PaxRecords()  // what the headers before a member say about it
    var offset = 0
    while true {
      func failure(_ reason: String) -> TarError { .malformed(file: path, offset: offset, reason: reason) }
      guard offset + block <= file.size else {
        throw failure("it ends without the zeros that mark the end: the file is truncated")
      }
      let bytes = try read(file, offset, block)
      if bytes.allSatisfy({ $0 == 0 }) { return members }
      let header: TarHeader
      switch TarHeader.read(bytes) {
      case .success(let found): header = found
      case .failure(let damage): throw failure(damage.reason)
      }
      let start = offset + block
      let claimed = header.kind.isExtension ? header.size : next.size ?? header.size
      let size = header.kind.hasData ? claimed : 0
      guard size <= file.size - start else {
        throw failure("\"\(header.name)\" claims \(size) bytes, and \(file.size - start) follow")
      }
      if header.kind.isExtension {
        guard size <= longestName else { throw failure("a name claims \(size) bytes, more than 1 MiB") }
        guard next.note(try read(file, start, size), of: header.kind) else {
          throw failure("its pax records are damaged")
        }
      } else {
        let name = next.path ?? header.name
        if header.kind == .sparse { throw failure("\"\(name)\" is a sparse file, which is not read") }
        if header.kind == .file, name.bytes.last != UInt8(ascii: "/") {
          members.append(Member(name: name, slice: FileSlice(name: archive.name, offset: start, length: size)))
        }
        next = PaxRecords()
      }
      offset = start + (size + block - 1) / block * block
    }
  }

  private static let block = 512
  private static let longestName = 1 << 20  // bytes of a long name or of pax records

  private static func open(_ path: ByteString) throws(TarError) -> OpenFile {
    do {
      return try OpenFile(path)
    } catch { throw .unreadable(error) }
  }

  private static func read(_ file: OpenFile, _ offset: Int, _ length: Int) throws(TarError) -> [UInt8] {
    do {
      return try file.bytes(offset, length)
    } catch { throw .unreadable(error) }
  }
}

/// One block of 512 bytes that announces a member of a tar archive (POSIX.1-2001, ustar interchange format).
struct TarHeader {
  enum Kind: Equatable {
    case file
    case other  // links, devices and folders: no data follows
    case longName  // GNU: the next member's name
    case pax  // records about the next member
    case ignored  // an extension that is not needed
    case sparse
    case unknown  // data is skipped

    var hasData: Bool { self != .other }
    var isExtension: Bool { self == .longName || self == .pax || self == .ignored }
  }

  let name: ByteString
  let size: Int
  let kind: Kind

  /// What is wrong with a header.
  struct Damage: Error {
    let reason: String
  }

  static func read(_ bytes: [UInt8]) -> Result<TarHeader, Damage> {
    func text(_ range: Range<Int>) -> ByteString { ByteString(bytes[range].prefix { $0 != 0 }) }
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
    if bytes[257..<263].elementsEqual("ustar\0".utf8), !prefix.bytes.isEmpty {
      name = prefix + "/" + name
    }
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

/// What extended headers say about the next member of an archive: pax records, and GNU's long names.
struct PaxRecords {
  private(set) var path: ByteString?
  private(set) var size: Int?

  /// Takes in the data of an extended header; false where its records are damaged.
  mutating func note(_ bytes: [UInt8], of kind: TarHeader.Kind) -> Bool {
    switch kind {
    case .longName:
      path = ByteString(bytes.prefix { $0 != 0 })
      return true
    case .pax: return noteRecords(bytes)
    default: return true
    }
  }

  /// Reads records "LENGTH KEY=VALUE\n", where the length counts the whole record.
  private mutating func noteRecords(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while let first = rest.first, first != 0 {
      let digits = rest.prefix(10).prefix { (0x30...0x39).contains($0) }
      guard let length = Int(String(decoding: digits, as: UTF8.self)), length > digits.count + 2, length <= rest.count
      else { return false }
      let record = rest.prefix(length).dropFirst(digits.count)
      guard record.first == 0x20, record.last == 0x0a, let equals = record.firstIndex(of: 0x3d) else { return false }
      let key = String(decoding: record[record.startIndex + 1..<equals], as: UTF8.self)
      let value = ByteString(record[(equals + 1)...].dropLast())
      if key == "path" { path = value }
      if key == "size" {
        guard let number = Int(value.description), number >= 0 else { return false }
        size = number
      }
      rest = rest.dropFirst(length)
    }
    return true
  }
}

/// What is wrong with a tar archive, and where.
public enum TarError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The archive is missing, is not a regular file, or cannot be read.
  case unreadable(FileError)
  /// The archive is damaged, truncated or has a sparse file; `offset` is that of the header in bytes.
  case malformed(file: String, offset: Int, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let error): error.description
    case .malformed(let file, let offset, let reason):
      "\(file) is not a valid tar archive: at byte \(offset), \(reason)"
    }
  }
}
