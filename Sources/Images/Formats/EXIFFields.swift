/// The fields of an EXIF block (a TIFF structure): those of its first directory and of its EXIF directory.
///
/// Damaged blocks have the fields before the damage.
struct EXIFFields {
  private let bytes: [UInt8]
  private let isLittle: Bool
  private var values: [Int: [UInt8]] = [:]

  /// Reads a block that begins with "II" or "MM", or with "Exif" and two zeros before them.
  init(_ block: ArraySlice<UInt8>) {
    var bytes = Array(block)
    if bytes.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) { bytes.removeFirst(6) }
    self.bytes = bytes
    isLittle = bytes.starts(with: "II".utf8)
    guard isLittle || bytes.starts(with: "MM".utf8), number(2, 2) == 42, let first = number(4, 4) else { return }
    read(directory: first)
    if let pointer = values[EXIF.exifTag], pointer.count == 4 { read(directory: number(in: pointer)) }
  }

  /// The text of a field of type ASCII, without the zero at its end; nil if there is none.
  func text(_ tag: Int) -> String? { values[tag].map { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) } }

  /// The bytes of a field.
  func bytes(_ tag: Int) -> [UInt8]? { values[tag] }

  /// The user comment: text after eight bytes that name its character set (EXIF 2.32, 4.6.5).
  var comment: String? {
    guard let value = values[EXIF.commentTag], value.count >= 8 else { return nil }
    let text = value[8...]
    if value.starts(with: "UNICODE\0".utf8) { return utf16(text) }
    if value.starts(with: "JIS\0".utf8) { return nil }
    // ASCII, or undefined, which programs write as UTF-8.
    return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// UTF-16 in the byte order of a mark, else the one in which ASCII has its zeros, else that of the block.
  private func utf16(_ text: ArraySlice<UInt8>) -> String {
    var text = Array(text)
    var isLittle = isLittle
    if text.starts(with: [0xff, 0xfe]) || text.starts(with: [0xfe, 0xff]) {
      isLittle = text[0] == 0xff
      text.removeFirst(2)
    } else {
      let zeros = [0, 1].map { first in stride(from: first, to: text.count, by: 2).count { text[$0] == 0 } }
      if zeros[0] != zeros[1] { isLittle = zeros[1] > zeros[0] }
    }
    let units = stride(from: 0, to: text.count - 1, by: 2).map { index in
      isLittle
        ? UInt16(text[index]) | UInt16(text[index + 1]) << 8 : UInt16(text[index]) << 8 | UInt16(text[index + 1])
    }
    return String(decoding: units, as: UTF16.self)
  }

  /// A number of `size` bytes, or nil beyond the end.
  private func number(_ offset: Int, _ size: Int) -> Int? {
    guard offset >= 0, offset <= bytes.count - size else { return nil }
    return number(in: Array(bytes[offset..<offset + size]))
  }

  private func number(in digits: [UInt8]) -> Int {
    (isLittle ? digits.reversed() : digits).reduce(0) { $0 << 8 | Int($1) }
  }

  private mutating func read(directory: Int) {
    let sizes = [1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1]  // bytes of a value, by type
    guard let count = number(directory, 2) else { return }
    for index in 0..<count {
      let entry = directory + 2 + 12 * index
      guard let tag = number(entry, 2), let type = number(entry + 2, 2), let values = number(entry + 4, 4) else {
        break
      }
      guard let size = sizes[type].map({ $0 * values }) else { continue }
      guard let place = size <= 4 ? entry + 8 : number(entry + 8, 4), place >= 0, place <= bytes.count - size else {
        continue
      }
      if self.values[tag] == nil { self.values[tag] = Array(bytes[place..<place + size]) }
    }
  }
}
