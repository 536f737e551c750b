import Flux
import Foundation
import Models

/// The models that can be called by name, directories and `.safetensors` files, and the LoRAs.
///
/// Models are in `models` of Flux's own folder, in the user's `~/.local/share/flux/models` (below `XDG_DATA_HOME`, if it is
/// set), and in the folders of `FLUX_MODELS`, which are separated by colons and come first. LoRA files are in `loras` beside
/// the first two, and in the folders of `FLUX_LORAS`.
enum InstalledModels {
  /// The folders of models in the order in which they are searched.
  static var folders: [URL] { folders("models", variable: "FLUX_MODELS") }

  /// The folders of LoRA files in the order in which they are searched.
  static var loraFolders: [URL] { folders("loras", variable: "FLUX_LORAS") }

  /// The folders that `FLUX_MODELS` or `FLUX_LORAS` names and that do not exist, each in a sentence.
  static var missingFolders: [String] {
    ["FLUX_MODELS", "FLUX_LORAS"].flatMap { variable in
      given(variable).filter { !FileManager.default.fileExists(atPath: $0.path) }
        .map { "the folder \($0.path) of \(variable) does not exist" }
    }
  }

  /// The models with a name, in the order of their folders; one that another hides by its name is left out.
  static func all() -> [(name: String, directory: URL)] {
    var seen: Set<String> = []
    return folders.flatMap { folder in
      names(in: folder).map { (withoutEnding($0), folder.appendingPathComponent($0)) }.filter {
        isModel($0.1) && seen.insert($0.0).inserted
      }
    }
  }

  /// The directory or file of a name; nil if no folder has it.
  static func directory(named name: String) -> URL? { folders.lazy.compactMap { model(name, in: $0) }.first }

  /// The model with a hash: that of the name, if it has it, installed or in a folder `nearby`, else any other; nil if there
  /// is none.
  static func directory(hash: String, named name: String, nearby: [URL] = []) -> URL? {
    var seen: Set<String> = []
    let named = (nearby + folders).compactMap { model(name, in: $0) }
    return (named + all().map(\.directory)).filter { seen.insert($0.standardizedFileURL.path).inserted }
      .first { isHash(hash, of: try? ModelSource(model: $0).hash) }
  }

  /// The model of a name in a folder, as a directory or as a file, whose ending can be left out.
  private static func model(_ name: String, in folder: URL) -> URL? {
    if name.isEmpty { return nil }
    return ["", fileEnding].map { folder.appendingPathComponent(name + $0) }
      .first { isModel($0) || ModelBundle.isAutoencoder($0) }
  }

  /// The LoRA files, by their names without extension.
  static func loras() -> [(name: String, file: URL)] {
    loraFolders.flatMap { folder in
      names(in: folder).filter { $0.hasSuffix(fileEnding) }.map { name in
        (withoutEnding(name), folder.appendingPathComponent(name))
      }
    }
  }

  /// Whether a hash, or the first ten digits of one, is that of something.
  static func isHash(_ hash: String, of other: String?) -> Bool {
    hash.count >= 10 && other?.hasPrefix(hash) == true
  }

  private static func isModel(_ url: URL) -> Bool {
    if url.path.hasSuffix(fileEnding) { return FileManager.default.fileExists(atPath: url.path) }
    return FileManager.default.fileExists(atPath: url.appendingPathComponent("model_index.json").path)
  }

  private static let fileEnding = ".safetensors"

  private static func withoutEnding(_ name: String) -> String {
    name.hasSuffix(fileEnding) ? String(name.dropLast(fileEnding.count)) : name
  }

  private static func names(in folder: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
  }

  private static func given(_ variable: String) -> [URL] {
    (ProcessInfo.processInfo.environment[variable] ?? "").split(separator: ":").map { FilePath(String($0)).url }
  }

  private static func folders(_ name: String, variable: String) -> [URL] {
    let data =
      ProcessInfo.processInfo.environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "~/.local/share"
    return given(variable) + [
      FilePath(data).url.appendingPathComponent("flux/\(name)"), Installation.root.appendingPathComponent(name),
    ]
  }
}
