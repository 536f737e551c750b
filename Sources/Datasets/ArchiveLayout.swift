import Foundation
import Support

/// WebDataset: `.tar` archives in which members with equal keys belong together: `0001.jpg` and `0001.txt` or `0001.json`.
///
/// The key is a member's path up to the first dot of its last part, the field is the rest: `0001.seg.png` is the field
/// `seg.png` of `0001` and not a training image. Captions are the lines of a `.txt` or `.caption`, or the values of
/// `text`, `caption` or `prompt` in a `.json`.
enum ArchiveLayout {
  static func isArchive(_ name: ByteString) -> Bool { FileName.ending(name) == "tar" }

  static func list(_ names: [ByteString], in root: String) throws(DatasetError) -> ImageListing {
    var listing = ImageListing()
    for name in names where isArchive(name) {
      let members: [TarArchive.Member]
      do {
        members = try TarArchive.members(of: FileSlice(name: ByteString(root + "/") + name))
      } catch { throw .archive(error) }
      add(members.map(Member.init).filter { !FileName.isHidden($0.path) }, of: name, to: &listing)
    }
    listing.leftOver += names.filter { FileName.isImage($0) || FileName.isUnread($0) }
    return listing
  }

  /// A member with its key and field.
  private struct Member {
    let path: ByteString
    let key: ByteString
    let field: String
    let slice: FileSlice

    init(_ member: TarArchive.Member) {
      path = FileName.withoutDotSlash(member.name)
      (key, field) = FileName.keyAndField(path)
      slice = member.slice
    }

    var isImage: Bool { FileName.isImage(ByteString("x." + field)) && !field.contains(".") }
    var isText: Bool { CaptionText.endings.contains(field) }
    /// Whether it looks like an image or data file.
    var isUnread: Bool {
      let name = ByteString("x." + field)
      return FileName.isImage(name) || (FileName.isUnread(name) && field != "json")
    }
  }

  private static func add(_ members: [Member], of archive: ByteString, to listing: inout ImageListing) {
    var texts = NameIndex<Member>()  // of a key: a text file before a record; as in any archive, the last member counts
    for member in members where member.isText || member.field == "json" {
      if member.field == "json", texts[exactly: member.key]?.isText == true { continue }
      texts[exactly: member.key] = member
    }
    let images = members.filter(\.isImage)
    let keys = Set(images.map(\.key))
    func textKey(_ key: ByteString) -> ByteString? { texts.resolve(key, taken: { keys.contains($0) }) }
    let keyOf = Dictionary(images.map { ($0.path, $0.key) }, uniquingKeysWith: { $1 })
    let masks = ImageMask.masks(among: images.map { (name: $0.path, stem: $0.key) }) { path in
      keyOf[path].flatMap(textKey) != nil
    }

    var used: Set<ByteString> = []
    var read: [ByteString: Result<[String], DatasetError>] = [:]  // of a key, its captions
    var places: [ByteString: Int] = [:]  // where in the listing a path is
    for member in members {
      let name = archive + "/" + member.path
      if masks.contains(member.path) {
        listing.masks.append(name)
      } else if member.isImage {
        var entry = ImageEntry(name: name, slice: member.slice, size: member.slice.length ?? 0, captions: [])
        if let key = textKey(member.key), let text = texts[exactly: key] {
          used.insert(key)
          let captions = read[key] ?? captions(of: text, in: archive)
          read[key] = captions
          switch captions {
          case .success(let captions): entry.captions = captions
          case .failure(let error): entry.problem = error
          }
        }
        if let place = places[member.path] {
          listing.entries[place] = entry
        } else {
          places[member.path] = listing.entries.count
          listing.entries.append(entry)
        }
      } else if member.isUnread {
        listing.leftOver.append(name)
      }
    }
    let isImageKey = keys.contains
    listing.leftOver += texts.names.filter { !used.contains($0) && !isImageKey($0) }.map { archive + "/" + $0 }
  }

  private static func captions(of member: Member, in archive: ByteString) -> Result<[String], DatasetError> {
    switch CaptionText.read(member.slice) {
    case .failure(let error): return .failure(error)
    case .success(let bytes):
      if member.isText { return .success(CaptionText.lines(bytes)) }
      func wrong(_ reason: String) -> Result<[String], DatasetError> {
        .failure(.record(file: "\(archive)/\(member.path)", reason: reason))
      }
      guard let record = JSONValue(CaptionText.withoutMark(bytes)), record.fields != nil else {
        return wrong("it is not a JSON object")
      }
      do throws(CaptionText.Damage) {
        return .success(try CaptionText.captions(in: record).captions)
      } catch { return wrong(error.reason) }
    }
  }
}
