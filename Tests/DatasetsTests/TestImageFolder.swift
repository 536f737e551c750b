import Datasets
import Foundation
import Images
import TestSupport

/// A folder of small images and texts that a test fills.
struct TestImageFolder {
  let url: URL

  /// Runs `body` with an empty folder.
  static func with(_ body: (TestImageFolder) throws -> Void) throws {
    try Project.inTemporaryFolder { try body(TestImageFolder(url: $0)) }
  }

  func write(_ name: String, _ bytes: [UInt8]) throws {
    let file = url.appendingPathComponent(name)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Foundation.Data(bytes).write(to: file)
  }

  func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

  /// An image of one gray, whose value tells it from others.
  func writeImage(_ name: String, _ value: UInt8, width: Int = 6, height: Int = 4) throws {
    try write(name, Self.example(value, width: width, height: height))
  }

  static func example(_ value: UInt8, width: Int = 6, height: Int = 4) throws -> [UInt8] {
    let pixels = [UInt8](repeating: value, count: width * height)
    return try PNG.encode(Image(width: width, height: height, channels: .gray, pixels: pixels))
  }

  func open() throws -> ImageFolder { try ImageFolder(url) }
}

extension CaptionedImages {
  /// Names, captions and first pixels in order: "a.png|a cat|7".
  var summary: [String] {
    get throws {
      try (0..<count).map { "\(id($0))|\(captions($0).joined(separator: "/"))|\(try image($0).pixels[0])" }
    }
  }
}
