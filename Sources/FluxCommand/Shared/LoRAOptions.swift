import ArgumentParser
import Foundation

/// LoRA files with their scales.
struct LoRAOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      LoRA for U-Net and text encoder, a file or the name of an installed one, with an optional scale (default: 1); can be repeated. PEFT's, diffusers' and \
      kohya's files are read.
      """, valueName: "file[:scale]"), completion: Completions.loras)
  var lora: [LoRAArgument] = []
  @Option(help: "LoRA scale, one for each --lora; the same as --lora FILE:SCALE.") var loraScale: [Double] = []

  func validate() throws {
    if !loraScale.isEmpty {
      if loraScale.count != lora.count {
        throw ValidationError(
          "--lora-scale is given \(loraScale.count) times, --lora \(lora.count) times: give one for each")
      }
      if let both = lora.first(where: { $0.scale != nil }) {
        throw ValidationError("--lora \(both.text) has a scale already: remove it, or --lora-scale")
      }
    }
    let range = -100.0...100.0
    for scale in loraScale { try NumberRange.check("--lora-scale", scale, range) }
    if let wrong = lora.first(where: { !range.contains($0.scale ?? 1) }) {
      throw ValidationError("--lora \(wrong.text): the scale must be -100 to 100")
    }
  }

  /// The files, in order.
  var files: [FilePath] { lora.map(\.file) }

  /// The files with their scales.
  var scaled: [(file: FilePath, scale: Double)] {
    lora.enumerated().map { ($1.file, loraScale.isEmpty ? $1.scale ?? 1 : loraScale[$0]) }
  }
}

/// `FILE` or `FILE:SCALE`, or the name of an installed LoRA in its place; a name with a colon is taken whole if there is
/// such a file.
struct LoRAArgument: ExpressibleByArgument {
  let text: String
  let file: FilePath
  let scale: Double?

  init?(argument: String) {
    text = argument
    guard let whole = FilePath(argument: argument) else { return nil }
    guard let colon = argument.lastIndex(of: ":"), let scale = Double(argument[argument.index(after: colon)...]),
      !FileManager.default.fileExists(atPath: whole.path)
    else {
      (file, scale) = (Self.found(whole), nil)
      return
    }
    guard let file = FilePath(argument: String(argument[..<colon])) else { return nil }
    (self.file, self.scale) = (Self.found(file), scale)
  }

  /// The file, or the installed one of that name where there is no such file.
  private static func found(_ file: FilePath) -> FilePath {
    if file.text.contains("/") || FileManager.default.fileExists(atPath: file.path) { return file }
    return InstalledModels.loras().first { $0.name == file.text }.map { FilePath($0.file.path) } ?? file
  }
}
