import Support
import Torch

/// Text states on disk, keyed by the tokens of captions, on which alone they depend.
///
/// Captions that were encoded together share a file; an index is kept in memory.
final class CaptionFiles {
  /// The tokens of a caption.
  typealias Tokens = [Int32]

  private let folder: CacheFolder
  private var places: [String: String] = [:]  // of a key, the name of its file

  /// Reads the keys of all files.
  init(_ folder: CacheFolder) {
    self.folder = folder
    for name in folder.names {
      for key in folder.read(name, { $0.keys }) ?? [] { places[key] = name }
    }
  }

  /// The states `[N, width]` of the captions that are stored, bf16, on the CPU.
  func states(of captions: [Tokens], width: Int) -> [Tokens: Tensor] {
    var wanted: [String: [Tokens]] = [:]  // by file, each of which is opened once
    for tokens in Set(captions) {
      if let name = places[Self.key(tokens)] { wanted[name, default: []].append(tokens) }
    }
    var found: [Tokens: Tensor] = [:]
    for (name, captions) in wanted {
      let states = folder.read(name) { file throws(CacheFile.Damage) in
        var states: [Tokens: Tensor] = [:]
        for tokens in captions { states[tokens] = try file.tensor(Self.key(tokens), shape: [tokens.count, width]) }
        return states
      }
      if let states {
        found.merge(states) { first, _ in first }
      } else {
        places = places.filter { $0.value != name }
      }
    }
    return found
  }

  /// Stores the states of captions that are not stored yet.
  func keep(_ states: [Tokens: Tensor]) {
    let new = states.filter { places[Self.key($0.key)] == nil }
    if new.isEmpty { return }
    let entries = new.map { (key: Self.key($0.key), tensor: $0.value.to(.cpu).to(.bfloat16)) }
    let keys = entries.map(\.key).sorted()
    let name = String(SHA256.hexDigest(Array(keys.joined(separator: "\n").utf8)).prefix(32))
    folder.write(entries, name)
    for key in keys { places[key] = name }
  }

  private static func key(_ tokens: Tokens) -> String { tokens.map(String.init).joined(separator: " ") }
}
