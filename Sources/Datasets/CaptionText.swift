import Foundation
import Support

/// The location of an image, and its captions.
struct ImageEntry: Sendable {
  let name: ByteString  // from the folder
  let slice: FileSlice
  let size: Int  // bytes; 0 if the file is missing
  var captions: [String]
  var problem: DatasetError?  // why its captions cannot be read; thrown when the image is read

  /// The name in messages.
  var id: String { name.description }
}

/// The images and other files found by a layout.
struct ImageListing {
  var entries: [ImageEntry] = []
  var leftOver: [ByteString] = []  // unused files that look like images, captions or data
  var masks: [ByteString] = []  // masks of other images
  var remarks: [String] = []  // other warnings
}

/// Captions in text files and records.
enum CaptionText {
  /// The maximum size of a text file in bytes.
  static let limit = 1 << 20

  /// The keys of captions in a record: the first non-empty one counts.
  static let columns = ["text", "caption", "prompt"]

  /// The keys of the image name in a record.
  static let nameColumns = ["file_name", "image", "filename"]

  /// The columns for captions, in messages.
  static let columnNames = "text, caption or prompt"

  /// Extensions of caption files, in lower case.
  static let endings: Set<String> = ["txt", "caption"]

  /// The bytes of a text file or of an archive member.
  static func read(_ slice: FileSlice) -> Result<[UInt8], DatasetError> {
    do {
      return .success(try slice.read(limit: limit))
    } catch { return .failure(.file(error)) }
  }

  /// The captions of a text file: its non-empty lines.
  static func lines(_ bytes: [UInt8]) -> [String] {
    text(bytes).split(whereSeparator: \.isNewline).map(tidy).filter { !$0.isEmpty }
  }

  /// The captions of a record.
  struct Record {
    var captions: [String] = []
    var hasColumn = false  // whether it has a caption key
  }

  /// Why a record's captions cannot be read.
  struct Damage: Error {
    let reason: String
  }

  /// The captions of a record: a string, or a list of strings.
  ///
  /// Keys that are null or empty are skipped.
  static func captions(in record: JSONValue) throws(Damage) -> Record {
    var found = Record()
    for column in columns {
      guard let value = record[column] else { continue }
      found.hasColumn = true
      let values = value.array ?? [value]
      for text in values where !text.isNull {
        guard let text = text.string else {
          throw Damage(reason: "\"\(column)\" is neither a string nor a list of strings")
        }
        let caption = tidy(text)
        if !caption.isEmpty { found.captions.append(caption) }
      }
      if !found.captions.isEmpty { break }
    }
    return found
  }

  /// One caption, with line breaks replaced by spaces.
  static func tidy(_ text: some StringProtocol) -> String {
    text.split(whereSeparator: \.isNewline).joined(separator: " ").trimmingCharacters(in: .whitespaces)
  }

  /// UTF-8 text without a byte order mark; invalid bytes become U+FFFD.
  static func text(_ bytes: [UInt8]) -> String { String(decoding: withoutMark(bytes), as: UTF8.self) }

  /// Bytes without the byte order mark of UTF-8.
  static func withoutMark(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
    bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes[3...] : bytes[...]
  }
}
