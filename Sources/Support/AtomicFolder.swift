import Foundation

/// A folder that appears whole or not at all.
///
/// Files go into a temporary folder beside it; `commit` renames that one, and takes away an older folder of the name.
/// What is not committed is removed; what kill -9 leaves behind goes with `removeLeftovers`.
public final class AtomicFolder {
  /// Where to put the files until `commit`.
  public let url: URL
  private let target: URL
  private var isCommitted = false

  /// Makes the temporary folder beside `target`.
  public init(_ target: URL) throws(FileError) {
    self.target = target
    url = URL(fileURLWithPath: AtomicFile.temporaryPath(beside: target.path, ending: Self.suffix))
    if mkdir(url.path, 0o755) != 0 { throw FileError("create", target.path, errno: errno) }
  }

  deinit {
    if !isCommitted { try? FileManager.default.removeItem(at: url) }
  }

  /// Gives the folder its name; its files are taken to be durable already, as `AtomicFile` leaves them.
  public func commit() throws(FileError) {
    if rename(url.path, target.path) != 0 {
      guard errno == ENOTEMPTY || errno == EEXIST else { throw FileError("create", target.path, errno: errno) }
      try replace()
    }
    isCommitted = true
    let parent = open(target.deletingLastPathComponent().path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }

  /// Runs `body` with a folder to fill, and commits it.
  public static func write<E: Error>(_ target: URL, _ body: (URL) throws(E) -> Void) throws {
    let folder = try AtomicFolder(target)
    try body(folder.url)
    try folder.commit()
  }

  /// Removes what processes that are no more have left in a folder.
  public static func removeLeftovers(in folder: URL) {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    for name in names where name.hasPrefix(".") && name.hasSuffix(suffix) {
      guard let process = name.dropLast(suffix.count).split(separator: ".").last.flatMap({ pid_t($0) }),
        kill(process, 0) != 0, errno == ESRCH
      else { continue }
      try? FileManager.default.removeItem(at: folder.appendingPathComponent(name))
    }
  }

  private static let suffix = ".part"

  /// Exchanges the new folder with the old one, which then goes.
  private func replace() throws(FileError) {
    #if os(Linux)
      let exchange: UInt32 = 2  // RENAME_EXCHANGE
      if renameat2(AT_FDCWD, url.path, AT_FDCWD, target.path, exchange) == 0 {
        try? FileManager.default.removeItem(at: url)
        return
      }
    #endif
    // Where the system cannot exchange, there is a moment without either.
    let old = url.path + ".old"
    guard rename(target.path, old) == 0, rename(url.path, target.path) == 0 else {
      throw FileError("create", target.path, errno: errno)
    }
    try? FileManager.default.removeItem(atPath: old)
  }
}

#if os(Linux)
  /// glibc 2.28 and later have it; Foundation does not show it.
  @_silgen_name("renameat2")
  private func renameat2(
    _ oldFolder: Int32, _ old: UnsafePointer<CChar>, _ newFolder: Int32, _ new: UnsafePointer<CChar>, _ flags: UInt32
  ) -> Int32
#endif
