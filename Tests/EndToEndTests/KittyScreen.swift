import Foundation
import Images

/// What a terminal with kitty's graphics protocol makes of the bytes that it gets.
struct KittyScreen {
  /// The images that are on the screen at the end, by their numbers.
  private(set) var images: [Int: Image] = [:]
  /// The numbers of all images that were drawn, one after the other.
  private(set) var drawn: [Int] = []
  /// The numbers of those that were deleted.
  private(set) var deleted: [Int] = []

  /// Reads the bytes; throws where an image is no PNG.
  ///
  /// An image whose last chunk is missing is not shown.
  init(_ text: String) throws {
    var (number, data) = (0, "")
    for part in text.components(separatedBy: "\u{1b}_G").dropFirst() {
      let command = part.components(separatedBy: "\u{1b}\\")[0]
      let halves = command.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      var keys: [String: String] = [:]
      for pair in halves[0].split(separator: ",").map({ $0.split(separator: "=") }) {
        keys[String(pair[0])] = String(pair[1])
      }
      if keys["a"] == "d", let gone = keys["i"].flatMap({ Int($0) }) {
        guard keys["d"] == "I", keys["q"] == "2" else { continue }
        images[gone] = nil
        deleted.append(gone)
        data = ""
        continue
      }
      if keys["a"] == "T" { (number, data) = (keys["i"].flatMap { Int($0) } ?? 0, "") }
      data += halves.count > 1 ? halves[1] : ""
      if keys["m"] == "0" {
        images[number] = try PNG.decode([UInt8](Data(base64Encoded: data) ?? Data()))
        drawn.append(number)
      }
    }
  }
}
