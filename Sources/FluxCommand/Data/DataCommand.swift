import ArgumentParser
import Scenes

/// `flux data`: what models learn from.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Looks at training data, and writes it.",
    subcommands: [DataCheck.self, DataShow.self, DataScenes.self])
}

extension World: ExpressibleByArgument {}
