import ArgumentParser
import Scenes

/// `flux data`: training data.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Inspects, checks and exports training data.",
    subcommands: [DataCheck.self, DataShow.self, DataNearest.self, DataScenes.self, DataDistinctEmoji.self])
}

extension World: ExpressibleByArgument {}

extension RenderingVersion: ExpressibleByArgument {
  public init?(argument: String) {
    guard let number = Int(argument), let version = RenderingVersion(rawValue: number) else { return nil }
    self = version
  }

  public var defaultValueDescription: String { String(rawValue) }
  public static var allValueStrings: [String] { allCases.map { String($0.rawValue) } }
}

/// `flux data distinct-emoji`: reproduces the emoji table of the medium world.
struct DataDistinctEmoji: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "distinct-emoji", abstract: "Selects emoji that do not look alike.",
    discussion: "Prints the first names of those that are not in the small world, in the order of the table.",
    shouldDisplay: false)

  @Option(help: "Number of emoji, including those of the small world.") var count: Int = 256
  @Option(help: "Maximum similarity of two emoji, -1 to 1.") var limit: Float = 0.9

  func run() throws {
    let chosen = try DistinctEmoji.choose(count: count, limit: limit, font: try GlyphFont.notoColorEmoji())
    print(chosen.dropFirst(World.small.emoji.count).map { $0.names[0] }.joined(separator: ", "))
  }
}
