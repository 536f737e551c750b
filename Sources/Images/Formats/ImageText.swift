// Reads the text that image files carry, from wherever programs put it.

extension ImageFile {
  /// The text entries of an image file.
  ///
  /// In a PNG they are its text chunks. In a JPEG or WebP the user comment of EXIF is the entry `parameters`, and what Flux
  /// writes for itself is the entry `flux`; other text of EXIF has the name of its field or, if it begins as in ComfyUI with
  /// `prompt:` or `workflow:`, this one. Damaged entries are left out.
  public static func texts(in bytes: [UInt8]) -> [PNGText.Entry] {
    switch ImageFile(bytes) {
    case .png: PNGText.read(bytes) + (PNG.chunk("eXIf", of: bytes).map(texts(ofEXIF:)) ?? [])
    case .jpeg: JPEG.exif(bytes).map(texts(ofEXIF:)) ?? []
    case .webp: WebP.exif(bytes).map(texts(ofEXIF:)) ?? []
    case nil: []
    }
  }

  private static func texts(ofEXIF block: ArraySlice<UInt8>) -> [PNGText.Entry] {
    let fields = EXIFFields(block)
    var entries: [PNGText.Entry] = []
    if let comment = fields.comment, !comment.isEmpty { entries.append(.init(keyword: "parameters", text: comment)) }
    if let note = fields.bytes(EXIF.noteTag), note.starts(with: EXIF.noteMark) {
      entries.append(.init(keyword: "flux", text: String(decoding: note[EXIF.noteMark.count...], as: UTF8.self)))
    }
    for (tag, name) in [(0x010e, "ImageDescription"), (0x010f, "Make"), (0x0110, "Model"), (0x0131, "Software")] {
      guard let text = fields.text(tag), !text.isEmpty else { continue }
      let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
      let isComfyUI = parts.count == 2 && ["prompt", "workflow"].contains(parts[0].lowercased())
      entries.append(
        isComfyUI ? .init(keyword: parts[0].lowercased(), text: parts[1]) : .init(keyword: name, text: text))
    }
    return entries
  }
}

extension JPEG {
  /// The EXIF block of a JPEG, or nil.
  static func exif(_ bytes: [UInt8]) -> ArraySlice<UInt8>? {
    var offset = 2  // after the start marker
    while offset + 4 <= bytes.count, bytes[offset] == 0xff, bytes[offset + 1] != 0xda {
      let length = Int(bytes[offset + 2]) << 8 | Int(bytes[offset + 3])
      guard length >= 2, offset + 2 + length <= bytes.count else { return nil }
      let body = bytes[offset + 4..<offset + 2 + length]
      if bytes[offset + 1] == 0xe1, body.starts(with: "Exif\0\0".utf8) { return body }
      offset += 2 + length
    }
    return nil
  }
}
