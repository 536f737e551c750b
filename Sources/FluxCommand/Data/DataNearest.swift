import ArgumentParser
import Datasets
import Foundation
import Images
import Support

/// `flux data nearest`: which training images generated images look like.
struct DataNearest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nearest", abstract: "Names the training image that looks most like each of some images.",
    discussion: """
      A generated image that is very near to a training image may be a copy of it (overfitting). Distances are \
      the root mean square of the differences of 32×32 thumbnails, 0 (the same) to 255; flipped images count, too. \
      One line per image: distance, image, nearest training image, its caption.
      """)

  @Argument(help: "A folder or .tar archive of captioned images.") var folder: FilePath
  @Argument(help: "Images to compare with them.") var images: [FilePath]
  @Option(help: "Number of nearest training images to list for each image.") var count: Int = 1
  @Flag(help: "Print JSON.") var json = false
  @Flag(name: [.short, .long], help: "No progress output.") var quiet = false

  func validate() throws {
    if !(1...1000).contains(count) { throw ValidationError("--count \(count) must be 1 to 1000") }
    if images.isEmpty { throw ValidationError("name the images to compare with those of \(folder.text)") }
  }

  /// An image and a training image near it.
  private struct Row: Encodable {
    let image: String
    let nearest: String
    let caption: String
    let distance: Double
    let mirrored: Bool
  }

  func run() throws {
    let source = try ImageFolder(folder.url)
    let progress = CountProgress(count: source.count, noun: "images", quiet: quiet)
    let index = try NearestImages(source) { progress.show($0) }
    progress.clear()
    for failure in index.failures.prefix(10) { say("flux: \(failure.id) cannot be compared: \(failure.error)") }
    let rows = try images.flatMap { file in
      let bytes = try FileSlice(path: file.path).read(limit: 1 << 29)
      return index.nearest(to: try ImageFile.decode(bytes, file: file.text), count: count).map { match in
        Row(
          image: file.text, nearest: source.id(match.index), caption: source.captions(match.index).first ?? "",
          distance: match.distance, mirrored: match.isMirrored)
      }
    }
    if json {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return try printLine(String(decoding: try encoder.encode(rows), as: UTF8.self))
    }
    for row in rows {
      let flipped = row.mirrored ? " (flipped)" : ""
      try printLine(
        String(format: "%5.1f", row.distance) + "  \(row.image)  \(row.nearest)\(flipped)  \(row.caption)")
    }
  }
}
