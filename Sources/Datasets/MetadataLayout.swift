import Foundation
import Support

/// Hugging Face's image folders: `metadata.jsonl` or `metadata.csv` beside the pictures that its lines name.
///
/// A line holds `file_name`, from the folder of the metadata, and `text` or `caption`. Several lines about one picture
/// are several captions.
enum MetadataLayout {
  private static let largestFile = 1 << 32

  static func isMetadata(_ name: String) -> Bool {
    ["metadata.jsonl", "metadata.csv"].contains(name.split(separator: "/").last)
  }

  static func list(_ names: [String], in root: String) throws(DataError) -> PictureListing {
    var places: [String: Int] = [:]  // where in the entries a name is
    var listing = PictureListing()
    for file in names where isMetadata(file) {
      let folder = FileName.folder(file)
      if file.hasSuffix(".jsonl"), names.contains(folder + "metadata.csv") {
        throw .malformed(
          file: "\(root)/\(file)", line: 1, reason: "metadata.csv lies beside it, and only one of them can be right")
      }
      for record in try records("\(root)/\(file)") {
        let name = folder + record.name
        if let place = places[name] {
          listing.entries[place].captions += record.captions
        } else {
          places[name] = listing.entries.count
          let path = "\(root)/\(name)"
          listing.entries.append(
            PictureEntry(id: name, slice: FileSlice(path: path), size: FileName.size(path), captions: record.captions))
        }
      }
    }
    listing.leftOver = names.filter { name in
      places[name] == nil && (FileName.isPicture(name) || FileName.isOtherPicture(name))
    }
    return listing
  }

  private struct Record {
    let name: String
    let captions: [String]
  }

  private static func records(_ path: String) throws(DataError) -> [Record] {
    let bytes: [UInt8]
    do {
      bytes = try FileSlice(path: path).read(limit: largestFile)
    } catch { throw .file(error) }
    return path.hasSuffix(".csv") ? try table(bytes, path) : try lines(bytes, path)
  }

  private static func lines(_ bytes: [UInt8], _ path: String) throws(DataError) -> [Record] {
    var records: [Record] = []
    let start = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    for (index, line) in bytes[start...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated() where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 })
    {
      guard let object = try? JSONSerialization.jsonObject(with: Foundation.Data(line)),
        let fields = object as? [String: Any]
      else { throw .malformed(file: path, line: index + 1, reason: "it is no JSON object") }
      guard let name = fields["file_name"] as? String else {
        throw .malformed(
          file: path, line: index + 1, reason: "\"file_name\" is missing; there are \(list(fields.keys.sorted()))")
      }
      records.append(
        Record(name: try checked(name, path, index + 1), captions: CaptionText.captions(in: fields)))
    }
    return records
  }

  private static func table(_ bytes: [UInt8], _ path: String) throws(DataError) -> [Record] {
    let rows: [CSV.Row]
    do {
      rows = try CSV.rows(bytes)
    } catch { throw .malformed(file: path, line: error.line, reason: "the quote that opens here is never closed") }
    guard let head = rows.first else { throw .malformed(file: path, line: 1, reason: "it is empty") }
    guard let nameColumn = head.fields.firstIndex(of: "file_name"),
      let textColumn = head.fields.firstIndex(of: "text") ?? head.fields.firstIndex(of: "caption")
    else {
      throw .malformed(
        file: path, line: head.line,
        reason: "the columns file_name and text or caption are needed; there are \(list(head.fields))")
    }
    var records: [Record] = []
    for row in rows.dropFirst() {
      guard row.fields.count == head.fields.count else {
        throw .malformed(
          file: path, line: row.line, reason: "it has \(row.fields.count) fields, the first line \(head.fields.count)")
      }
      records.append(
        Record(
          name: try checked(row.fields[nameColumn], path, row.line),
          captions: CaptionText.captions(in: ["text": row.fields[textColumn]])))
    }
    return records
  }

  /// A name without "./"; names that lead out of the folder are refused.
  private static func checked(_ name: String, _ path: String, _ line: Int) throws(DataError) -> String {
    let parts = name.split(separator: "/").filter { $0 != "." }
    guard !name.hasPrefix("/"), !parts.isEmpty, !parts.contains("..") else {
      throw .malformed(file: path, line: line, reason: "the file name \"\(name)\" is none within the folder")
    }
    return parts.joined(separator: "/")
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
