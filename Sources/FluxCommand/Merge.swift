import ArgumentParser
import Flux
import Foundation
import Models

/// `flux merge`: writes a model with LoRAs merged into its weights.
struct Merge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Merges LoRAs into the weights of a model and writes a model directory.",
    discussion: """
      The written model gives the images of the model with --lora, up to rounding. If a LoRA adapts the text encoder, the \
      new model has a text encoder of its own. A few-step student belongs to the old weights and is not copied. A model of \
      Stable Diffusion becomes a directory in diffusers' layout.

      EXAMPLE
        flux merge mini --lora runs/mine/lora.safetensors:0.8 -o mine
      """)

  @Argument(
    help: "A model directory, a .safetensors file, or the name of an installed model.", completion: Completions.models)
  var model: FilePath
  @OptionGroup var loras: LoRAOptions
  @Option(name: [.short, .long], help: "Directory to write.") var output: FilePath
  @Option(help: "Data type of the weights: float32, bfloat16 or int8.") var storage: Quantization = .float32

  func validate() throws {
    if loras.lora.isEmpty { throw ValidationError("there is no LoRA to merge: add --lora FILE") }
    for (file, scale) in loras.scaled where scale == 0 {
      throw ValidationError("--lora \(file.text): a scale of 0 merges nothing")
    }
  }

  func run() throws {
    let (source, target) = (try Home.model(model), output.url)
    func place(_ url: URL) -> String { url.resolvingSymlinksInPath().standardizedFileURL.path }
    guard place(source) != place(target)
    else { throw Failure("--output would overwrite the input \(model.text): choose another name", code: 2) }
    try OutputFile.checkFolder(target)
    if StableDiffusionFiles.isStored(at: source) {
      let files: [(file: URL, scale: Double)] = loras.scaled.map { ($0.file.url, $0.scale) }
      try StableDirectory.write(source, to: target, as: storage, loras: files)
      return try printLine(target.relativePath)
    }
    let bundle = try ModelBundle(directory: source)
    let prompts = try bundle.prompts ?? PromptEncoder(directory: Home.textEncoder)
    for (file, scale) in loras.scaled {
      let lora = try LoRAFile(file.url, unet: bundle.unet, textEncoder: prompts.encoder)
      lora.merge(unet: bundle.unet, textEncoder: prompts.encoder, scale: scale)
      if lora.textEncoder != nil { bundle.prompts = prompts }
    }
    try bundle.save(to: target, as: storage)
    let student = source.appendingPathComponent(FastStudent.folderName)
    if FileManager.default.fileExists(atPath: student.path) {
      say("flux: the few-step student of \(model.text) belongs to its old weights and is not copied")
    }
    try printLine(target.relativePath)
  }
}
