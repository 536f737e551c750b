// EXIF text of images: the field UserComment, in which other programs look for the parameters of a JPEG or WebP, and the
// field MakerNote, in which a program keeps what is its own.

extension EXIF {
  /// EXIF data with a user comment and, if it is given, a maker note: a TIFF structure, without the prefix "Exif".
  ///
  /// Big-endian: a directory whose only entry points to the EXIF directory, which has the note and the comment: "UNICODE",
  /// a zero byte, then UTF-16 (EXIF 2.32, 4.6.5) in the byte order of the structure, which readers expect.
  static func block(comment: String, note: String? = nil) -> [UInt8] {
    let text = Array("UNICODE\0".utf8) + comment.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xff)] }
    let note = note.map { noteMark + Array($0.utf8) }
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func entry(_ tag: Int, _ type: Int, _ count: Int, _ value: Int) -> [UInt8] {
      number(tag, 2) + number(type, 2) + number(count, 4) + number(value, 4)
    }
    let (first, second) = (8, 8 + 18)  // a directory of one entry has 18 bytes
    let comment = second + 18 + (note == nil ? 0 : 12)
    let noteEntry = note.map { entry(noteTag, undefinedType, $0.count, comment + text.count) } ?? []
    return Array("MM".utf8) + number(42, 2) + number(first, 4)
      + number(1, 2) + entry(exifTag, longType, 1, second) + number(0, 4)
      + number(note == nil ? 1 : 2, 2) + noteEntry + entry(commentTag, undefinedType, text.count, comment)
      + number(0, 4)
      + text + (note ?? [])
  }

  static let exifTag = 0x8769
  static let commentTag = 0x9286
  static let noteTag = 0x927c
  /// What a maker note of Flux begins with.
  static let noteMark = Array("flux\0".utf8)
  private static let longType = 4
  private static let undefinedType = 7
}

extension JPEG {
  /// The longest comment, in UTF-16 units, that fits the EXIF segment of a JPEG.
  static let longestComment = (65_533 - 6 - 44 - 8) / 2

  /// A JPEG file with a user comment in an EXIF segment after its JFIF segment, and with a note if it fits beside it.
  static func adding(comment: String, note: String? = nil, to bytes: [UInt8]) throws(ImageError) -> [UInt8] {
    guard comment.utf16.count <= longestComment else {
      throw .encoding(
        format: "JPEG",
        reason: "its text has \(comment.utf16.count) characters, and \(longestComment) fit; PNG has no such limit")
    }
    var body = Array("Exif\0\0".utf8) + EXIF.block(comment: comment, note: note)
    if body.count + 2 > 0xffff { body = Array("Exif\0\0".utf8) + EXIF.block(comment: comment) }
    let length = body.count + 2
    let isJFIF = bytes.count > 6 && bytes[2] == 0xff && bytes[3] == 0xe0
    let place = isJFIF ? 4 + Int(bytes[4]) << 8 + Int(bytes[5]) : 2
    var result = bytes
    result.insert(contentsOf: [0xff, 0xe1, UInt8(length >> 8), UInt8(length & 0xff)] + body, at: place)
    return result
  }
}

extension WebP {
  /// A still WebP file without alpha, with a user comment and a note in an EXIF chunk (RFC 9649, 2.7).
  ///
  /// The simple file format cannot hold it, so an extended header is inserted before the pixels.
  static func adding(
    comment: String, note: String? = nil, to bytes: [UInt8], width: Int, height: Int
  ) -> [UInt8] {
    func little(_ value: Int, _ size: Int) -> [UInt8] {
      (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    func chunk(_ name: String, _ body: [UInt8]) -> [UInt8] {
      Array(name.utf8) + little(body.count, 4) + body + (body.count % 2 == 1 ? [0] : [])
    }
    let header: [UInt8] = [0x08, 0, 0, 0] + little(width - 1, 3) + little(height - 1, 3)  // flags: EXIF
    let content =
      Array("WEBP".utf8) + chunk("VP8X", header) + bytes[12...]
      + chunk("EXIF", EXIF.block(comment: comment, note: note))
    return Array("RIFF".utf8) + little(content.count, 4) + content
  }
}
