import Foundation
import Models
import Scenes
import TestSupport
import Torch

/// A text encoder of one layer that knows the words of Scenes: hashing MiniLM takes a debug build half a minute.
enum SmallTextEncoder {
  /// Writes its vocabulary, configuration and weights into a folder.
  static func write(to folder: URL, seed: UInt64 = 1) throws {
    let scenes = Scenes(seed: 1)
    let metadata = Set((0..<300).flatMap { scenes[$0].caption.lowercased().split(separator: " ").map(String.init) })
    let letters = "abcdefghijklmnopqrstuvwxyz".flatMap { ["\($0)", "##\($0)"] }
    let pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + letters + metadata.subtracting(letters).sorted()
    var sizes = try TextEncoder.readConfiguration(Project.minilm)
    (sizes.vocabSize, sizes.maxPositionEmbeddings) = (pieces.count, 64)
    (sizes.numHiddenLayers, sizes.intermediateSize) = (1, 64)
    let encoder = TextEncoder(sizes, .random(Generator(seed: seed)))
    try encoder.save(to: folder, as: .int8)  // small, so that it is soon hashed
    try Data(pieces.joined(separator: "\n").utf8).write(to: folder.appendingPathComponent("vocab.txt"))
  }
}
