import ArgumentParser
import Flux
import Foundation
import Images
import Models
import Runs
import Support
import Torch

/// `flux inspect`: says what a file or folder is.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says what an image, model, LoRA or checkpoint is.",
    discussion: """
      Reads the metadata of Flux, AUTOMATIC1111's web UI, ComfyUI, InvokeAI and stable-diffusion.cpp from PNG, JPEG and \
      WebP files.

      EXAMPLES
        flux inspect apple.png
        flux inspect mini --json
        flux inspect model.safetensors
        flux inspect --parameters photo.jpg
        flux generate "a red apple" -o - | flux inspect -
        flux inspect runs/mine
      EXIT CODES
        0 done, 1 a file cannot be read, 5 an image without known metadata
      """)

  @Argument(
    help:
      "Images (- is standard input), model directories or names, LoRA or other safetensors files, checkpoints or run folders."
  )
  var files: [FilePath]
  @Flag(help: "Print JSON, one line for each file.") var json = false
  @Flag(help: "Print only the parameters text of images, as it is stored.") var parameters = false
  @Flag(help: "Print all text entries of images as they are stored, as JSON.") var raw = false

  func validate() throws {
    let given = [("--json", json), ("--parameters", parameters), ("--raw", raw)].filter(\.1).map(\.0)
    if given.count > 1 { throw ValidationError("\(given.joined(separator: " and ")) exclude each other") }
  }

  func run() throws {
    var code: Int32 = 0
    for (index, file) in files.enumerated() {
      do {
        let isPlain = !json && !parameters && !raw
        if isPlain, files.count > 1 { try printLine((index > 0 ? "\n" : "") + "\(file.text):") }
        if try !inspect(file) { code = code == 0 ? 5 : code }
      } catch {
        if files.count == 1 { throw error }
        say("flux: \(error)")
        code = 1
      }
    }
    if code != 0 { throw ExitCode(code) }
  }

  /// Prints what a file is; false for an image without known metadata.
  private func inspect(_ file: FilePath) throws -> Bool {
    if file.text == "-" {
      let bytes = try InputBytes.image(file)
      guard ImageFile(bytes) != nil else { throw Failure("standard input is no PNG, JPEG or WebP file") }
      return try inspect(ImageFacts(bytes, file: "standard input"), file)
    }
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder)
    guard exists, !isFolder.boolValue else {
      try refuseImageFlags(file)
      try show(folderFacts(file, exists: exists), file)
      return true
    }
    let head = try FileSlice(path: file.path).read(first: 16)
    guard ImageFile(head) != nil else {
      guard file.path.hasSuffix(".safetensors") else {
        if let reason = StableDiffusionFiles.refusal(of: file.url) { throw Failure("\(file.text): \(reason)") }
        throw Failure("\(file.text) is no PNG, JPEG, WebP or safetensors file")
      }
      try refuseImageFlags(file)
      try show(SafetensorsFacts.facts(file.url), file)
      return true
    }
    return try inspect(ImageFacts(InputBytes.image(file), file: file.text), file)
  }

  private func inspect(_ image: ImageFacts, _ file: FilePath) throws -> Bool {
    if raw {
      let entries = image.texts.map { (key: $0.keyword, value: JSONValue.string($0.text)) }
      try printLine(JSONValue.object(entries).text)
    } else if parameters {
      guard let text = image.parameters else {
        say("flux: \(file.text) has no parameters text")
        return false
      }
      try printLine(text)
    } else {
      try show(image.facts, file)
    }
    if let fault = image.fault { throw Failure(fault) }
    if image.metadata == nil, !json, !raw { say("flux: \(file.text) has no known metadata") }
    return image.metadata != nil
  }

  private func refuseImageFlags(_ file: FilePath) throws {
    guard parameters || raw else { return }
    throw Failure("\(parameters ? "--parameters" : "--raw") is for images, and \(file.text) is none", code: 2)
  }

  private func folderFacts(_ file: FilePath, exists: Bool) throws -> Facts {
    if exists, let checkpoint = try CheckpointSummary(file.url) { return try CheckpointFacts.facts(checkpoint) }
    let directory = try Home.model(file, allowsAutoencoder: true)
    return try ModelFacts.facts(ModelSummary(directory))
  }

  private func show(_ facts: Facts, _ file: FilePath) throws {
    if json {
      var whole = Facts()
      whole.add("file", file.text)
      whole.add(facts)
      return try printLine(whole.json.text)
    }
    for line in facts.lines { try printLine(line) }
  }
}
