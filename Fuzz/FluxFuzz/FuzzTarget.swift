import Foundation

/// One reader of foreign bytes.
struct FuzzTarget {
  let name: String
  /// The file of tokens in `Fuzz/Dictionaries` that its inputs are made of, without ending.
  let dictionary: String?
  /// The longest input, in bytes.
  let maxLength: Int
  /// Inputs that the reader accepts.
  let seeds: () throws -> [[UInt8]]
  /// Reads an input; throws where the reader refuses it.
  let read: ([UInt8]) throws -> Void

  init(
    _ name: String, dictionary: String? = nil, maxLength: Int = 2048, seeds: @escaping () throws -> [[UInt8]],
    read: @escaping ([UInt8]) throws -> Void
  ) {
    (self.name, self.dictionary, self.maxLength) = (name, dictionary, maxLength)
    (self.seeds, self.read) = (seeds, read)
  }

  static var all: [FuzzTarget] {
    images + archives + captions + texts + weights + configurations + training + serving
  }

  /// Reads an input and puts a refusal into words; traps where those are not Flux's own.
  func run(_ bytes: [UInt8]) {
    do {
      try read(bytes)
    } catch {
      let sentence = "\(error)"
      if error is DecodingError || error is CocoaError || sentence.isEmpty {
        fatalError("\(name): an error that is no sentence: \(sentence)")
      }
    }
  }

  /// Writes the seeds of all targets, a folder for each.
  static func writeSeeds(to folder: URL) throws {
    for target in all {
      let place = folder.appendingPathComponent(target.name)
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for (index, seed) in try target.seeds().enumerated() where seed.count <= target.maxLength {
        try Data(seed).write(to: place.appendingPathComponent("seed-\(index)"))
      }
    }
  }
}

/// Stops the fuzzer where something that should always be true is not.
func demand(_ isTrue: Bool, _ sentence: @autoclosure () -> String) {
  if !isTrue { fatalError(sentence()) }
}
