import ArgumentParser
import Datasets
import Foundation
import Images
import Support
import Tokenizers

/// `flux data check`: validates captioned images before training.
struct DataCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Checks a folder of captioned images and reports problems.",
    discussion: """
      Decodes every image, using all cores. Reports images that cannot be read, duplicates, small or \
      narrow images, and captions that are missing or longer than the text encoder's limit. The exit code \
      is 1 if there are any problems.
      """)

  @Argument(help: "A folder or .tar archive of captioned images.") var folder: FilePath
  @Option(name: .shortAndLong, help: "PNG file for a contact sheet of up to 200 images.") var output: FilePath?
  @Option(help: "Image size for training, in pixels; images under half of it count as small.") var size: Int = 512
  @Option(help: "Maximum number of tokens, including [CLS] and [SEP].") var maxTokens: Int = 32
  @Flag(help: "Print JSON, with all file names.") var json = false
  @Flag(name: [.short, .long], help: "No progress output.") var quiet = false

  func validate() throws {
    if !(1...16_384).contains(size) { throw ValidationError("--size \(size) must be 1 to 16384") }
    try TokenLimit.check(maxTokens)
  }

  func run() throws {
    if let output { try DataSheet.check(output, of: folder) }
    let source = try ImageFolder(folder.url)
    let tokenizer = try WordPieceTokenizer(vocabulary: Home.textEncoder.appendingPathComponent("vocab.txt"))
    let progress = CountProgress(count: source.count, noun: "images", quiet: quiet)
    let survey = DatasetReport(
      of: source, size: size, maxTokens: maxTokens, thumbnails: output == nil ? nil : (200, 128),
      read: { caption in
        let tokens = tokenizer.encode(caption).ids.count
        let dropped = tokens > maxTokens ? tokenizer.encode(caption, maxLength: maxTokens).dropped : []
        return DatasetReport.Reading(tokens: tokens, dropped: dropped)
      },
      progress: { progress.show($0) })
    progress.clear()
    if let output { try write(survey.thumbnails, to: output) }
    let report = DataCheckReport(survey: survey, source: source, size: size, maxTokens: maxTokens)
    try printLine(json ? try report.json() : report.text)
    if !survey.findings.isEmpty { throw Failure("\(folder.text): \(report.summary)") }
  }

  private func write(_ thumbnails: [Image], to output: FilePath) throws {
    guard !thumbnails.isEmpty else { return say("flux: no image can be read, so \(output.text) was not written") }
    let sheet = ContactSheet.lay(thumbnails, columns: min(20, thumbnails.count))
    try AtomicFile.write(PNG.encode(sheet), to: output.url)
  }
}

/// The contact sheet of a data set.
enum DataSheet {
  /// Throws if the file is not a writable PNG, or is in the folder of the data set: the next reader would take it for an
  /// image without a caption.
  static func check(_ output: FilePath, of folder: FilePath?) throws(Failure) {
    try OutputFile.checkSheet(output, notAmong: folder.map { [$0] } ?? [])
    guard let folder else { return }
    let root = resolved(folder.url)
    let exists = FileManager.default.fileExists(atPath: output.path)
    // Links in the path of a file that does not exist are those of its folder.
    let place = exists ? output.url : output.url.standardizedFileURL.deletingLastPathComponent()
    let sheet = resolved(place) + (exists ? "" : "/")
    guard sheet.hasPrefix(root.hasSuffix("/") ? root : root + "/") else { return }
    throw Failure(
      exists
        ? "--output would overwrite \(output.text), a file of \(folder.text): choose another name"
        : "--output \(output.text) is inside \(folder.text), where it would be read as an image: choose another folder",
      code: 2)
  }

  private static func resolved(_ url: URL) -> String { url.resolvingSymlinksInPath().standardizedFileURL.path }
}
