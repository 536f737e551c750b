import Foundation
import Images
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

/// Names of files as the layouts read them: paths with slashes.
enum FileName {
  /// Formats that people have and Flux does not read.
  private static let otherPictures: Set<String> = ["gif", "bmp", "tif", "tiff", "heic", "heif", "avif", "jxl"]

  /// What follows the last dot of the last part, in lower case; "" where there is none.
  static func ending(_ path: String) -> String {
    let last = path.split(separator: "/").last ?? ""
    guard let dot = last.lastIndex(of: "."), dot != last.startIndex else { return "" }
    return last[last.index(after: dot)...].lowercased()
  }

  /// The path without its ending and the dot.
  static func stem(_ path: String) -> String {
    let length = ending(path).count
    return length == 0 ? path : String(path.dropLast(length + 1))
  }

  /// The path without its last part, with the slash; "" where there is but one part.
  static func folder(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
  }

  static func isPicture(_ path: String) -> Bool { ImageFile.extensions.contains(ending(path)) }
  static func isOtherPicture(_ path: String) -> Bool { otherPictures.contains(ending(path)) }

  /// Bytes of a file; 0 where it is missing, which reading it will say.
  static func size(_ path: String) -> Int {
    var facts = stat()
    return stat(path, &facts) == 0 ? Int(facts.st_size) : 0
  }

  /// When a file was last changed, in seconds and nanoseconds, and its size; "" where it is missing.
  static func changed(_ path: String) -> String {
    var facts = stat()
    guard stat(path, &facts) == 0 else { return "" }
    return "\(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec) \(facts.st_size)"
  }
}
