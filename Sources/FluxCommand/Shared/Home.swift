import Foundation

/// Where things are: `FLUX_HOME` is the checkout, which the `flux` script sets.
enum Home {
  static var root: URL {
    URL(
      fileURLWithPath: ProcessInfo.processInfo.environment["FLUX_HOME"]
        ?? FileManager.default.currentDirectoryPath)
  }
  static var textEncoder: URL { root.appendingPathComponent(".deps/minilm") }
  static var models: URL { root.appendingPathComponent("models") }

  /// The learnt judge of the small world.
  static var judge: URL { models.appendingPathComponent("judge") }

  /// A model directory by path, or a shipped model by name; `mini` when nil.
  static func model(_ given: FilePath?) throws(Failure) -> URL {
    let name = given?.text ?? "mini"
    let shipped = models.appendingPathComponent(name)
    for candidate in [given?.url, shipped].compactMap({ $0 }) {
      if FileManager.default.fileExists(atPath: candidate.appendingPathComponent("model_index.json").path) {
        return candidate
      }
    }
    if let given, FileManager.default.fileExists(atPath: given.path) {
      throw Failure("\(name) is not a model directory: it has no model_index.json")
    }
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: models.path)) ?? []).filter {
      FileManager.default.fileExists(atPath: models.appendingPathComponent("\($0)/model_index.json").path)
    }
    throw Failure(
      "there is no model \"\(name)\": give a model directory"
        + (names.isEmpty
          ? "" : ", or the name of a shipped model (\(names.sorted().joined(separator: ", ")))"))
  }
}
