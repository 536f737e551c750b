import Foundation
import Support

/// Hugging Face's image folders: images with a `metadata.jsonl` or `metadata.csv` in the same folder.
///
/// A line has `file_name`, relative to the folder of the metadata, and `text`, `caption` or `prompt`. Several lines for
/// one image are several captions.
enum MetadataLayout {
  private static let largestFile = 1 << 32

  static func isMetadata(_ name: ByteString) -> Bool {
    ["metadata.jsonl", "metadata.csv"].contains(ByteString(FileName.last(name)).description.lowercased())
  }

  static func list(_ names: [ByteString], in root: String) throws(DatasetError) -> ImageListing {
    var files = NameIndex<Bool>()  // on the disk
    for name in names { files[exactly: name] = true }
    var metadata: [ByteString: ByteString] = [:]  // of a folder
    var places: [ByteString: Int] = [:]  // where in the entries a name is
    var listing = ImageListing()
    for file in names where isMetadata(file) {
      let folder = FileName.folder(file)
      if let other = metadata.updateValue(file, forKey: folder) {
        throw .malformed(
          file: "\(root)/\(file)", line: 1,
          reason: "the folder also has \(ByteString(FileName.last(other))); keep only one of them")
      }
      let table = try records(ByteString(root + "/") + file)
      if let columns = table.otherColumns {
        listing.remarks.append("\(file): no line has \(CaptionText.columnNames); there are \(columns)")
      }
      for record in table.records {
        let name = files.resolve(folder + record.name) ?? folder + record.name
        if let place = places[name] {
          listing.entries[place].captions += record.captions
        } else {
          places[name] = listing.entries.count
          let slice = FileSlice(name: ByteString(root + "/") + name)
          listing.entries.append(
            ImageEntry(name: name, slice: slice, size: FileName.size(slice), captions: record.captions))
        }
      }
    }
    listing.leftOver = names.filter { name in
      places[name] == nil && !isMetadata(name) && (FileName.isImage(name) || FileName.isUnread(name))
    }
    return listing
  }

  private struct Record {
    let name: ByteString
    let captions: [String]
  }

  private struct Table {
    var records: [Record] = []
    var otherColumns: String?  // the columns, if there is none for captions
  }

  private static func records(_ file: ByteString) throws(DatasetError) -> Table {
    let bytes: [UInt8]
    do {
      bytes = try FileSlice(name: file).read(limit: largestFile)
    } catch { throw .file(error) }
    let path = file.description
    return FileName.ending(file) == "csv" ? try table(bytes, path) : try lines(bytes, path)
  }

  private static func lines(_ bytes: [UInt8], _ path: String) throws(DatasetError) -> Table {
    var table = Table()
    var (hasColumn, keys): (Bool, Set<String>) = (false, [])
    for (index, line) in CaptionText.withoutMark(bytes)
      .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      .enumerated() where !line.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 })
    {
      func malformed(_ reason: String) -> DatasetError { .malformed(file: path, line: index + 1, reason: reason) }
      guard let record = JSONValue(line), let fields = record.fields else { throw malformed("it is not a JSON object") }
      guard let name = CaptionText.nameColumns.lazy.compactMap({ record[$0]?.string }).first else {
        throw malformed("\"file_name\" is missing; there are \(list(fields.map(\.key).sorted()))")
      }
      let captions: CaptionText.Record
      do throws(CaptionText.Damage) {
        captions = try CaptionText.captions(in: record)
      } catch { throw malformed(error.reason) }
      if captions.hasColumn { hasColumn = true }
      if !hasColumn { keys.formUnion(fields.map(\.key)) }
      table.records.append(Record(name: try checked(name, path, index + 1), captions: captions.captions))
    }
    if !hasColumn, !table.records.isEmpty { table.otherColumns = list(keys.sorted()) }
    return table
  }

  private static func table(_ bytes: [UInt8], _ path: String) throws(DatasetError) -> Table {
    let rows: [CSV.Row]
    do {
      rows = try CSV.rows(bytes)
    } catch { throw .malformed(file: path, line: error.line, reason: "unclosed quote") }
    guard let head = rows.first else { throw .malformed(file: path, line: 1, reason: "it is empty") }
    let names = CaptionText.nameColumns.compactMap { head.fields.firstIndex(of: $0) }
    let texts = CaptionText.columns.compactMap { head.fields.firstIndex(of: $0) }
    guard let nameColumn = names.first, !texts.isEmpty else {
      throw .malformed(
        file: path, line: head.line,
        reason: "the columns file_name and \(CaptionText.columnNames) are needed; there are \(list(head.fields))")
    }
    var table = Table()
    for row in rows.dropFirst() {
      guard row.fields.count == head.fields.count else {
        throw .malformed(
          file: path, line: row.line, reason: "it has \(row.fields.count) fields, the header \(head.fields.count)")
      }
      let caption = texts.lazy.map { CaptionText.tidy(row.fields[$0]) }.first { !$0.isEmpty }
      table.records.append(
        Record(name: try checked(row.fields[nameColumn], path, row.line), captions: caption.map { [$0] } ?? []))
    }
    return table
  }

  /// A name without "./"; names outside the folder are refused.
  private static func checked(_ name: String, _ path: String, _ line: Int) throws(DatasetError) -> ByteString {
    let bytes = Array(name.utf8)
    let parts = bytes.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
    guard bytes.first != UInt8(ascii: "/"), !parts.isEmpty, !bytes.contains(0),
      !parts.contains(where: { $0.elementsEqual("..".utf8) })
    else { throw .malformed(file: path, line: line, reason: "the file name \"\(name)\" is outside the folder") }
    return ByteString(parts.joined(separator: [UInt8(ascii: "/")]))
  }

  private static func list(_ names: [String]) -> String {
    names.isEmpty ? "none" : names.map { "\"\($0)\"" }.joined(separator: ", ")
  }
}
