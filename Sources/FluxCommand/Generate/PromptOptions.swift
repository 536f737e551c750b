import ArgumentParser
import Flux
import Foundation

/// The options for how prompts are read.
struct PromptOptions: ParsableArguments {
  @Option(
    help: """
      plain reads a prompt as it is; weighted reads (word:1.2), [word], BREAK, AND, {a|b}, __file__ and <lora:NAME:0.8> \
      as AUTOMATIC1111's web UI does.
      """)
  var promptSyntax: PromptSyntax = .plain
  @Option(help: "Folder of the text files that __file__ takes a line from.") var wildcards = FilePath("wildcards")

  /// The LoRAs of the tags in the prompts, and the series without the tags; throws unless all prompts have the same.
  func takeLoRAs(from series: Series) throws(Failure) -> (loras: [(file: URL, scale: Double)], series: Series) {
    guard promptSyntax == .weighted else { return ([], series) }
    let tags = Set(series.prompts.map { LoRATag.read($0).tags })
    guard tags.count <= 1 else {
      throw Failure("the prompts have different <lora:…> tags: draw them in separate calls", code: 2)
    }
    let untagged = series.map { request in
      var one = request
      one.prompt = LoRATag.read(request.prompt).prompt
      return one
    }
    return (try files(of: tags.first ?? []), untagged)
  }

  private func files(of tags: [LoRATag]) throws(Failure) -> [(file: URL, scale: Double)] {
    try tags.map { tag throws(Failure) in
      let installed = InstalledModels.loras()
      let given = FilePath(tag.name)
      if let lora = installed.first(where: { $0.name == tag.name }) { return (lora.file, tag.scale) }
      for path in [given.path, given.path + ".safetensors"] {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
          return (URL(fileURLWithPath: path), tag.scale)
        }
      }
      let names = Set(installed.map(\.name)).sorted().joined(separator: ", ")
      throw Failure(
        "there is no LoRA \"\(tag.name)\" in \(InstalledModels.loraFolders.map(\.path).joined(separator: ", "))"
          + (names.isEmpty ? "" : "; there are \(names)"))
    }
  }
}

extension PromptSyntax: ExpressibleByArgument {}
