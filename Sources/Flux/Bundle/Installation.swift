import Foundation
import Models

/// Where an installation of Flux keeps its text encoder and its models.
///
/// It is found from the program's own file, never from the working folder.
public enum Installation {
  /// `FLUX_HOME`, or the nearest folder above the program that holds a text encoder: the checkout that it was built in,
  /// or the folder that it was installed into.
  public static let root: URL = {
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

  /// The folder of the shared text encoder.
  public static var textEncoder: URL { textEncoder(in: root) }

  /// The folder of CLIP's vocabulary, which `Scripts/setup clip` fetches; single files of Stable Diffusion lack it.
  public static var clipVocabulary: URL {
    let installed = root.appendingPathComponent("clip")
    let isInstalled = FileManager.default.fileExists(atPath: installed.path)
    return isInstalled ? installed : root.appendingPathComponent(".deps/clip")
  }

  /// The folder of the models that come with Flux.
  public static var models: URL { root.appendingPathComponent("models") }

  /// The name of the model that commands use if none is named: `FLUX_MODEL`, or `midi`.
  public static var defaultModel: String {
    let given = ProcessInfo.processInfo.environment["FLUX_MODEL"] ?? ""
    return given.isEmpty ? "midi" : given
  }

  /// Set-up fetches it into `.deps`; an installation has it beside the models.
  private static func textEncoder(in folder: URL) -> URL {
    let installed = folder.appendingPathComponent("text-encoder")
    let isInstalled = FileManager.default.fileExists(atPath: installed.path)
    return isInstalled ? installed : folder.appendingPathComponent(".deps/minilm")
  }
}
