import ArgumentParser
import Data
import Files
import Foundation
import Raster

/// `flux data`: what models learn from.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Looks at training data, and writes it.",
    subcommands: [Show.self, DataScenes.self])

  /// `flux data show`: a contact sheet of scenes, captions on standard output.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Draws a contact sheet of scenes and prints their captions.")

    @Option(name: .shortAndLong, help: "Seed of the scenes.") var seed: UInt64 = 0
    @Option(help: "How many.") var count: Int = 48
    @Option(help: "Side of each picture, in pixels.") var size: Int = 128
    @Option(help: "The world: small (what mini knows) or full.") var world: World = .small
    @Flag(help: "Combinations that training never sees.") var heldOut = false
    @Option(name: .shortAndLong, help: "The PNG to write.") var output: String

    func validate() throws {
      if !(1...400).contains(count) { throw ValidationError("--count \(count) must be 1 to 400") }
      if !(16...1024).contains(size) { throw ValidationError("--size \(size) must be 16 to 1024") }
    }

    func run() throws {
      let atlas = try GlyphAtlas(world: world)
      let scenes = Scenes(seed: seed, split: heldOut ? .heldOut : .training, world: world)
      let chosen = (0..<count).map { scenes[$0] }
      for (index, scene) in chosen.enumerated() { print("\(index)\t\(scene.caption)") }
      let sheet = ContactSheet.lay(
        chosen.map { $0.scene.render(size: size, atlas: atlas) }, columns: min(8, count))
      try AtomicFile.write(PNG.encode(sheet), to: URL(fileURLWithPath: output))
    }
  }
}

extension World: ExpressibleByArgument {}
