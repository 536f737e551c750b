import Images
import TestSupport
import Testing
import Torch

/// Small files of every kind and what Pillow makes of them, from Tools/golden/pictures.py.
struct ImageGolden {
  private let file: SafetensorsFile

  init() throws { file = try SafetensorsFile(Project.golden("pictures.safetensors")) }

  /// The names of all files.
  var names: [String] { keys(under: "file/") }

  /// The keys that begin so, without that beginning, sorted.
  func keys(under prefix: String) -> [String] {
    file.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }.sorted()
  }

  /// The bytes of a file.
  func bytes(_ name: String) throws -> [UInt8] { try file.tensor("file/\(name)").bytes() }

  /// An image that is stored as [height, width, channels].
  func image(_ key: String) throws -> Image {
    let tensor = try file.tensor(key)
    let channels = try #require(Image.Channels(rawValue: tensor.shape[2]))
    return Image(width: tensor.shape[1], height: tensor.shape[0], channels: channels, pixels: tensor.bytes())
  }
}

/// Records a failure unless two images have one shape and no byte differs by more than `tolerance`.
func expectClose(
  _ actual: Image, _ expected: Image, tolerance: Int, _ label: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.width == expected.width, actual.height == expected.height, actual.channels == expected.channels else {
    Issue.record(
      "\(label): \(actual.width)×\(actual.height) \(actual.channels), expected \(expected.width)×\(expected.height) \(expected.channels)",
      sourceLocation: sourceLocation)
    return
  }
  let differences = zip(actual.pixels, expected.pixels).map { abs(Int($0) - Int($1)) }
  if let worst = differences.max(), worst > tolerance {
    let place = differences.firstIndex(of: worst)!
    Issue.record(
      "\(label): byte \(place) is \(actual.pixels[place]), expected \(expected.pixels[place]); \(differences.count { $0 > tolerance }) of \(differences.count) differ",
      sourceLocation: sourceLocation)
  }
}
