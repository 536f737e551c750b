import Support

/// Pictures with a text file of the same name beside each: `cat.jpg` and `cat.txt`, in folders of any depth.
enum TextFileLayout {
  /// Every line of a text file is a caption of its own.
  static func list(_ names: [String], in root: String) -> PictureListing {
    let texts = Set(names.filter { FileName.ending($0) == "txt" })
    var listing = PictureListing()
    var used: Set<String> = []
    for name in names {
      if FileName.isPicture(name) {
        let path = "\(root)/\(name)"
        var entry = PictureEntry(id: name, slice: FileSlice(path: path), size: FileName.size(path), captions: [])
        let text = FileName.stem(name) + ".txt"
        if texts.contains(text) {
          used.insert(text)
          switch CaptionText.read(FileSlice(path: "\(root)/\(text)")) {
          case .success(let bytes): entry.captions = CaptionText.lines(bytes)
          case .failure(let error): entry.problem = error
          }
        }
        listing.entries.append(entry)
      } else if FileName.isOtherPicture(name) {
        listing.leftOver.append(name)
      }
    }
    listing.leftOver += texts.subtracting(used)
    return listing
  }
}
