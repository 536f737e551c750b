/// The one thing that Flux reads of EXIF (a TIFF structure): how the picture was held.
enum EXIF {
  private static let orientationTag = 0x0112
  private static let shortType = 3

  /// The orientation in a block of EXIF, upright where it says none or is damaged, as viewers do.
  ///
  /// The block begins with "II" or "MM", or with "Exif" and two zeros before them.
  static func orientation(_ block: ArraySlice<UInt8>) -> Orientation {
    var bytes = Array(block)
    if bytes.starts(with: [0x45, 0x78, 0x69, 0x66, 0, 0]) { bytes.removeFirst(6) }
    let isLittle = bytes.starts(with: "II".utf8)
    guard isLittle || bytes.starts(with: "MM".utf8) else { return .upright }

    /// A number of `size` bytes, or nil beyond the end.
    func number(_ offset: Int, _ size: Int) -> Int? {
      guard offset >= 0, offset <= bytes.count - size else { return nil }
      let digits = bytes[offset..<offset + size]
      return isLittle
        ? digits.reversed().reduce(0) { $0 << 8 | Int($1) } : digits.reduce(0) { $0 << 8 | Int($1) }
    }
    guard number(2, 2) == 42, let directory = number(4, 4), let count = number(directory, 2) else {
      return .upright
    }
    for index in 0..<count {
      let entry = directory + 2 + 12 * index
      guard let tag = number(entry, 2) else { break }
      if tag == orientationTag {
        guard number(entry + 2, 2) == shortType, number(entry + 4, 4) == 1, let value = number(entry + 8, 2) else {
          break
        }
        return Orientation(rawValue: value) ?? .upright
      }
    }
    return .upright
  }
}
