import ArgumentParser
import Datasets
import Foundation
import Images
import Scenes
import Support

/// `flux data show`: a contact sheet of scenes or of a data set, with captions on standard output.
struct DataShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Writes a contact sheet of training images and prints their captions.",
    discussion: """
      Without a folder it shows Scenes, the synthetic data set of Flux. With a folder it shows center \
      crops, as in training, evenly spaced over the file names.
      """)

  @Argument(help: "A folder or .tar archive of captioned images.") var folder: FilePath?
  @Option(name: .shortAndLong, help: "Random seed of scenes, or of the choice among several captions.")
  var seed: UInt64 = 0
  @Option(help: "Number of images.") var count: Int = 48
  @Option(help: "Image size in pixels.") var size: Int = 128
  @Option(help: "World of the scenes: small (used for mini), medium or full.") var world: World = .small
  @Option(help: "Version of the scene renderer: 1 (used for mini) or 2, which draws large objects sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Flag(help: "Show combinations that training never uses.") var heldOut = false
  @Option(name: .shortAndLong, help: "PNG file to write.") var output: FilePath

  func validate() throws {
    if !(1...400).contains(count) { throw ValidationError("--count \(count) must be 1 to 400") }
    if !(16...1024).contains(size) { throw ValidationError("--size \(size) must be 16 to 1024") }
    if heldOut, folder != nil { throw ValidationError("--held-out shows scenes: remove the folder") }
  }

  func run() throws {
    try DataSheet.check(output, of: folder)
    let images = try folder.map(files) ?? scenes()
    let sheet = ContactSheet.lay(images, columns: min(8, images.count))
    try AtomicFile.write(PNG.encode(sheet), to: output.url)
  }

  private func scenes() throws -> [Image] {
    let atlas = try GlyphAtlas(world: world, version: scenesVersion)
    let scenes = Scenes(seed: seed, split: heldOut ? .heldOut : .training, world: world)
    let chosen = (0..<count).map { scenes[$0] }
    for (index, scene) in chosen.enumerated() { try printLine("\(index)\t\(scene.caption)") }
    return chosen.map { $0.scene.render(size: size, atlas: atlas) }
  }

  /// A name or caption as a single field on one line.
  private static func line(_ text: String) -> String { Console.printable(text, lineBreaks: false) }

  /// Crops of a folder's images; unreadable ones are reported and skipped.
  private func files(_ path: FilePath) throws -> [Image] {
    let source = try ImageFolder(path.url)
    let shown = min(count, source.count)
    var images: [Image] = []
    for index in (0..<shown).map({ $0 * source.count / shown }) {
      do {
        let example = try source.example(index, size: size, seed: seed)
        try printLine("\(Self.line(example.id))\t\(Self.line(example.caption))")
        images.append(example.image)
      } catch let failure as Failure {
        throw failure
      } catch { say("flux: \(error)") }
    }
    if images.isEmpty { throw Failure("none of \(shown) images of \(path.text) can be read") }
    return images
  }
}
