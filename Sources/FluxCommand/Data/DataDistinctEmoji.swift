import ArgumentParser
import Scenes

/// `flux data distinct-emoji`: how the table of the medium world was made.
struct DataDistinctEmoji: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "distinct-emoji", abstract: "Chooses emoji of which no two look alike.",
    discussion: "Prints the first names of all that are not in the small world, as the medium world's table has them.",
    shouldDisplay: false)

  @Option(help: "How many, those of the small world included.") var count: Int = 256
  @Option(help: "How alike two may be, -1 to 1.") var limit: Float = 0.9

  func run() throws {
    let chosen = try DistinctEmoji.choose(count: count, limit: limit, font: try GlyphFont.notoColorEmoji())
    print(chosen.dropFirst(World.small.emoji.count).map { $0.names[0] }.joined(separator: ", "))
  }
}
