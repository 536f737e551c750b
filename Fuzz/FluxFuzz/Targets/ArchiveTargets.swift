import Foundation

@testable import Datasets
@testable import Support

extension FuzzTarget {
  /// Archives of images and captions.
  static var archives: [FuzzTarget] {
    [
      FuzzTarget("tar", dictionary: "tar", maxLength: 8192, seeds: { try ArchiveSeeds.all() }) { bytes in
        let archive = Scratch.write(bytes, "a.tar", in: Scratch.folder("archive"))
        _ = try TarArchive.members(of: FileSlice(path: archive.path))
      },
      FuzzTarget("tar-repaired", dictionary: "tar", maxLength: 8192, seeds: { try ArchiveSeeds.all() }) { bytes in
        // Nearly every change to a header breaks its checksum, behind which the reader lies.
        let archive = Scratch.write(TarChecksums.repaired(bytes), "a.tar", in: Scratch.folder("archive"))
        for member in try TarArchive.members(of: FileSlice(path: archive.path)) {
          demand(try member.slice.read().count == member.slice.length, "a member of another length")
        }
        let images = try ImageFolder(archive)
        _ = images.warnings
        for index in 0..<images.count {
          demand(images.captions(index).allSatisfy { !$0.isEmpty }, "an empty caption")
          _ = try? images.withImage(index) { $0.width }
        }
      },
      FuzzTarget("pax", dictionary: "tar", maxLength: 512, seeds: { ArchiveSeeds.records }) { bytes in
        var records = PaxRecords()
        _ = records.note(bytes, of: .pax)
        demand(records.size ?? 0 >= 0, "a negative size")
        _ = records.note(bytes, of: .longName)
      },
    ]
  }
}

/// Small archives.
private enum ArchiveSeeds {
  static let records = Seeds.texts("20 path=d/\u{e9}.png\n12 size=77\n", "30 mtime=1350244992.023960108\n")

  static func all() throws -> [[UInt8]] {
    let plain = try archive([
      ("0001.txt", Array("a red apple\na blue star".utf8)), ("0001.png", try ImageSeeds.png()[1]),
      ("0002.json", Array(#"{"caption":["a panda","a bear"]}"#.utf8)), ("0002.jpg", try ImageSeeds.jpeg()[0]),
    ])
    let longName = [UInt8](repeating: 0x61, count: 200)
    return [
      plain, try special("././@LongLink", "L", longName + [0]) + plain,
      try special("PaxHeaders/x", "x", records[0]) + plain,
    ]
  }

  private static func archive(_ members: [(String, [UInt8])]) throws -> [UInt8] {
    let url = Scratch.folder.appendingPathComponent("seed.tar")
    let writer = try TarWriter(url)
    for (name, bytes) in members { try writer.add(name, bytes) }
    try writer.finish()
    return [UInt8](try Data(contentsOf: url))
  }

  /// A member of another kind, without the end of an archive.
  private static func special(_ name: String, _ kind: Character, _ bytes: [UInt8]) throws -> [UInt8] {
    var member = try archive([(name, bytes)])
    member.removeLast(1024)
    member[156] = kind.asciiValue ?? 0
    return TarChecksums.repaired(member)
  }
}

/// The checksums of tar headers, so that changed archives are read beyond them.
private enum TarChecksums {
  /// The archive with the right checksum in every header that a reader comes to.
  static func repaired(_ bytes: [UInt8]) -> [UInt8] {
    var (archive, offset) = (bytes, 0)
    while offset + 512 <= archive.count {
      if archive[offset..<offset + 512].allSatisfy({ $0 == 0 }) { break }
      archive.replaceSubrange(offset + 148..<offset + 156, with: [UInt8](repeating: 32, count: 8))
      let sum = String(archive[offset..<offset + 512].reduce(0) { $0 + Int($1) }, radix: 8)
      archive.replaceSubrange(offset + 148..<offset + 148 + sum.utf8.count, with: Array(sum.utf8))
      guard case .success(let header) = TarHeader.read(Array(archive[offset..<offset + 512])) else { break }
      let size = header.kind.hasData ? header.size : 0
      guard size < archive.count else { break }
      offset += 512 + (size + 511) / 512 * 512
    }
    return archive
  }
}
