import ArgumentParser
import Flux
import Foundation
import Models
import Support

/// `flux convert`: the same weights stored another way.
struct Convert: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Stores a model's weights another way.",
    discussion: """
      int8 keeps a scale for each output channel and is a quarter of float32's size; bfloat16 is half of \
      it. A few-step student in fast/ is copied as it is. A text encoder's directory may be converted, too. \
      Files that are left behind are named.
      """)

  @Argument(help: "A model directory, the name of a shipped model, or a text encoder's directory.") var model: FilePath
  @Option(name: [.short, .long], help: "The directory to write.") var output: FilePath
  @Option(help: "How to store weights: float32, bfloat16 or int8.") var storage: Quantisation

  func run() throws {
    let (target, given) = (output.url, model.url)
    let isEncoder = FileManager.default.fileExists(atPath: given.appendingPathComponent("vocab.txt").path)
    let source = isEncoder ? given : try Home.model(model)
    func place(_ url: URL) -> String { url.resolvingSymlinksInPath().standardizedFileURL.path }
    guard place(source) != place(target)
    else { throw Failure("\(model.text) is read and would be overwritten: give --output another name", code: 2) }
    try OutputFile.checkFolder(target)
    if isEncoder {
      try TextEncoder.load(from: given).save(to: target, as: storage)
      let copied = ["vocab.txt", "tokenizer.json", "README.md"]
      for name in copied {
        guard let data = FileManager.default.contents(atPath: given.appendingPathComponent(name).path) else { continue }
        try AtomicFile.write([UInt8](data), to: target.appendingPathComponent(name))
      }
      nameOthers(in: given, than: copied + ["config.json"], besides: target) { $0.hasPrefix("model") }
    } else {
      let student = try student(of: source)
      try ModelBundle(directory: source).save(to: target, as: storage)
      try student?.copy(
        to: target.appendingPathComponent(FastStudent.folderName), for: try ModelSource(directory: target))
      nameOthers(
        in: source,
        than: ["model_index.json", "autoencoder", "text_adapter", "unet", "scheduler", FastStudent.folderName],
        besides: target)
    }
    try printLine(target.relativePath)
  }

  /// The few-step student of a model; one that belongs to other weights is left behind, and named.
  private func student(of source: URL) throws -> FastStudent? {
    let folder = source.appendingPathComponent(FastStudent.folderName)
    guard FileManager.default.fileExists(atPath: folder.path) else { return nil }
    do {
      return try FastStudent(folder, of: ModelSource(directory: source))
    } catch {
      say("flux: the few-step student is left behind: \(error)")
      return nil
    }
  }

  /// Names what lies in a directory and was not converted.
  private func nameOthers(
    in directory: URL, than known: [String], besides target: URL, isKnown: (String) -> Bool = { _ in false }
  ) {
    if directory.standardizedFileURL.path == target.standardizedFileURL.path { return }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    let others = names.filter { !$0.hasPrefix(".") && !known.contains($0) && !isKnown($0) }.sorted()
    if !others.isEmpty { say("flux: left behind: \(others.joined(separator: ", "))") }
  }
}
