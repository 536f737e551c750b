import Foundation
import Images

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
