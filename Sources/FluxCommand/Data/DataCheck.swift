import ArgumentParser
import Datasets
import Foundation
import Images
import Support
import Tokenizers

/// `flux data check`: reads people's own pictures and captions before hours are spent on them.
struct DataCheck: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Reads a folder of pictures with captions and says what is wrong with it.",
    discussion: """
      Every picture is decoded, on all cores. Named are pictures that cannot be read, that have the same \
      pixels as another, that are small or narrow, and captions that are missing or longer than what the \
      text encoder reads. Exit code 1 when there is any of these.
      """)

  @Argument(help: "A folder of pictures with captions, or a .tar archive of them.") var folder: FilePath
  @Option(name: .shortAndLong, help: "A PNG to write: a contact sheet of up to 200 pictures.") var output: FilePath?
  @Option(help: "Side that training wants, in pixels; pictures under half of it are small.") var size: Int = 512
  @Option(help: "Most tokens that the model reads, with [CLS] and [SEP].") var maxTokens: Int = 32
  @Flag(help: "Print JSON, with all names.") var json = false
  @Flag(name: [.short, .long], help: "No progress.") var quiet = false

  func validate() throws {
    if !(1...16_384).contains(size) { throw ValidationError("--size \(size) must be 1 to 16384") }
    try TokenLimit.check(maxTokens)
  }

  func run() throws {
    if let output { try DataSheet.check(output, of: folder) }
    let source = try PictureFiles(folder.url)
    let tokenizer = try WordPieceTokenizer(vocabulary: Home.textEncoder.appendingPathComponent("vocab.txt"))
    let progress = CountProgress(count: source.count, noun: "pictures", quiet: quiet)
    let survey = PictureSurvey(
      of: source, size: size, maxTokens: maxTokens, thumbnails: output == nil ? nil : (200, 128),
      read: { caption in
        let tokens = tokenizer.encode(caption).ids.count
        let dropped = tokens > maxTokens ? tokenizer.encode(caption, maxLength: maxTokens).dropped : []
        return PictureSurvey.Reading(tokens: tokens, dropped: dropped)
      },
      progress: { progress.show($0) })
    progress.clear()
    if let output { try write(survey.thumbnails, to: output) }
    let report = DataReport(survey: survey, source: source, size: size, maxTokens: maxTokens)
    try printLine(json ? try report.json() : report.text)
    if !survey.findings.isEmpty { throw Failure("\(folder.text): \(report.summary)") }
  }

  private func write(_ thumbnails: [Image], to output: FilePath) throws {
    guard !thumbnails.isEmpty else { return say("flux: no picture can be read, so \(output.text) was not written") }
    let sheet = ContactSheet.lay(thumbnails, columns: min(20, thumbnails.count))
    try AtomicFile.write(PNG.encode(sheet), to: output.url)
  }
}

/// The contact sheet of a data set.
enum DataSheet {
  /// Throws where it cannot be written as the PNG that it is, or would overwrite a file of the data set.
  static func check(_ output: FilePath, of folder: FilePath?) throws(Failure) {
    try OutputFile.checkSheet(output, notAmong: folder.map { [$0] } ?? [])
    guard let folder, FileManager.default.fileExists(atPath: output.path) else { return }
    let root = folder.url.resolvingSymlinksInPath().standardizedFileURL.path
    let sheet = output.url.resolvingSymlinksInPath().standardizedFileURL.path
    guard !sheet.hasPrefix(root.hasSuffix("/") ? root : root + "/") else {
      throw Failure(
        "\(output.text) is one of the files of \(folder.text) and would be overwritten: give --output another name",
        code: 2)
    }
  }
}
