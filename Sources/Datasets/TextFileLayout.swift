import Support

/// Images with a text file of the same name: `cat.jpg` and `cat.txt`, in folders of any depth.
///
/// The extension may be `.txt` or `.caption`, in any case; of several the first of `.txt`, `.TXT`, `.caption` counts.
/// Every line of a text file is a separate caption.
enum TextFileLayout {
  static func list(_ names: [ByteString], in root: String) -> ImageListing {
    var texts = NameIndex<[ByteString]>()  // of a stem, its text files, the one that counts first
    for name in names where CaptionText.endings.contains(FileName.ending(name)) {
      let stem = FileName.stem(name)
      texts[exactly: stem] = ((texts[exactly: stem] ?? []) + [name]).sorted { rank($0) < rank($1) }
    }
    let images = names.filter(FileName.isImage)
    let stems = Set(images.map(FileName.stem))
    // An image uses the text of another Unicode form of its name only if no other image has that name.
    func textStem(_ image: ByteString) -> ByteString? {
      texts.resolve(FileName.stem(image), taken: { stems.contains($0) })
    }
    let masks = ImageMask.masks(among: images.map { (name: $0, stem: FileName.stem($0)) }) { textStem($0) != nil }

    var listing = ImageListing()
    listing.masks = images.filter(masks.contains)
    var used: Set<ByteString> = []
    for name in images where !masks.contains(name) {
      let slice = FileSlice(name: ByteString(root + "/") + name)
      var entry = ImageEntry(name: name, slice: slice, size: FileName.size(slice), captions: [])
      if let text = textStem(name).flatMap({ texts[exactly: $0]?.first }) {
        used.insert(text)
        switch CaptionText.read(FileSlice(name: ByteString(root + "/") + text)) {
        case .success(let bytes): entry.captions = CaptionText.lines(bytes)
        case .failure(let error): entry.problem = error
        }
      }
      listing.entries.append(entry)
    }
    listing.leftOver = names.filter { name in
      FileName.isUnread(name) || (CaptionText.endings.contains(FileName.ending(name)) && !used.contains(name))
    }
    return listing
  }

  private static func rank(_ name: ByteString) -> Int {
    let isText = FileName.ending(name) == "txt"
    let isLowerCase = name.bytes.suffix(3).allSatisfy { $0 >= UInt8(ascii: "a") }
    return (isText ? 0 : 2) + (isLowerCase ? 0 : 1)
  }
}

/// Images that are masks of other images, by the naming conventions of training programs.
enum ImageMask {
  /// Suffixes of mask names, as in `cat-masklabel.png`.
  private static let suffixes = ["-masklabel", "-condlabel", "_mask", "-mask", ".mask"]
  /// Folders of masks, as in `masks/cat.png` beside `cat.jpg` or `images/cat.jpg`.
  private static let folders: Set<String> = ["mask", "masks"]

  /// The images that are masks.
  ///
  /// Their name is another's with a suffix, or they are in a mask folder and another image has the same name outside it.
  /// Images with a caption are not masks.
  static func masks(
    among images: [(name: ByteString, stem: ByteString)], hasText: (ByteString) -> Bool
  ) -> Set<ByteString> {
    let stems = Set(images.map(\.stem))
    var places: Set<ByteString> = []  // of images outside of masks' folders, with the last folder left out
    for image in images where !isInMaskFolder(image.stem) { places.insert(outside(image.stem)) }
    return Set(
      images.compactMap { name, stem in
        guard !hasText(name) else { return nil }
        for suffix in suffixes where stem.bytes.suffix(suffix.utf8.count).map(lowered) == Array(suffix.utf8) {
          if stems.contains(ByteString(stem.bytes.dropLast(suffix.utf8.count))) { return name }
        }
        guard isInMaskFolder(stem) else { return nil }
        let beside = outside(stem)
        return stems.contains(beside) || places.contains(beside) ? name : nil
      })
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte + 0x20 : byte }

  private static func isInMaskFolder(_ stem: ByteString) -> Bool {
    let folder = FileName.last(ByteString(FileName.folder(stem).bytes.dropLast()))
    return folders.contains(String(decoding: folder, as: UTF8.self).lowercased())
  }

  /// `a/masks/cat` as `a/cat`.
  private static func outside(_ stem: ByteString) -> ByteString {
    FileName.folder(ByteString(FileName.folder(stem).bytes.dropLast())) + ByteString(FileName.last(stem))
  }
}
