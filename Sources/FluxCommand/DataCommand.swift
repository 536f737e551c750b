import ArgumentParser

/// `flux data`: what models learn from.
struct DataCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "data", abstract: "Looks at training data.", subcommands: [DataCheck.self, DataShow.self])
}
