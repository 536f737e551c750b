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

  @Argument(help: "A folder of pictures with captions, or a .tar archive of them.") var folder: String
  @Option(name: .shortAndLong, help: "A PNG to write: a contact sheet of up to 200 pictures.") var output: String?
  @Option(help: "Side that training wants, in pixels; pictures under half of it are small.") var size: Int = 512
  @Option(help: "Most tokens that the model reads, with [CLS] and [SEP].") var maxTokens: Int = 32
  @Flag(help: "Print JSON, with all names.") var json = false
  @Flag(name: [.short, .long], help: "No progress.") var quiet = false

  func validate() throws {
    if !(1...16_384).contains(size) { throw ValidationError("--size \(size) must be 1 to 16384") }
    try TokenLimit.check(maxTokens)
  }

  func run() throws {
    let source = try PictureFiles(URL(fileURLWithPath: folder))
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
    print(json ? try report.json() : report.text)
    if !survey.findings.isEmpty { throw Failure("\(folder): \(report.summary)") }
  }

  private func write(_ thumbnails: [Image], to output: String) throws {
    guard !thumbnails.isEmpty else { return say("flux: no picture can be read, so \(output) was not written") }
    let sheet = ContactSheet.lay(thumbnails, columns: min(20, thumbnails.count))
    try AtomicFile.write(PNG.encode(sheet), to: URL(fileURLWithPath: output))
  }
}
