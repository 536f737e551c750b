import Datasets
import Foundation
import Support

@testable import Images

extension FuzzTarget {
  /// Image files, their EXIF and their text, and what is done with sizes that an input chooses.
  static var images: [FuzzTarget] {
    [
      FuzzTarget("png", dictionary: "png", seeds: { try ImageSeeds.png() }) { bytes in
        try readImage(bytes)
      },
      FuzzTarget("png-repaired", dictionary: "png", seeds: { try ImageSeeds.png() }) { bytes in
        // Nearly every change breaks a checksum, behind which most of the decoder lies.
        let repaired = PNGChecksums.repaired(bytes)
        _ = PNGText.read(repaired)
        try readImage(repaired)
      },
      FuzzTarget("jpeg", dictionary: "jpeg", seeds: { try ImageSeeds.jpeg() }) { bytes in
        try readImage(bytes)
      },
      FuzzTarget("webp", dictionary: "webp", seeds: { try ImageSeeds.webp() }) { bytes in
        // A few bytes are rightly an image of 178 million pixels, at which the fuzzer would spend its time.
        if let size = ImageFile.size(bytes), size.width * size.height > 1 << 20 { return }
        try readImage(bytes)
      },
      FuzzTarget("exif", dictionary: "exif", maxLength: 512, seeds: { ImageSeeds.exif }) { bytes in
        let image = Image(width: 2, height: 3, channels: .gray, pixels: [1, 2, 3, 4, 5, 6])
        demand(image.upright(from: EXIF.orientation(bytes[...])).pixels.count == 6, "turning loses pixels")
        _ = EXIFFields(bytes[...]).comment
      },
      FuzzTarget("image-text", seeds: { Seeds.texts("parameters\0a red apple\nSteps: 20", "Überschrift\0紅い林檎 🍎") }) {
        roundTripText($0)
      },
      FuzzTarget("resize", maxLength: 256, seeds: { ImageSeeds.sizes }) { resize($0) },
    ]
  }

  private static func readImage(_ bytes: [UInt8]) throws {
    let size = ImageFile.size(bytes)
    let image = try ImageFile.decode(bytes, file: "it")
    demand(size != nil, "the size of an image that is read is not known before")
    if let size {
      demand(size.width * size.height == image.width * image.height, "\(size) is \(image.width)×\(image.height)")
    }
    _ = image.composited(on: Color(255, 255, 255))
    _ = ImageFile.texts(in: bytes)
  }

  /// Text that a PNG, a JPEG and a WebP carry comes out as it went in.
  private static func roundTripText(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    let parts = text.split(separator: "\0", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let image = Image(width: 2, height: 2, channels: .rgb, pixels: [UInt8](repeating: 7, count: 12))
    let entry = PNGText.Entry(keyword: "parameters", text: parts[parts.count - 1])
    guard let png = try? PNG.encode(image, text: [entry]) else { fatalError("four pixels are not encoded") }
    let expected = String(
      String.UnicodeScalarView(entry.text.unicodeScalars.map { $0.value == 0 ? "\u{FFFD}" : $0 }))
    demand(PNGText.read(png).map { Array($0.text.utf8) } == [Array(expected.utf8)], "a PNG's text is another")
    for format in [ImageFile.jpeg, .webp] {
      guard let file = try? format.encode(image, parameters: text, quality: 80) else { continue }
      demand((try? ImageFile.decode(file, file: "it")) != nil, "\(format) with a text is not read")
    }
  }

  private static func resize(_ bytes: [UInt8]) {
    var input = InputReader(bytes)
    let channels = input.pick([Image.Channels.gray, .rgb, .rgba])
    let (width, height) = (input.number(1...80), input.number(1...80))
    let (newWidth, newHeight) = (input.number(1...200), input.number(1...200))
    let filter = input.pick(ResizeFilter.allCases)
    let orientation = input.pick(Orientation.allCases)
    let crop = input.pick(Crop.allCases)
    let rest = Array(input.rest)
    let pixels = (0..<width * height * channels.rawValue).map { rest.isEmpty ? 0 : rest[$0 % rest.count] }
    let image = Image(width: width, height: height, channels: channels, pixels: pixels).upright(from: orientation)
    let resized = image.resized(width: newWidth, height: newHeight, filter: filter)
    demand(resized.width == newWidth && resized.height == newHeight, "another size than was asked for")
    var random = SplitMix64(seed: UInt64(rest.count), index: 0)
    let square = crop.square(of: image, size: newWidth, &random)
    demand(square.width == newWidth && square.channels == .rgb, "a square of another size")
  }
}
