import ArgumentParser
import Scenes

/// `flux data`: what models learn from.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Looks at training data, and writes it.",
    subcommands: [DataCheck.self, DataShow.self, DataScenes.self, DataDistinctEmoji.self])
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
