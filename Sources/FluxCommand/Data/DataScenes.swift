import ArgumentParser
import Foundation
import Scenes

/// `flux data scenes`: a data set of scenes as files.
struct DataScenes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scenes", abstract: "Writes scenes as pictures with captions and facts.",
    discussion: """
      As a folder: 000/000000.png and .txt in subfolders of a thousand, with metadata.jsonl. As tar: \
      WebDataset shards of a thousand png, txt and json. The same call continues what was interrupted; \
      flux train does not need either, it draws its scenes as it goes.
      """)

  /// Which combinations the scenes hold.
  enum Split: String, ExpressibleByArgument, CaseIterable {
    case training
    case heldOut = "held-out"
  }

  @Option(help: "How many.") var count: Int = 80_000
  @Option(help: "Side of each picture, in pixels.") var size: Int = 512
  @Option(help: "The world: small (what mini knows), medium or full.") var world: World = .full
  @Option(help: "How scenes are drawn: 1, soft where they are large, as mini learned them, or 2, sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Option(name: .shortAndLong, help: "Seed of the scenes.") var seed: UInt64 = 0
  @Option(help: "training, or held-out: only scenes with a combination that training never sees.")
  var split: Split = .training
  @OptionGroup var emphasis: EmphasisOptions
  @Option(help: "folder or tar.") var format: SceneDataset.Format = .folder
  @Option(name: .shortAndLong, help: "The folder to write.") var output: FilePath?
  @Flag(help: "Draw and encode, write nothing: to time it.") var dryRun = false
  @Option(name: .shortAndLong, help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress.") var quiet = false

  func validate() throws {
    if !(1...1_000_000).contains(count) { throw ValidationError("--count \(count) must be 1 to 1000000") }
    if !(16...1024).contains(size) { throw ValidationError("--size \(size) must be 16 to 1024") }
    try ThreadCount.check(threads)
    if output == nil, !dryRun { throw ValidationError("--output FOLDER is missing; --dry-run writes nothing") }
  }

  func run() throws {
    let scenes = Scenes(
      seed: seed, split: split == .training ? .training : .heldOut, world: world,
      emphasis: try emphasis.emphasis(in: world))
    let dataset = SceneDataset(scenes, count: count, size: size, format: format)
    let atlas = try GlyphAtlas(world: world, version: scenesVersion)
    let folder = dryRun ? nil : output?.url
    if let folder { try OutputFile.checkFolder(folder) }
    let progress = CountProgress(count: count, noun: "scenes", quiet: quiet)
    let started = Date()
    let work = try dataset.write(
      to: folder, atlas: atlas, workers: threads ?? ProcessInfo.processInfo.activeProcessorCount
    ) { progress.show($0) }
    progress.clear()
    try printLine(summary(work, seconds: Date().timeIntervalSince(started)))
  }

  private func summary(_ work: SceneDataset.Work, seconds: Double) -> String {
    let kept = work.kept > 0 ? " (\(work.kept) were there)" : ""
    guard work.made > 0 else { return "nothing to do\(kept)" }
    func each(_ seconds: Double) -> String { String(format: "%.2f ms", 1000 * seconds / Double(work.made)) }
    return String(
      format: "%d scenes%@ in %.1f s, %.0f a second; of one core each took %@ to draw and %@ to encode as PNG",
      work.made, kept, seconds, Double(work.made) / seconds, each(work.drawing), each(work.encoding))
  }
}

extension SceneDataset.Format: ExpressibleByArgument {}
