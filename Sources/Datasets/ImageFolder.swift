import Foundation
import Images
import Support

/// Pictures with captions as people have them on their disks, in one of three layouts.
///
/// The order is that of the names' bytes, whatever the file system says. Opening reads names and captions; pictures are
/// read when they are asked for, by any number of threads.
public struct PictureFiles: PictureSource {
  /// How captions stand to pictures.
  public enum Layout: String, Sendable, Codable {
    case textFiles  // name.jpg and name.txt
    case metadata  // metadata.jsonl or metadata.csv
    case archives  // WebDataset: .tar archives of key.jpg and key.txt or key.json
  }

  public let layout: Layout
  /// Files that look as if they should belong to the pictures and do not: pictures that no line of the metadata names or
  /// whose format is not read, and texts of no picture.
  public let leftOver: [String]
  public let digest: String
  private let entries: [PictureEntry]

  /// The most bytes of a picture file that are read.
  static let largestFile = 1 << 29

  /// Finds out which layout a folder or a .tar archive has, and lists its pictures.
  public init(_ url: URL) throws(DataError) {
    let root = url.resolvingSymlinksInPath().path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else { throw .missing(path: url.path) }
    let listing: PictureListing
    if isFolder.boolValue {
      let names = Self.names(in: root)
      if names.contains(where: { MetadataLayout.isMetadata($0) }) {
        (layout, listing) = (.metadata, try MetadataLayout.list(names, in: root))
      } else if names.contains(where: { ArchiveLayout.isArchive($0) }) {
        (layout, listing) = (.archives, try ArchiveLayout.list(names, in: root))
      } else {
        (layout, listing) = (.textFiles, TextFileLayout.list(names, in: root))
      }
      guard !listing.entries.isEmpty else { throw .noPictures(path: url.path, found: Self.summary(names)) }
    } else {
      guard ArchiveLayout.isArchive(root) else {
        throw .noPictures(path: url.path, found: "a file that is no folder and no .tar archive")
      }
      let file = url.resolvingSymlinksInPath()
      let folder = file.deletingLastPathComponent().path
      (layout, listing) = (.archives, try ArchiveLayout.list([file.lastPathComponent], in: folder))
      guard !listing.entries.isEmpty else { throw .noPictures(path: url.path, found: "no picture in the archive") }
    }
    entries = listing.entries.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    leftOver = listing.leftOver.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    digest = Self.digest(of: entries)
  }

  public var count: Int { entries.count }
  public func id(_ index: Int) -> String { entries[index].id }
  public func captions(_ index: Int) -> [String] { entries[index].captions }

  public func image(_ index: Int) throws(DataError) -> Image {
    let entry = entries[index]
    if let problem = entry.problem { throw problem }
    let bytes: [UInt8]
    do {
      bytes = try entry.slice.read(limit: Self.largestFile)
    } catch { throw .file(error) }
    do {
      return try ImageFile.decode(bytes, file: entry.id)
    } catch { throw .picture(error) }
  }

  /// Names the content more strictly than `digest`: by the times at which the files were last changed, too.
  public func fingerprint() -> String {
    var hash = SHA256()
    var times: [String: String] = [:]  // of a file; an archive holds many pictures
    for entry in entries {
      let path = entry.slice.path
      let time = times[path] ?? FileName.changed(path)
      times[path] = time
      Array("\(time)\n".utf8).withUnsafeBytes { hash.update($0) }
    }
    Array(digest.utf8).withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }

  /// All files below a folder, as paths from there; hidden ones and what lies in hidden folders are left out.
  private static func names(in root: String) -> [String] {
    let all = (try? FileManager.default.subpathsOfDirectory(atPath: root)) ?? []
    return all.filter { path in !path.split(separator: "/").contains { $0.hasPrefix(".") } }
      .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// What is in a folder, by the endings of names.
  private static func summary(_ names: [String]) -> String {
    var counts: [String: Int] = [:]
    for name in names where !FileName.ending(name).isEmpty { counts[FileName.ending(name), default: 0] += 1 }
    if counts.isEmpty { return names.isEmpty ? "an empty folder" : "no file whose name has an ending" }
    let common = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
    return common.map { "\($0.value) .\($0.key)" }.joined(separator: ", ")
  }

  private static func digest(of entries: [PictureEntry]) -> String {
    var hash = SHA256()
    func add(_ text: String) { Array("\(text.utf8.count) \(text)\n".utf8).withUnsafeBytes { hash.update($0) } }
    for entry in entries {
      add(entry.id)
      add("\(entry.size) \(entry.captions.count)")
      for caption in entry.captions { add(caption) }
    }
    return hash.hexDigest()
  }
}
