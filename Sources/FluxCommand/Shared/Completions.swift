import ArgumentParser
import Diffusion
import Foundation

/// What shells complete the values of options to (`flux completions`).
enum Completions {
  /// The names of installed models, and model directories and files.
  static var models: CompletionKind {
    .custom { _, _, prefix in names(InstalledModels.all().map(\.name), prefix) + paths(prefix, [".safetensors"]) }
  }

  /// The names of installed LoRAs, and LoRA files.
  static var loras: CompletionKind {
    .custom { _, _, prefix in names(InstalledModels.loras().map(\.name), prefix) + paths(prefix, [".safetensors"]) }
  }

  /// Files of unfinished images.
  static var unfinished: CompletionKind { .custom { _, _, prefix in paths(prefix, [".part.safetensors"]) } }

  /// Images that can be read.
  static var images: CompletionKind { .file(extensions: ["png", "jpg", "jpeg", "webp"]) }

  /// The sampling algorithms.
  static var samplers: CompletionKind { .list(SamplerKind.allCases.map(\.rawValue)) }

  /// The timestep spacings.
  static var spacings: CompletionKind { .list(Spacing.allCases.map(\.rawValue)) }

  /// The devices.
  static var devices: CompletionKind { .list(["cpu", "cuda"]) }

  private static func names(_ names: [String], _ prefix: String) -> [String] { names.filter { $0.hasPrefix(prefix) } }

  /// The folders, and the files with one of the endings, whose paths begin with what was typed.
  static func paths(_ prefix: String, _ endings: [String]) -> [String] {
    let slash = prefix.lastIndex(of: "/")
    let folder = slash.map { String(prefix[...$0]) } ?? ""
    let entries =
      (try? FileManager.default.contentsOfDirectory(atPath: folder.isEmpty ? "." : FilePath(folder).path)) ?? []
    return entries.sorted().compactMap { name in
      let path = folder + name
      guard path.hasPrefix(prefix), !name.hasPrefix(".") || prefix.hasSuffix("/.") || prefix == "." else { return nil }
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: FilePath(path).path, isDirectory: &isFolder) else { return nil }
      if isFolder.boolValue { return path + "/" }
      return endings.contains { name.hasSuffix($0) } ? path : nil
    }
  }
}
