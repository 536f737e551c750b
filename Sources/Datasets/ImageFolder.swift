import Foundation
import Images
import Support

/// Captioned images in a folder or archive, in one of three layouts.
///
/// The order is that of the names' bytes. Opening reads names and captions; images are read on demand, by any number of
/// threads.
public struct ImageFolder: CaptionedImages {
  /// How captions are stored.
  public enum Layout: String, Sendable, Codable {
    /// Images, each with captions in a text file of the same name: `name.jpg` and `name.txt`.
    case textFiles
    /// Images listed with their captions in `metadata.jsonl` or `metadata.csv`.
    case metadata
    /// WebDataset: `.tar` archives of `key.jpg` with `key.txt` or `key.json`.
    case archives
  }

  /// The layout that was detected.
  public let layout: Layout
  /// Unused files: images without a metadata line or in an unsupported format, unsupported archives and tables, and
  /// captions without an image.
  public let leftOver: [String]
  /// Images that are masks of others, by their names; they are not used for training.
  public let masks: [String]
  /// SHA-256 of the names, file sizes and captions in their order, in 64 hexadecimal digits; pixels are not read.
  public let digest: String
  /// Other warnings, one sentence each.
  public let remarks: [String]
  private let entries: [ImageEntry]

  /// The maximum size of an image file in bytes.
  static let largestFile = 1 << 29

  /// The memory limit of images that are decoded at the same time.
  private static let memory = MemoryBudget(1500 << 20)

  /// Detects the layout of a folder or a .tar archive and lists its images.
  ///
  /// With `repeats`, images in a folder named `N_NAME` directly in the root are listed N times (kohya's convention); throws
  /// if there is no such folder.
  public init(_ url: URL, repeats: Bool = false) throws(DatasetError) {
    let root = url.resolvingSymlinksInPath().path
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: root, isDirectory: &isFolder) else { throw .missing(path: url.path) }
    var listing: ImageListing
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
        throw .noImages(path: url.path, found: found)
      }
    } else {
      guard ArchiveLayout.isArchive(ByteString(root)) else {
        throw .noImages(path: url.path, found: "a file that is neither a folder nor a .tar archive")
      }
      let file = url.resolvingSymlinksInPath()
      let folder = file.deletingLastPathComponent().path
      (layout, listing) = (.archives, try ArchiveLayout.list([ByteString(file.lastPathComponent)], in: folder))
      guard !listing.entries.isEmpty else { throw .noImages(path: url.path, found: Self.summary(listing)) }
    }
    let sorted = listing.entries.sorted { $0.name < $1.name }
    entries = repeats ? try FolderRepeats.applied(to: sorted, path: url.path) : sorted
    leftOver = listing.leftOver.sorted().map(\.description)
    masks = listing.masks.sorted().map(\.description)
    remarks = listing.remarks
    digest = Self.digest(of: entries)
  }

  /// Number of images, unreadable ones included.
  public var count: Int { entries.count }
  /// Path of the image from the folder; U+FFFD stands for what is not UTF-8.
  public func id(_ index: Int) -> String { entries[index].id }
  /// All captions of the image; empty if there are none or they cannot be read.
  public func captions(_ index: Int) -> [String] { entries[index].captions }

  /// Reads and decodes an image; thread-safe, with the memory limit of `withImage`.
  public func image(_ index: Int) throws(DatasetError) -> Image { try withImage(index) { $0 } }

  /// Thread-safe; the memory of concurrently decoded images is limited, and a very large image is decoded alone.
  public func withImage<Result>(_ index: Int, _ body: (Image) -> Result) throws(DatasetError) -> Result {
    let entry = entries[index]
    if let problem = entry.problem { throw problem }
    // Small files are read completely; of large ones only the header, to estimate their memory.
    let whole: [UInt8]?
    let head: [UInt8]
    do throws(FileError) {
      whole = entry.size <= 1 << 24 ? try entry.slice.read(limit: Self.largestFile) : nil
      if let whole { head = whole } else { head = try entry.slice.read(first: 1 << 20) }
    } catch { throw .file(error) }
    return try Self.memory.with(Self.memoryNeeded(entry, head)) { () throws(DatasetError) in
      body(try Self.decode(entry, whole))
    }
  }

  /// The images with a side shorter than `side` pixels, from the headers of their files; those whose header does not have
  /// the size are left out.
  public func images(below side: Int) -> [(id: String, width: Int, height: Int)] {
    zip(entries, uprightSizes()).compactMap { entry, size in
      size.flatMap { min($0.width, $0.height) < side ? (entry.id, $0.width, $0.height) : nil }
    }
  }

  /// Width and height of every upright image, from the headers of their files; nil if a header does not have them.
  public func uprightSizes() -> [(width: Int, height: Int)?] {
    Parallel.map(Array(entries)) { entry in
      // Metadata before the size may be long, and WebP has its orientation behind the pixels.
      for bytes in [1 << 16, 1 << 20] {
        guard let head = try? entry.slice.read(first: bytes) else { return nil }
        let whole = ImageFile(head) == .webp ? try? entry.slice.read(limit: Self.largestFile) : nil
        if let size = ImageFile.uprightSize(whole ?? head) { return size }
      }
      return nil
    }
  }

  private static func decode(_ entry: ImageEntry, _ whole: [UInt8]?) throws(DatasetError) -> Image {
    let bytes: [UInt8]
    do throws(FileError) {
      if let whole { bytes = whole } else { bytes = try entry.slice.read(limit: largestFile) }
    } catch { throw .file(error) }
    do {
      return try ImageFile.decode(bytes, file: entry.id)
    } catch { throw .image(error) }
  }

  /// Estimates the bytes needed to decode, rotate, composite and crop an image.
  ///
  /// The file size plus twelve bytes per pixel; the whole budget if the header does not have the size.
  private static func memoryNeeded(_ entry: ImageEntry, _ head: [UInt8]) -> Int {
    guard ImageFile(head) != nil else { return 0 }  // it is refused by its first bytes
    guard let (width, height) = ImageFile.size(head) else { return memory.limit }
    return entry.size + 12 * min(width, 1 << 16) * min(height, 1 << 16)
  }

  /// Warnings about the data set, one sentence each; no image is decoded.
  ///
  /// Images without captions, captions that cannot be read or are not UTF-8, ignored files and masks.
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
    if !masks.isEmpty { warnings.append("\(masks.count) ignored as masks: \(named(masks))") }
    if !leftOver.isEmpty { warnings.append("\(leftOver.count) not used: \(named(leftOver))") }
    return warnings
  }

  private static func counted(_ count: Int) -> String { "\(count) image\(count == 1 ? "" : "s")" }

  /// Identifies the content more strictly than `digest`, with the modification times of the files.
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

  /// A summary of a folder by file extensions.
  private static func summary(_ names: [ByteString]) -> String {
    var counts: [String: Int] = [:]
    for name in names where !FileName.kind(name).isEmpty { counts[FileName.kind(name), default: 0] += 1 }
    if counts.isEmpty { return names.isEmpty ? "an empty folder" : "no files with an extension" }
    let common = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(4)
    return common.map { "\($0.value) .\($0.key)" }.joined(separator: ", ")
  }

  /// A summary of archives without images.
  private static func summary(_ listing: ImageListing) -> String {
    guard let first = listing.leftOver.first else { return "no image in the archive" }
    return
      "no image in the archive: the extension of a member must follow the first dot of its name, unlike \(first)"
  }

  private static func digest(of entries: [ImageEntry]) -> String {
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
