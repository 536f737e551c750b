import Foundation
import Support

/// Where one picture lies, and what is said about it.
struct PictureEntry: Sendable {
  let id: String
  let slice: FileSlice
  let size: Int  // bytes; 0 where the file is missing
  var captions: [String]
  var problem: DataError?  // why its captions cannot be read; reading the picture says so
}

/// What a layout found: its pictures, and names of files that look as if they should belong to them and do not.
struct PictureListing {
  var entries: [PictureEntry] = []
  var leftOver: [String] = []
}

/// How captions are written in text files and records.
enum CaptionText {
  /// The most bytes of a text file that are read.
  static let limit = 1 << 20

  /// The bytes of a text file or of a part of an archive.
  static func read(_ slice: FileSlice) -> Result<[UInt8], DataError> {
    do {
      return .success(try slice.read(limit: limit))
    } catch { return .failure(.file(error)) }
  }

  /// The captions of a text file: its lines, empty ones left out.
  static func lines(_ bytes: [UInt8]) -> [String] {
    text(bytes).split(whereSeparator: \.isNewline).map(tidy).filter { !$0.isEmpty }
  }

  /// The captions of a record: `text` or `caption`, a string or a list of strings.
  static func captions(in record: [String: Any]) -> [String] {
    let value = record["text"] ?? record["caption"]
    let strings = (value as? String).map { [$0] } ?? value as? [String] ?? []
    return strings.map(tidy).filter { !$0.isEmpty }
  }

  /// One caption: a line break within it is a space.
  static func tidy(_ text: some StringProtocol) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ").trimmingCharacters(in: .whitespaces)
  }

  /// UTF-8 without a byte order mark; U+FFFD stands for what is no UTF-8.
  static func text(_ bytes: [UInt8]) -> String {
    String(decoding: bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes[3...] : bytes[...], as: UTF8.self)
  }
}
