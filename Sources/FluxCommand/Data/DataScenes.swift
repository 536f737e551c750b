import ArgumentParser
import Foundation
import Scenes

/// `flux data scenes`: exports scenes as a data set.
struct DataScenes: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scenes", abstract: "Exports scenes as images with captions and metadata.",
    discussion: """
      --format folder writes 000/000000.png and .txt in subfolders of a thousand, with metadata.jsonl. \
      --format tar writes WebDataset shards of a thousand png, txt and json. The same command continues \
      an interrupted export. flux train does not need exported scenes: it renders them on the fly.
      """)

  /// The split of combinations.
  enum Split: String, ExpressibleByArgument, CaseIterable {
    case training
    case heldOut = "held-out"
  }

  @Option(help: "Number of scenes.") var count: Int = 80_000
  @Option(help: "Image size in pixels.") var size: Int = 512
  @Option(help: "World: small (used for mini), medium or full.") var world: World = .full
  @Option(help: "Version of the scene renderer: 1 (used for mini) or 2, which draws large objects sharp.")
  var scenesVersion: RenderingVersion = .latest
  @Option(name: .shortAndLong, help: "Random seed.") var seed: UInt64 = 0
  @Option(help: "Split: training, or held-out (only combinations that training never uses).")
  var split: Split = .training
  @OptionGroup var emphasis: EmphasisOptions
  @Option(help: "Format: folder or tar.") var format: SceneDataset.Format = .folder
  @Option(name: .shortAndLong, help: "Folder to write.") var output: FilePath?
  @Flag(help: "Render and encode without writing, for timing.") var dryRun = false
  @Option(name: .shortAndLong, help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(name: .shortAndLong, help: "No progress output.") var quiet = false

  func validate() throws {
    if !(1...1_000_000).contains(count) { throw ValidationError("--count \(count) must be 1 to 1000000") }
    if !(16...1024).contains(size) { throw ValidationError("--size \(size) must be 16 to 1024") }
    try ThreadCount.check(threads)
    if output == nil, !dryRun { throw ValidationError("--output FOLDER is missing (or use --dry-run)") }
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
    let statistics = try dataset.write(
      to: folder, atlas: atlas, workers: threads ?? ProcessInfo.processInfo.activeProcessorCount
    ) { progress.show($0) }
    progress.clear()
    try printLine(summary(statistics, seconds: Date().timeIntervalSince(started)))
  }

  private func summary(_ statistics: SceneDataset.Statistics, seconds: Double) -> String {
    let kept = statistics.kept > 0 ? " (\(statistics.kept) existed already)" : ""
    guard statistics.made > 0 else { return "nothing to do\(kept)" }
    func each(_ seconds: Double) -> String { String(format: "%.2f ms", 1000 * seconds / Double(statistics.made)) }
    return String(
      format: "%d scenes%@ in %.1f s, %.0f per second; CPU time per scene: %@ to render, %@ to encode",
      statistics.made, kept, seconds, Double(statistics.made) / seconds, each(statistics.drawing),
      each(statistics.encoding))
  }
}

extension SceneDataset.Format: ExpressibleByArgument {}
