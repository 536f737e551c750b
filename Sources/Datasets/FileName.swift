import Foundation
import Images
import Support

/// File names of data sets: paths with slashes, compared byte by byte.
enum FileName {
  private static let (dot, slash) = (UInt8(ascii: "."), UInt8(ascii: "/"))

  /// Common image formats that Flux does not support.
  private static let otherImages: Set<String> = [
    "gif", "bmp", "tif", "tiff", "heic", "heif", "hif", "avif", "jxl", "jp2", "j2k", "jpx", "apng", "svg", "ico", "tga",
    "ppm", "pgm", "pbm", "pnm", "psd", "exr", "hdr", "dng", "cr2", "cr3", "nef", "arw", "orf", "raf", "raw",
  ]

  /// Common archive and table formats that Flux does not support.
  private static let otherContainers: Set<String> = [
    "gz", "tgz", "bz2", "tbz2", "xz", "txz", "zst", "tzst", "lz4", "zip", "7z", "rar", "parquet", "arrow", "tfrecord",
    "lmdb", "h5", "hdf5", "npz", "json", "jsonl", "csv", "tsv",
  ]

  /// Files that Flux itself writes.
  private static let own: Set<String> = ["dataset.json", "metadata.jsonl", "metadata.csv"]

  /// The last part of a path.
  static func last(_ path: ByteString) -> ArraySlice<UInt8> {
    path.bytes[(path.bytes.lastIndex(of: slash).map { $0 + 1 } ?? 0)...]
  }

  /// The extension in lower case; "" if there is none.
  static func ending(_ path: ByteString) -> String {
    let last = last(path)
    guard let place = last.lastIndex(of: dot), place != last.startIndex else { return "" }
    return text(last[(place + 1)...])
  }

  /// The path without its extension.
  static func stem(_ path: ByteString) -> ByteString {
    let last = last(path)
    guard let place = last.lastIndex(of: dot), place != last.startIndex else { return path }
    return ByteString(path.bytes[..<place])
  }

  /// The path without its last part, with the slash; "" if there is only one part.
  static func folder(_ path: ByteString) -> ByteString {
    ByteString(path.bytes[..<(path.bytes.lastIndex(of: slash).map { $0 + 1 } ?? 0)])
  }

  /// A path up to the first dot of its last part, and what follows that dot, in lower case: key and field of WebDataset.
  static func keyAndField(_ path: ByteString) -> (key: ByteString, field: String) {
    guard let place = last(path).firstIndex(of: dot) else { return (path, "") }
    return (ByteString(path.bytes[..<place]), text(path.bytes[(place + 1)...]))
  }

  /// Whether a part of the path begins with a dot, except "." and "..".
  static func isHidden(_ path: ByteString) -> Bool {
    path.bytes.split(separator: slash).contains {
      $0.first == dot && !$0.elementsEqual([dot]) && !$0.elementsEqual([dot, dot])
    }
  }

  /// Without "./", with which some programs begin every name.
  static func withoutDotSlash(_ path: ByteString) -> ByteString {
    path.bytes.starts(with: [dot, slash]) ? ByteString(path.bytes.dropFirst(2)) : path
  }

  static func isImage(_ path: ByteString) -> Bool { ImageFile.extensions.contains(ending(path)) }

  /// Whether a file looks like an image or data file of an unsupported format.
  static func isUnread(_ path: ByteString) -> Bool {
    let ending = ending(path)
    return otherImages.contains(ending)
      || (otherContainers.contains(ending) && !own.contains(text(last(path))))
  }

  /// The kind of a file by its name, for messages: "png", "tar.gz".
  static func kind(_ path: ByteString) -> String {
    let ending = ending(path)
    return self.ending(stem(path)) == "tar" ? "tar.\(ending)" : ending
  }

  /// The size of a file in bytes; 0 if it is missing, which is an error when it is read.
  static func size(_ file: FileSlice) -> Int { file.facts.map { Int($0.st_size) } ?? 0 }

  /// The modification time of a file, in seconds and nanoseconds, and its size; "" if it is missing.
  static func changed(_ file: FileSlice) -> String {
    guard let facts = file.facts else { return "" }
    return "\(facts.st_mtim.tv_sec).\(facts.st_mtim.tv_nsec) \(facts.st_size)"
  }

  private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self).lowercased() }
}

/// The files below a folder.
struct FolderNames {
  /// Paths relative to the folder, in the order of their bytes, without hidden files and folders; links to folders are not
  /// followed.
  private(set) var names: [ByteString] = []
  /// Folders that cannot be read.
  private(set) var unreadable: [String] = []

  init(_ root: String) {
    var folders: [ByteString] = [""]
    while let folder = folders.popLast() {
      let path = ByteString(root + "/") + folder
      guard
        let stream = (path.bytes.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer({
          opendir($0.baseAddress!)
        })
      else {
        unreadable.append("\(path): \(String(cString: strerror(errno)))")
        continue
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let start = UnsafeRawPointer(entry) + MemoryLayout<dirent>.offset(of: \.d_name)!
        let bytes = UnsafeRawBufferPointer(start: start, count: strlen(start.assumingMemoryBound(to: CChar.self)))
        if bytes.first == UInt8(ascii: ".") { continue }
        let name = folder + ByteString(bytes)
        if FileSlice(name: ByteString(root + "/") + name).isFolderItself {
          folders.append(name + "/")
        } else {
          names.append(name)
        }
      }
    }
    names.sort()
    unreadable.sort()
  }
}
