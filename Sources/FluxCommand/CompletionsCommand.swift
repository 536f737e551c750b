import ArgumentParser

/// `flux completions`: what makes shells complete commands, options and their values.
struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions", abstract: "Prints the completion script of a shell.",
    discussion: """
      make install puts these scripts where the shells look for them. Without an installation:

      EXAMPLES
        source <(flux completions bash)
        flux completions zsh >~/.zfunc/_flux
        flux completions fish >~/.config/fish/completions/flux.fish
      """)

  /// The shells that have completions.
  enum Shell: String, CaseIterable, ExpressibleByArgument {
    case bash, zsh, fish

    var completed: CompletionShell {
      switch self {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  @Argument(help: "The shell: bash, zsh or fish.") var shell: Shell

  func run() throws { try printLine(FluxCommand.completionScript(for: shell.completed)) }
}
