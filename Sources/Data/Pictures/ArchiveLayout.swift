import Files
import Foundation

/// WebDataset: `.tar` archives in which members of one key belong together: `0001.jpg` and `0001.txt` or `0001.json`.
///
/// The key is a member's path up to the first dot of its last part. The lines of a `.txt` are captions, or `text` or
/// `caption` of a `.json`.
enum ArchiveLayout {
  static func isArchive(_ name: String) -> Bool { FileName.ending(name) == "tar" }

  static func list(_ names: [String], in root: String) throws(DataError) -> PictureListing {
    var listing = PictureListing()
    for name in names where isArchive(name) {
      let members: [TarArchive.Member]
      do {
        members = try TarArchive.members(of: "\(root)/\(name)")
      } catch { throw .archive(error) }
      try add(members.filter { !isHidden($0.name) }, of: name, to: &listing)
    }
    listing.leftOver += names.filter { FileName.isPicture($0) || FileName.isOtherPicture($0) }
    return listing
  }

  private static func add(
    _ members: [TarArchive.Member], of archive: String, to listing: inout PictureListing
  ) throws(DataError) {
    var captions: [String: [String]] = [:]  // of a key
    for member in members {
      let (key, ending) = split(member.name)
      if ending == "txt" { captions[key] = CaptionText.lines(try text(member)) }
    }
    for member in members {
      let (key, ending) = split(member.name)
      if ending == "json", captions[key] == nil {
        let object = try? JSONSerialization.jsonObject(with: Foundation.Data(try text(member)))
        captions[key] = CaptionText.captions(in: object as? [String: Any] ?? [:])
      }
    }
    var used: Set<String> = []
    for member in members {
      let (key, ending) = split(member.name)
      let id = "\(archive)/\(plain(member.name))"
      if FileName.isPicture("x.\(ending)") {
        used.insert(key)
        listing.entries.append(
          PictureEntry(
            id: id, slice: member.slice, size: member.slice.length ?? 0, captions: captions[key] ?? []))
      } else if FileName.isOtherPicture("x.\(ending)") {
        listing.leftOver.append(id)
      }
    }
    listing.leftOver += captions.keys.filter { !used.contains($0) }.map { "\(archive)/\($0)" }
  }

  private static func text(_ member: TarArchive.Member) throws(DataError) -> [UInt8] {
    do {
      return try member.slice.read(limit: CaptionText.limit)
    } catch { throw .file(error) }
  }

  /// A member's key and what follows the first dot of its last part, in lower case.
  private static func split(_ name: String) -> (key: String, ending: String) {
    let path = plain(name)
    let folder = FileName.folder(path)
    let last = path.dropFirst(folder.count)
    guard let dot = last.firstIndex(of: ".") else { return (path, "") }
    return (folder + last[..<dot], last[last.index(after: dot)...].lowercased())
  }

  /// Without "./", with which some programs begin every name.
  private static func plain(_ name: String) -> String { name.hasPrefix("./") ? String(name.dropFirst(2)) : name }

  private static func isHidden(_ name: String) -> Bool {
    plain(name).split(separator: "/").contains { $0.hasPrefix(".") }
  }
}
