import ArgumentParser
import Datasets
import Foundation
import Images
import Scenes
import Support

/// `flux data show`: a contact sheet of scenes or of people's own pictures, captions on standard output.
struct DataShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Draws a contact sheet of training pictures and prints their captions.",
    discussion: """
      Without a folder it shows Scenes, the world that Flux draws for itself. Of a folder it shows squares \
      from the middle, as training sees them, spread evenly over the names.
      """)

  @Argument(help: "A folder of pictures with captions, or a .tar archive of them.") var folder: FilePath?
  @Option(name: .shortAndLong, help: "Seed of the scenes, or of the choice among several captions.")
  var seed: UInt64 = 0
  @Option(help: "How many.") var count: Int = 48
  @Option(help: "Side of each picture, in pixels.") var size: Int = 128
  @Option(help: "The world of the scenes: small (what mini knows), medium or full.") var world: World = .small
  @Option(help: "How scenes are drawn: 1, soft where they are large, as mini learned them, or 2, sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Flag(help: "Combinations that training never sees.") var heldOut = false
  @Option(name: .shortAndLong, help: "The PNG to write.") var output: FilePath

  func validate() throws {
    if !(1...400).contains(count) { throw ValidationError("--count \(count) must be 1 to 400") }
    if !(16...1024).contains(size) { throw ValidationError("--size \(size) must be 16 to 1024") }
    if heldOut, folder != nil { throw ValidationError("--held-out is about scenes, not about a folder") }
  }

  func run() throws {
    try DataSheet.check(output, of: folder)
    let pictures = try folder.map(files) ?? scenes()
    let sheet = ContactSheet.lay(pictures, columns: min(8, pictures.count))
    try AtomicFile.write(PNG.encode(sheet), to: output.url)
  }

  private func scenes() throws -> [Image] {
    let atlas = try GlyphAtlas(world: world, version: scenesVersion)
    let scenes = Scenes(seed: seed, split: heldOut ? .heldOut : .training, world: world)
    let chosen = (0..<count).map { scenes[$0] }
    for (index, scene) in chosen.enumerated() { try printLine("\(index)\t\(scene.caption)") }
    return chosen.map { $0.scene.render(size: size, atlas: atlas) }
  }

  /// A name or caption in one line and one column.
  private static func line(_ text: String) -> String { Console.printable(text, lineBreaks: false) }

  /// Pictures that cannot be read are named and left out.
  private func files(_ path: FilePath) throws -> [Image] {
    let source = try PictureFiles(path.url)
    let shown = min(count, source.count)
    var images: [Image] = []
    for index in (0..<shown).map({ $0 * source.count / shown }) {
      do {
        let picture = try source.picture(index, size: size, seed: seed)
        try printLine("\(Self.line(picture.id))\t\(Self.line(picture.caption))")
        images.append(picture.image)
      } catch let failure as Failure {
        throw failure
      } catch { say("flux: \(error)") }
    }
    if images.isEmpty { throw Failure("none of \(shown) pictures of \(path.text) can be read") }
    return images
  }
}
