import Foundation

/// A folder in memory for the readers that take paths; each process has its own.
enum Scratch {
  static let folder: URL = {
    let name = "flux-fuzz-\(ProcessInfo.processInfo.processIdentifier)"
    let memory = FileManager.default.fileExists(atPath: "/dev/shm") ? "/dev/shm" : NSTemporaryDirectory()
    let url = URL(fileURLWithPath: memory).appendingPathComponent(name)
    make(url)
    return url
  }()

  /// A folder within it, which is made.
  static func folder(_ name: String) -> URL {
    let url = folder.appendingPathComponent(name)
    make(url)
    return url
  }

  /// Writes a file within a folder and gives its place.
  @discardableResult
  static func write(_ bytes: [UInt8], _ name: String, in folder: URL = Scratch.folder) -> URL {
    let url = folder.appendingPathComponent(name)
    let descriptor = open(url.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    demand(descriptor >= 0, "\(url.path) cannot be written")
    defer { close(descriptor) }
    demand(Foundation.write(descriptor, bytes, bytes.count) == bytes.count, "\(url.path) cannot be written")
    return url
  }

  static func remove() { try? FileManager.default.removeItem(at: folder) }

  private static func make(_ url: URL) {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch { fatalError("\(url.path) cannot be made: \(error)") }
  }
}
