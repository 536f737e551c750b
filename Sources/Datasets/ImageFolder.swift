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
  /// Files that look as if they should belong to the images and do not: images that no line of the metadata names or
  /// whose format is not read, archives and tables that are not read, and texts of no image.
  public let leftOver: [String]
  /// Images that are masks of others, by their names; they are not learned from.
  public let masks: [String]
  public let digest: String
  /// Other things that people should know, a sentence each.
  public let remarks: [String]
  private let entries: [PictureEntry]

  /// The most bytes of an image file that are read.
  static let largestFile = 1 << 29

  /// What images that are decoded at the same time may take together.
  private static let memory = MemoryBudget(1500 << 20)

  /// Finds out which layout a folder or a .tar archive has, and lists its images.
  public init(_ url: URL) throws(DataError) {
    let root = url.resolvingSymlinksInPath().path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else { throw .missing(path: url.path) }
    var listing: PictureListing
    if isFolder.boolValue {
      let folder = FolderNames(root)
      let names = folder.names
      if names.contains(where: MetadataLayout.isMetadata) {
        (layout, listing) = (.metadata, try MetadataLayout.list(names, in: root))
      } else if names.contains(where: ArchiveLayout.isArchive) {
        (layout, listing) = (.archives, try ArchiveLayout.list(names, in: root))
      } else {
        (layout, listing) = (.textFiles, TextFileLayout.list(names, in: root))
      }
      listing.remarks += folder.unreadable.map { "the folder \($0)" }
      guard !listing.entries.isEmpty else {
        let found = layout == .archives ? Self.summary(listing) : Self.summary(names)
        throw .noPictures(path: url.path, found: found)
      }
    } else {
      guard ArchiveLayout.isArchive(ByteString(root)) else {
        throw .noPictures(path: url.path, found: "a file that is no folder and no .tar archive")
      }
      let file = url.resolvingSymlinksInPath()
      let folder = file.deletingLastPathComponent().path
      (layout, listing) = (.archives, try ArchiveLayout.list([ByteString(file.lastPathComponent)], in: folder))
      guard !listing.entries.isEmpty else { throw .noPictures(path: url.path, found: Self.summary(listing)) }
    }
    entries = listing.entries.sorted { $0.name < $1.name }
    leftOver = listing.leftOver.sorted().map(\.description)
    masks = listing.masks.sorted().map(\.description)
    remarks = listing.remarks
    digest = Self.digest(of: entries)
  }

  public var count: Int { entries.count }
  public func id(_ index: Int) -> String { entries[index].id }
  public func captions(_ index: Int) -> [String] { entries[index].captions }

  public func image(_ index: Int) throws(DataError) -> Image { try withImage(index) { $0 } }

  /// Many threads may ask at once: what they decode together is bounded, and an image of very many pixels waits until
  /// it is alone.
  public func withImage<Result>(_ index: Int, _ body: (Image) -> Result) throws(DataError) -> Result {
    let entry = entries[index]
    if let problem = entry.problem { throw problem }
    // Small files are read at once; of large ones only what tells how much memory they will take.
    let whole: [UInt8]?
    let head: [UInt8]
    do throws(FileError) {
      whole = entry.size <= 1 << 24 ? try entry.slice.read(limit: Self.largestFile) : nil
      if let whole { head = whole } else { head = try entry.slice.read(first: 1 << 20) }
    } catch { throw .file(error) }
    return try Self.memory.with(Self.memoryNeeded(entry, head)) { () throws(DataError) in
      body(try Self.decode(entry, whole))
    }
  }

  private static func decode(_ entry: PictureEntry, _ whole: [UInt8]?) throws(DataError) -> Image {
    let bytes: [UInt8]
    do throws(FileError) {
      if let whole { bytes = whole } else { bytes = try entry.slice.read(limit: largestFile) }
    } catch { throw .file(error) }
    do {
      return try ImageFile.decode(bytes, file: entry.id)
    } catch { throw .picture(error) }
  }

  /// About how many bytes an image takes while it is decoded, turned, laid on white and cut.
  ///
  /// Its file, and twelve for each of its pixels; the whole budget where the beginning of the file does not tell.
  private static func memoryNeeded(_ entry: PictureEntry, _ head: [UInt8]) -> Int {
    guard ImageFile(head) != nil else { return 0 }  // it is refused by its first bytes
    guard let (width, height) = ImageFile.size(head) else { return memory.limit }
    return entry.size + 12 * min(width, 1 << 16) * min(height, 1 << 16)
  }

  /// What people should know before hours are spent, each as one sentence; no image is decoded.
  ///
  /// Images without captions, captions that cannot be read or are not UTF-8, files and masks that are left out.
  public var warnings: [String] {
    func named(_ names: [String]) -> String {
      names.prefix(3).joined(separator: ", ") + (names.count > 3 ? " and \(names.count - 3) more" : "")
    }
    var warnings = remarks
    let unread = entries.filter { $0.problem != nil }
    if let first = unread.first?.problem {
      warnings.append("captions of \(Self.counted(unread.count)) cannot be read; the first: \(first)")
    }
    let uncaptioned = entries.filter { $0.captions.isEmpty && $0.problem == nil }
    if !uncaptioned.isEmpty {
      warnings.append("\(Self.counted(uncaptioned.count)) without a caption: \(named(uncaptioned.map(\.id)))")
    }
    let broken = entries.filter { $0.captions.contains { $0.unicodeScalars.contains("\u{FFFD}") } }
    if !broken.isEmpty {
      warnings.append("captions of \(Self.counted(broken.count)) not in UTF-8: \(named(broken.map(\.id)))")
    }
    if !masks.isEmpty { warnings.append("\(masks.count) left out as masks: \(named(masks))") }
    if !leftOver.isEmpty { warnings.append("\(leftOver.count) not used: \(named(leftOver))") }
    return warnings
  }

  private static func counted(_ count: Int) -> String { "\(count) image\(count == 1 ? "" : "s")" }

  /// Names the content more strictly than `digest`: by the times at which the files were last changed, too.
  public func fingerprint() -> String {
    var hash = SHA256()
    var times: [ByteString: String] = [:]  // of a file; an archive holds many images
    for entry in entries {
      let time = times[entry.slice.name] ?? FileName.changed(entry.slice)
      times[entry.slice.name] = time
      Array("\(time)\n".utf8).withUnsafeBytes { hash.update($0) }
    }
    Array(digest.utf8).withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }

  /// What is in a folder, by the endings of names.
  private static func summary(_ names: [ByteString]) -> String {
    var counts: [String: Int] = [:]
    for name in names where !FileName.kind(name).isEmpty { counts[FileName.kind(name), default: 0] += 1 }
    if counts.isEmpty { return names.isEmpty ? "an empty folder" : "no file whose name has an ending" }
    let common = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
    return common.map { "\($0.value) .\($0.key)" }.joined(separator: ", ")
  }

  /// What is in archives without images.
  private static func summary(_ listing: PictureListing) -> String {
    guard let first = listing.leftOver.first else { return "no image in the archive" }
    return
      "no image in the archive, whose members' names must have the ending right after their first dot, unlike \(first)"
  }

  private static func digest(of entries: [PictureEntry]) -> String {
    var hash = SHA256()
    func add(_ bytes: some Collection<UInt8>) {
      (Array("\(bytes.count) ".utf8) + Array(bytes) + [10]).withUnsafeBytes { hash.update($0) }
    }
    func add(_ text: String) { add(text.utf8) }
    for entry in entries {
      add(entry.name.bytes)
      add("\(entry.size) \(entry.captions.count)")
      for caption in entry.captions { add(caption) }
    }
    return hash.hexDigest()
  }
}
