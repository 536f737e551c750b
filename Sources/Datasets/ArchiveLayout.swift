import Foundation
import Support

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
      add(members.filter { !isHidden($0.name) }, of: name, to: &listing)
    }
    listing.leftOver += names.filter { FileName.isPicture($0) || FileName.isOtherPicture($0) }
    return listing
  }

  private static func add(_ members: [TarArchive.Member], of archive: String, to listing: inout PictureListing) {
    var texts: [String: Result<[String], DataError>] = [:]  // of a key, its captions
    for member in members {
      let (key, ending) = split(member.name)
      if ending == "txt" {
        texts[key] = CaptionText.read(member.slice).map(CaptionText.lines)
      } else if ending == "json", texts[key] == nil {
        texts[key] = CaptionText.read(member.slice).map(captions)
      }
    }
    var used: Set<String> = []
    var places: [String: Int] = [:]  // where in the listing a name is; as in any archive, its last member counts
    for member in members {
      let (key, ending) = split(member.name)
      let id = "\(archive)/\(plain(member.name))"
      if FileName.isPicture("x.\(ending)") {
        used.insert(key)
        var entry = PictureEntry(id: id, slice: member.slice, size: member.slice.length ?? 0, captions: [])
        switch texts[key] {
        case .success(let captions): entry.captions = captions
        case .failure(let error): entry.problem = error
        case nil: break
        }
        if let place = places[id] {
          listing.entries[place] = entry
        } else {
          places[id] = listing.entries.count
          listing.entries.append(entry)
        }
      } else if FileName.isOtherPicture("x.\(ending)") {
        listing.leftOver.append(id)
      }
    }
    listing.leftOver += texts.keys.filter { !used.contains($0) }.map { "\(archive)/\($0)" }
  }

  private static func captions(_ json: [UInt8]) -> [String] {
    let object = try? JSONSerialization.jsonObject(with: Foundation.Data(json))
    return CaptionText.captions(in: object as? [String: Any] ?? [:])
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
