import Testing

@testable import Images

@Suite struct OrientationTests {
  /// All pixels differ, so that only equal placements are equal images.
  private let image = Image(width: 3, height: 2, channels: .rgb, pixels: (0..<18).map { UInt8($0) })

  /// The orientation whose removal does what those of a list do one after the other.
  private func composed(_ orientations: [Orientation]) -> [Orientation] {
    let result = orientations.reduce(image) { $0.upright(from: $1) }
    return Orientation.allCases.filter { image.upright(from: $0) == result }
  }

  @Test func anyTwoOrientationsOneAfterTheOtherAreOneOfTheEight() {
    for first in Orientation.allCases {
      let results = Orientation.allCases.map { composed([first, $0]) }
      #expect(results.allSatisfy { $0.count == 1 }, "\(first)")
      #expect(Set(results.joined()).count == 8, "\(first) then any other gives each of the eight once")
    }
  }

  @Test(arguments: Orientation.allCases) func aTurnAndItsOppositeLeaveTheImage(_ orientation: Orientation) {
    let opposite: Orientation =
      switch orientation {
      case .turnedLeft: .turnedRight
      case .turnedRight: .turnedLeft
      default: orientation
      }
    #expect(composed([orientation, opposite]) == [.upright])
    #expect(composed([.upright, orientation]) == [orientation])
  }

  @Test func turnsAddUpAndMirroringTurnsThemAround() {
    #expect(composed([.turnedLeft, .turnedLeft]) == [.upsideDown])
    #expect(composed([.turnedLeft, .turnedLeft, .turnedLeft]) == [.turnedRight])
    #expect(composed([.mirrored, .mirroredUpsideDown]) == [.upsideDown])
    #expect(composed([.mirrored, .turnedLeft, .mirrored]) == [.turnedRight])
    #expect(composed([.mirrored, .turnedLeft]) != composed([.turnedLeft, .mirrored]))
  }

  @Test(arguments: Orientation.allCases) func sidesAreExchangedByQuarterTurnsOnly(_ orientation: Orientation) {
    let turned = image.upright(from: orientation)
    #expect([turned.width, turned.height] == (orientation.exchangesSides ? [2, 3] : [3, 2]))
    #expect(turned.pixels.sorted() == image.pixels, "no pixel is lost or doubled")
  }

  // MARK: - EXIF

  /// A TIFF structure whose first directory has the given entries: tag, type, count and value.
  private func tiff(_ entries: [(Int, Int, Int, Int)], isLittle: Bool, magic: Int = 42) -> [UInt8] {
    func number(_ value: Int, _ size: Int) -> [UInt8] {
      let bytes = (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
      return isLittle ? bytes : bytes.reversed()
    }
    var bytes = Array((isLittle ? "II" : "MM").utf8) + number(magic, 2) + number(8, 4) + number(entries.count, 2)
    for (tag, type, count, value) in entries {
      // A short value takes the first two of the four bytes.
      bytes += number(tag, 2) + number(type, 2) + number(count, 4)
      bytes += type == 3 ? number(value, 2) + [0, 0] : number(value, 4)
    }
    return bytes + [0, 0, 0, 0]
  }

  private func orientation(_ bytes: [UInt8]) -> Orientation { EXIF.orientation(bytes[...]) }

  @Test(arguments: Orientation.allCases, [false, true])
  func exifOfBothByteOrdersIsRead(_ expected: Orientation, _ isLittle: Bool) {
    let block = tiff([(0x0100, 4, 1, 640), (0x0112, 3, 1, expected.rawValue), (0x011a, 4, 1, 72)], isLittle: isLittle)
    #expect(orientation(block) == expected)
    #expect(orientation(Array("Exif\0\0".utf8) + block) == expected)
  }

  @Test func exifThatSaysNothingUsableIsUpright() {
    let right = (0x0112, 3, 1, 6)
    #expect(orientation(tiff([right], isLittle: true)) == .turnedLeft)
    #expect(orientation(tiff([right], isLittle: true, magic: 43)) == .upright)
    #expect(orientation(tiff([], isLittle: false)) == .upright)
    #expect(orientation(tiff([(0x0100, 3, 1, 6)], isLittle: false)) == .upright, "another tag")
    #expect(orientation(tiff([(0x0112, 4, 1, 6)], isLittle: false)) == .upright, "another type")
    #expect(orientation(tiff([(0x0112, 3, 2, 6)], isLittle: false)) == .upright, "two values")
    for value in [0, 9, 65_535] { #expect(orientation(tiff([(0x0112, 3, 1, value)], isLittle: true)) == .upright) }
    #expect(orientation(Array("XX".utf8)) == .upright && orientation([]) == .upright)
  }

  @Test func exifThatIsCutOffIsUprightUntilItsEntryIsWhole() {
    let block = tiff([(0x0112, 3, 1, 8)], isLittle: false)
    for count in 0...block.count {
      #expect(orientation(Array(block[..<count])) == (count < 20 ? .upright : .turnedRight), "\(count) bytes")
    }
  }
}
