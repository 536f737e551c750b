import Support
import Torch

/// The tensors of a file whose names begin with a prefix, without it.
struct CheckpointKeys {
  let file: SafetensorsFile
  let prefix: String
  /// The names without the prefix, in the order of their bytes.
  let names: [String]

  init(_ file: SafetensorsFile, prefix: String) {
    self.file = file
    self.prefix = prefix
    names = file.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
  }

  func shape(_ name: String) -> [Int]? { file.info(prefix + name)?.shape }

  func has(_ name: String) -> Bool { shape(name) != nil }

  /// What follows `beginning` in the names that begin with it.
  func endings(of beginning: String) -> [String] {
    names.filter { $0.hasPrefix(beginning) }.map { String($0.dropFirst(beginning.count)) }
  }
}

/// Parameters by name, with the tensors that they are stored in.
struct KeyMap {
  let keys: CheckpointKeys
  private(set) var entries: [String: CheckpointPart.Entry] = [:]

  init(_ keys: CheckpointKeys) { self.keys = keys }

  /// Maps a tensor if the file has it.
  mutating func add(_ stored: String, as name: String, _ form: StoredForm = .same) {
    if keys.has(stored) { entries[name] = CheckpointPart.Entry(stored: keys.prefix + stored, form: form) }
  }

  /// Maps the weight and the bias of a layer; `form` is the weight's.
  mutating func layer(_ stored: String, as name: String, _ form: StoredForm = .same) {
    add("\(stored).weight", as: "\(name).weight", form)
    add("\(stored).bias", as: "\(name).bias")
  }

  /// Maps the layers of a block, by their names within it.
  mutating func layers(_ stored: String, as name: String, _ names: [(stored: String, name: String)]) {
    for pair in names { layer("\(stored).\(pair.stored)", as: "\(name).\(pair.name)") }
  }

  /// The shape of a parameter.
  func shape(_ name: String) -> [Int]? {
    entries[name].flatMap { entry in keys.file.info(entry.stored).map { entry.form.shape($0.shape) } }
  }

  /// The names in the file that no parameter is stored in, with the prefix.
  var unused: [String] {
    let used = Set(entries.values.map(\.stored))
    return keys.names.map { keys.prefix + $0 }.filter { !used.contains($0) }
  }
}

extension JSONValue {
  /// One number where all are equal, or the list.
  static func perLevel(_ numbers: [Int]) -> JSONValue {
    guard let first = numbers.first, numbers.allSatisfy({ $0 == first }) else {
      return .array(numbers.map { .int($0) })
    }
    return .int(first)
  }

  /// A whole number, or `null`.
  static func optional(_ number: Int?) -> JSONValue { number.map { .int($0) } ?? .null }
}
