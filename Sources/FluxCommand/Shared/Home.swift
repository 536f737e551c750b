import Flux
import Foundation
import Scenes

/// The text encoder and the models that come with Flux, as the commands name them.
enum Home {
  static var textEncoder: URL { Installation.textEncoder }

  static var models: URL { Installation.models }

  /// The directory of the learned judge of a world; worlds without one have no such directory.
  static func judge(of world: World) -> URL {
    models.appendingPathComponent(world == .small ? "judge" : "judge-\(world.rawValue)")
  }

  /// A model directory or single file by path, or an installed model by name (`InstalledModels`); the default model if nil.
  ///
  /// With `allowsAutoencoder` it can also be the directory of an autoencoder.
  static func model(_ given: FilePath?, allowsAutoencoder: Bool = false) throws(Failure) -> URL {
    let name = given?.text ?? Installation.defaultModel
    for candidate in [given?.url, InstalledModels.directory(named: name)].compactMap({ $0 }) {
      guard FileManager.default.fileExists(atPath: candidate.path) else { continue }
      if let reason = StableDiffusionFiles.refusal(of: candidate) { throw Failure("\(name): \(reason)") }
      if StableDiffusionFiles.isStored(at: candidate) { return candidate }
      let index = candidate.appendingPathComponent("model_index.json")
      if FileManager.default.fileExists(atPath: index.path) { return candidate }
      guard ModelBundle.isAutoencoder(candidate) else { continue }
      if allowsAutoencoder { return candidate }
      throw Failure(
        "\(name) is an autoencoder without a U-Net: flux train --from, flux evaluate --set autoencoder and "
          + "flux forward encoder or decoder read it")
    }
    if let given, FileManager.default.fileExists(atPath: given.path) {
      throw Failure("\(name) is not a model directory: model_index.json is missing")
    }
    let names = InstalledModels.all().map(\.name).sorted()
    throw Failure(
      "model \"\(name)\" not found: give a model directory or a .safetensors file"
        + (names.isEmpty
          ? "" : ", or the name of an installed model (\(names.joined(separator: ", ")))")
        + InstalledModels.missingFolders.map { "; \($0)" }.joined())
  }
}
