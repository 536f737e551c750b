import ArgumentParser
import Flux
import Foundation
import Support

/// `flux models`: lists the installed models.
struct ModelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "models", abstract: "Lists the models that --model takes by name, and the LoRAs.",
    discussion: """
      Models are searched in the folders of FLUX_MODELS (separated by colons), in ~/.local/share/flux/models, and in \
      models of Flux's own folder: directories, and .safetensors files of Stable Diffusion, whose name is without the \
      ending. LoRA files are searched in the folders of FLUX_LORAS, ~/.local/share/flux/loras, and loras of Flux's own \
      folder. flux inspect NAME tells more about one.
      """)

  @Flag(help: "Print JSON, one line for each model.") var json = false

  func run() throws {
    InstalledModels.missingFolders.forEach { say("flux: \($0)") }
    var rows: [[String]] = []
    for (name, directory) in InstalledModels.all() {
      let model: ModelSummary
      do {
        model = try ModelSummary(directory)
      } catch {
        say("flux: \(error)")
        continue
      }
      var facts = Facts()
      facts.add("name", name)
      facts.add("family", model.family)
      facts.add("image_size", model.imageSize)
      facts.add("bytes", model.bytes)
      facts.add("world", model.scenes?.world)
      facts.add("license", model.license)
      facts.add("fast_steps", model.fastSteps)
      if json {
        facts.add("hash", try model.source().hash)
        facts.add(directory.pathExtension == "safetensors" ? "file" : "directory", directory.path)
        try printLine(facts.json.text)
      } else {
        rows.append([
          name, model.imageSize.map { "\($0)x\($0)" } ?? "", ByteCount.text(model.bytes),
          model.scenes.map { "world \($0.world)" } ?? (model.schedule == nil ? "" : model.family), model.license ?? "",
          model.fastSteps.map { "--fast with \($0) steps" } ?? "", directory.path,
        ])
      }
    }
    for lora in InstalledModels.loras() where json {
      try printLine(JSONValue.object([("lora", .string(lora.name)), ("file", .string(lora.file.path))]).text)
    }
    if json { return }
    if rows.isEmpty { say("flux: no model is installed") }
    let widths = (0..<6).map { column in rows.map { $0[column].count }.max() ?? 0 }
    for row in rows {
      let cells = row.enumerated().map { $1 + String(repeating: " ", count: $0 < 6 ? widths[$0] - $1.count : 0) }
      try printLine(cells.filter { !$0.allSatisfy { $0 == " " } || $0.isEmpty }.joined(separator: "  "))
    }
    for lora in InstalledModels.loras() { try printLine("LoRA \(lora.name)  \(lora.file.path)") }
  }
}
