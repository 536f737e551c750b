import ArgumentParser
import Flux
import Foundation
import Models
import Support

/// `flux convert`: the same weights stored another way.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stores a model's weights another way.",
    discussion: """
      int8 keeps a scale for each output channel and is a quarter of float32's size; bfloat16 is half of \
      it. A text encoder's directory may be converted too.
      """)

  @Argument(help: "A model directory, the name of a shipped model, or a text encoder's directory.") var model: String
  @Option(name: [.short, .long], help: "The directory to write.") var output: String
  @Option(help: "How to store weights: float32, bfloat16 or int8.") var storage: Quantisation

  func run() throws {
    let target = URL(fileURLWithPath: output)
    let given = URL(fileURLWithPath: model)
    if FileManager.default.fileExists(atPath: given.appendingPathComponent("vocab.txt").path) {
      try TextEncoder.load(from: given).save(to: target, as: storage)
      for name in ["vocab.txt", "tokenizer.json", "README.md"] {
        guard let data = FileManager.default.contents(atPath: given.appendingPathComponent(name).path) else { continue }
        try AtomicFile.write([UInt8](data), to: target.appendingPathComponent(name))
      }
    } else {
      try ModelBundle(directory: Home.model(model)).save(to: target, as: storage)
    }
    print(target.relativePath)
  }
}
