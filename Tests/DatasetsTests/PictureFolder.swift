import Datasets
import Foundation
import Images
import TestSupport

/// A folder of small pictures and texts that a test fills.
struct PictureFolder {
  let url: URL

  /// Runs `body` with an empty folder.
  static func with(_ body: (PictureFolder) throws -> Void) throws {
    try Project.inTemporaryFolder { try body(PictureFolder(url: $0)) }
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Foundation.Data(bytes).write(to: file)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  /// A picture of one grey, whose value tells it from others.
  func writePicture(_ name: String, _ value: UInt8, width: Int = 6, height: Int = 4) throws {
    try write(name, Self.picture(value, width: width, height: height))
  }

  static func picture(_ value: UInt8, width: Int = 6, height: Int = 4) throws -> [UInt8] {
    let pixels = [UInt8](repeating: value, count: width * height)
    return try PNG.encode(Image(width: width, height: height, channels: .grey, pixels: pixels))
  }

  func open() throws -> PictureFiles { try PictureFiles(url) }
}

extension PictureSource {
  /// Names, captions and first pixels in order: "a.png|a cat|7".
  var summary: [String] {
    get throws {
      try (0..<count).map { "\(id($0))|\(captions($0).joined(separator: "/"))|\(try image($0).pixels[0])" }
    }
  }
}
