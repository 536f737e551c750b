import Files

/// Pictures with a text file of the same name beside each: `cat.jpg` and `cat.txt`, in folders of any depth.
enum TextFileLayout {
  /// Every line of a text file is a caption of its own.
  static func list(_ names: [String], in root: String) throws(DataError) -> PictureListing {
    let texts = Set(names.filter { FileName.ending($0) == "txt" })
    var listing = PictureListing()
    var used: Set<String> = []
    for name in names {
      if FileName.isPicture(name) {
        let text = FileName.stem(name) + ".txt"
        var captions: [String] = []
        if texts.contains(text) {
          captions = CaptionText.lines(try FileName.read("\(root)/\(text)", limit: CaptionText.limit))
          used.insert(text)
        }
        let path = "\(root)/\(name)"
        listing.entries.append(
          PictureEntry(id: name, slice: FileSlice(path: path), size: FileName.size(path), captions: captions))
      } else if FileName.isOtherPicture(name) {
        listing.leftOver.append(name)
      }
    }
    listing.leftOver += texts.subtracting(used)
    return listing
  }
}
