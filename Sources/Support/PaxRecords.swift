/// What extended headers say about the next member of an archive: pax records, and GNU's long names.
struct PaxRecords {
  private(set) var path: String?
  private(set) var size: Int?

  /// Takes in the data of an extended header; false where its records are damaged.
  mutating func note(_ bytes: [UInt8], of kind: TarHeader.Kind) -> Bool {
    switch kind {
    case .longName:
      path = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
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
      let value = String(decoding: record[(equals + 1)...].dropLast(), as: UTF8.self)
      if key == "path" { path = value }
      if key == "size" {
        guard let number = Int(value), number >= 0 else { return false }
        size = number
      }
      rest = rest.dropFirst(length)
    }
    return true
  }
}
