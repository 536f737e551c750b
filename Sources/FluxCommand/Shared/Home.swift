import Flux
import Foundation

/// Where the text encoder and the shipped models are: found from the program's own file, never from the working folder.
enum Home {
  /// `FLUX_HOME`, or the nearest folder above the program that holds a text encoder: the checkout that it was built in,
  /// or the folder that it was installed into.
  static let root: URL = {
    let given = ProcessInfo.processInfo.environment["FLUX_HOME"] ?? ""
    if !given.isEmpty { return URL(fileURLWithPath: given) }
    let program = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    var folder = program
    while folder.path != "/" {
      if FileManager.default.fileExists(atPath: textEncoder(in: folder).path) { return folder }
      folder.deleteLastPathComponent()
    }
    return program  // what is missing there is named by the error
  }()

  static var textEncoder: URL { textEncoder(in: root) }

  /// Set-up fetches it into `.deps`; an installation has it beside the models.
  private static func textEncoder(in folder: URL) -> URL {
    let installed = folder.appendingPathComponent("text-encoder")
    let isInstalled = FileManager.default.fileExists(atPath: installed.path)
    return isInstalled ? installed : folder.appendingPathComponent(".deps/minilm")
  }

  static var models: URL { root.appendingPathComponent("models") }

  /// The learned judge of the small world.
  static var judge: URL { models.appendingPathComponent("judge") }

  /// A model directory by path, or an installed model by name (`InstalledModels`); `mini` if nil.
  ///
  /// With `allowsAutoencoder` it can also be the directory of an autoencoder.
  static func model(_ given: FilePath?, allowsAutoencoder: Bool = false) throws(Failure) -> URL {
    let name = given?.text ?? "mini"
    for candidate in [given?.url, InstalledModels.directory(named: name)].compactMap({ $0 }) {
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
      "model \"\(name)\" not found: give a model directory"
        + (names.isEmpty
          ? "" : ", or the name of an installed model (\(names.joined(separator: ", ")))"))
  }
}
