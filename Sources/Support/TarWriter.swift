import Foundation

/// A tar archive in the ustar format (POSIX.1-1988), written front to back into an `AtomicFile`.
///
/// Times, owners and modes are fixed, so that the same entries give the same bytes.
public final class TarWriter {
  /// Why an entry cannot be stored.
  public enum Failure: Error, CustomStringConvertible, Sendable, Equatable {
    /// A name that is empty or longer than 100 bytes.
    case name(String)
    /// A name with its size in bytes, which is 8 GiB or more.
    case size(String, Int)

    public var description: String {
      switch self {
      case .name(let name): "\"\(name)\" cannot be a name in a tar archive: 1 to 100 bytes are"
      case .size(let name, let size): "\(name) has \(size) bytes; an entry of a tar archive has less than 8 GiB"
      }
    }
  }

  private static let block = 512
  private let file: AtomicFile

  /// Begins an archive that appears at `url` when it is finished.
  public init(_ url: URL) throws(FileError) { file = try AtomicFile(url) }

  /// Appends a file.
  public func add(_ name: String, _ bytes: [UInt8]) throws {
    try file.write(Self.header(name, size: bytes.count))
    try file.write(bytes)
    try file.write([UInt8](repeating: 0, count: (Self.block - bytes.count % Self.block) % Self.block))
  }

  /// Ends the archive with two empty blocks and gives it its name.
  public func finish() throws(FileError) {
    try file.write([UInt8](repeating: 0, count: 2 * Self.block))
    try file.commit()
  }

  /// The block that stands before a file's bytes.
  private static func header(_ name: String, size: Int) throws(Failure) -> [UInt8] {
    let nameBytes = Array(name.utf8)
    guard (1...100).contains(nameBytes.count) else { throw .name(name) }
    guard size < 1 << 33 else { throw .size(name, size) }
    var header = [UInt8](repeating: 0, count: block)
    func put(_ bytes: [UInt8], at offset: Int) { header.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
    func octal(_ value: Int, _ width: Int) -> [UInt8] {
      let digits = String(value, radix: 8)
      return Array((String(repeating: "0", count: width - 1 - digits.count) + digits).utf8) + [0]
    }
    put(nameBytes, at: 0)
    put(octal(0o644, 8), at: 100)  // mode
    put(octal(0, 8), at: 108)  // owner
    put(octal(0, 8), at: 116)  // group
    put(octal(size, 12), at: 124)
    put(octal(0, 12), at: 136)  // time
    put([UInt8](repeating: 32, count: 8), at: 148)  // the checksum counts itself as spaces
    put([48], at: 156)  // a plain file
    put(Array("ustar".utf8) + [0, 48, 48], at: 257)
    put(Array(octal(header.reduce(0) { $0 + Int($1) }, 7)) + [32], at: 148)
    return header
  }
}
