/// What the markers before the pixels of a JPEG say (ITU-T T.81, annex B).
struct JPEGHeader {
  let width: Int
  let height: Int
  let components: Int
  let isArithmetic: Bool  // arithmetic coding, which has no least size
  let orientation: Orientation
  let scanStart: Int  // where the first scan begins

  /// Walks the markers up to the first scan; nil, with a reason, where they are damaged.
  static func read(_ bytes: [UInt8]) -> Result<JPEGHeader, Damage> {
    var frame: (width: Int, height: Int, components: Int, isArithmetic: Bool)?
    var orientation = Orientation.upright
    var offset = 2  // after the start marker
    while true {
      while offset < bytes.count, bytes[offset] != 0xff { offset += 1 }  // stray bytes, which decoders skip, too
      while offset < bytes.count, bytes[offset] == 0xff { offset += 1 }  // fill bytes
      guard offset < bytes.count else { return .failure(Damage("it ends before its pixels: the file is truncated")) }
      let marker = bytes[offset]
      offset += 1
      if marker == 0 || marker == 1 || (0xd0...0xd8).contains(marker) { continue }  // they stand alone
      guard marker != 0xd9 else { return .failure(Damage("it ends without pixels")) }
      guard offset + 2 <= bytes.count else {
        return .failure(Damage("it ends before its pixels: the file is truncated"))
      }
      let length = Int(bytes[offset]) << 8 | Int(bytes[offset + 1])
      guard length >= 2, offset + length <= bytes.count else {
        return .failure(Damage("a segment of \(length) bytes does not fit: the file is truncated or damaged"))
      }
      let body = bytes[offset + 2..<offset + length]
      switch marker {
      case 0xc0...0xc3, 0xc5...0xc7, 0xc9...0xcb, 0xcd...0xcf:
        guard body.count >= 6 else { return .failure(Damage("its frame header has \(body.count) bytes")) }
        let b = Array(body.prefix(6))  // precision, height, width, components
        frame = (Int(b[3]) << 8 | Int(b[4]), Int(b[1]) << 8 | Int(b[2]), Int(b[5]), marker > 0xc8)
      case 0xe1 where body.starts(with: "Exif".utf8): orientation = EXIF.orientation(body)
      case 0xda:
        guard let frame else { return .failure(Damage("it has pixels before their size")) }
        return .success(
          JPEGHeader(
            width: frame.width, height: frame.height, components: frame.components, isArithmetic: frame.isArithmetic,
            orientation: orientation, scanStart: offset + length))
      default: break
      }
      offset += length
    }
  }

  /// What is wrong with a file.
  struct Damage: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }
}
