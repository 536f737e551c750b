import Foundation
import Support

/// Where one image lies, and what is said about it.
struct PictureEntry: Sendable {
  let name: ByteString  // from the folder
  let slice: FileSlice
  let size: Int  // bytes; 0 where the file is missing
  var captions: [String]
  var problem: DataError?  // why its captions cannot be read; reading the image says so

  /// The name in messages.
  var id: String { name.description }
}

/// What a layout found.
struct PictureListing {
  var entries: [PictureEntry] = []
  var leftOver: [ByteString] = []  // files that look as if they should belong to the images and do not
  var masks: [ByteString] = []  // images that say where something is in another image
  var remarks: [String] = []  // other things that people should know
}

/// How captions are written in text files and records.
enum CaptionText {
  /// The most bytes of a text file that are read.
  static let limit = 1 << 20

  /// Under which keys a record has its captions: the first counts that says something.
  static let columns = ["text", "caption", "prompt"]

  /// Under which keys a record names its image.
  static let nameColumns = ["file_name", "image", "filename"]

  /// The columns for captions, in messages.
  static let columnNames = "text, caption or prompt"

  /// Endings of text files that hold captions, in lower case.
  static let endings: Set<String> = ["txt", "caption"]

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

  /// The captions of a record.
  struct Record {
    var captions: [String] = []
    var hasColumn = false  // whether it has a key for captions at all
  }

  /// Why a record's captions cannot be read.
  struct Damage: Error {
    let reason: String
  }

  /// The captions of a record: a text, or a list of texts.
  ///
  /// A key that is null or empty lets the next one speak.
  static func captions(in record: JSONValue) throws(Damage) -> Record {
    var found = Record()
    for column in columns {
      guard let value = record[column] else { continue }
      found.hasColumn = true
      let values = value.array ?? [value]
      for text in values where !text.isNull {
        guard let text = text.string else {
          throw Damage(reason: "\"\(column)\" is neither a text nor a list of texts")
        }
        let caption = tidy(text)
        if !caption.isEmpty { found.captions.append(caption) }
      }
      if !found.captions.isEmpty { break }
    }
    return found
  }

  /// One caption: a line break within it is a space.
  static func tidy(_ text: some StringProtocol) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ").trimmingCharacters(in: .whitespaces)
  }

  /// UTF-8 without a byte order mark; U+FFFD stands for what is no UTF-8.
  static func text(_ bytes: [UInt8]) -> String { String(decoding: withoutMark(bytes), as: UTF8.self) }

  /// Bytes without the byte order mark of UTF-8.
  static func withoutMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes[3...] : bytes[...]
  }
}
