/// The table of contents of a tar archive: POSIX ustar and pax, GNU long names, and the older format without a magic.
///
/// Nothing is unpacked; a member's bytes are read from the archive when they are needed.
public enum TarArchive {
  /// A regular file of an archive.
  public struct Member: Sendable, Equatable {
    public let name: String
    public let slice: FileSlice
  }

  /// The regular files of an archive, in their order; throws where a header is damaged or claims what is not there.
  ///
  /// An archive without the block of zeros that ends it is refused: it is the only sign of one that lost its last
  /// members.
  public static func members(of path: String) throws(TarError) -> [Member] {
    let file = try open(path)
    var members: [Member] = []
    var next = PaxRecords()  // what the headers before a member say about it
    var offset = 0
    while true {
      func failure(_ reason: String) -> TarError { .malformed(file: path, offset: offset, reason: reason) }
      guard offset + block <= file.size else {
        throw failure("it ends without the zeros that mark the end: the file is truncated")
      }
      let bytes = try read(file, offset, block)
      if bytes.allSatisfy({ $0 == 0 }) { return members }
      let header: TarHeader
      switch TarHeader.read(bytes) {
      case .success(let found): header = found
      case .failure(let damage): throw failure(damage.reason)
      }
      let start = offset + block
      let claimed = header.kind.isExtension ? header.size : next.size ?? header.size
      let size = header.kind.hasData ? claimed : 0
      guard size <= file.size - start else {
        throw failure("\"\(header.name)\" claims \(size) bytes, and \(file.size - start) follow")
      }
      if header.kind.isExtension {
        guard size <= longestName else { throw failure("a name claims \(size) bytes, more than 1 MiB") }
        guard next.note(try read(file, start, size), of: header.kind) else {
          throw failure("its pax records are damaged")
        }
      } else {
        let name = next.path ?? header.name
        if header.kind == .sparse { throw failure("\"\(name)\" is a sparse file, which is not read") }
        if header.kind == .file, !name.hasSuffix("/") {
          members.append(Member(name: name, slice: FileSlice(path: path, offset: start, length: size)))
        }
        next = PaxRecords()
      }
      offset = start + (size + block - 1) / block * block
    }
  }

  private static let block = 512
  private static let longestName = 1 << 20  // bytes of a long name or of pax records

  private static func open(_ path: String) throws(TarError) -> OpenFile {
    do {
      return try OpenFile(path)
    } catch { throw .unreadable(error) }
  }

  private static func read(_ file: OpenFile, _ offset: Int, _ length: Int) throws(TarError) -> [UInt8] {
    do {
      return try file.bytes(offset, length)
    } catch { throw .unreadable(error) }
  }
}
