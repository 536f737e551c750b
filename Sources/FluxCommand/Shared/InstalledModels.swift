import Flux
import Foundation
import Models

/// The models that can be called by name, and the LoRAs.
///
/// Models are in `models` of Flux's own folder, in the user's `~/.local/share/flux/models` (below `XDG_DATA_HOME`, if it is
/// set), and in the folders of `FLUX_MODELS`, which are separated by colons and come first. LoRA files are in `loras` beside
/// the first two, and in the folders of `FLUX_LORAS`.
enum InstalledModels {
  /// The folders of models in the order in which they are searched.
  static var folders: [URL] { folders("models", variable: "FLUX_MODELS") }

  /// The folders of LoRA files in the order in which they are searched.
  static var loraFolders: [URL] { folders("loras", variable: "FLUX_LORAS") }

  /// The models with a name, in the order of their folders; one that another hides by its name is left out.
  static func all() -> [(name: String, directory: URL)] {
    var seen: Set<String> = []
    return folders.flatMap { folder in
      names(in: folder).map { ($0, folder.appendingPathComponent($0)) }.filter {
        isModel($0.1) && seen.insert($0.0).inserted
      }
    }
  }

  /// The directory of a name; nil if no folder has it.
  static func directory(named name: String) -> URL? {
    folders.map { $0.appendingPathComponent(name) }.first { isModel($0) || ModelBundle.isAutoencoder($0) }
  }

  /// The model with a hash: that of the name, if it has it, else any other; nil if there is none.
  static func directory(hash: String, named name: String) -> URL? {
    let named = directory(named: name)
    let others = all().map(\.directory).filter { $0.path != named?.path }
    return ([named].compactMap { $0 } + others).first { isHash(hash, of: try? ModelSource(model: $0).hash) }
  }

  /// The LoRA files, by their names without extension.
  static func loras() -> [(name: String, file: URL)] {
    loraFolders.flatMap { folder in
      names(in: folder).filter { $0.hasSuffix(".safetensors") }.map { name in
        (String(name.dropLast(".safetensors".count)), folder.appendingPathComponent(name))
      }
    }
  }

  /// Whether a hash, or the first ten digits of one, is that of something.
  static func isHash(_ hash: String, of other: String?) -> Bool {
    hash.count >= 10 && other?.hasPrefix(hash) == true
  }

  private static func isModel(_ directory: URL) -> Bool {
    FileManager.default.fileExists(atPath: directory.appendingPathComponent("model_index.json").path)
  }

  private static func names(in folder: URL) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).sorted()
  }

  private static func folders(_ name: String, variable: String) -> [URL] {
    let environment = ProcessInfo.processInfo.environment
    let given = (environment[variable] ?? "").split(separator: ":").map { FilePath(String($0)).url }
    let data = environment["XDG_DATA_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? "~/.local/share"
    return given + [
      FilePath(data).url.appendingPathComponent("flux/\(name)"), Installation.root.appendingPathComponent(name),
    ]
  }
}
