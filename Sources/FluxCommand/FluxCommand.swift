import ArgumentParser
import Flux
import Foundation
import Support

/// The program: verbs as subcommands, each a thin door on the library.
@main
struct FluxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flux", abstract: "Draws pictures from sentences, and trains the models that do.",
    discussion: """
      EXAMPLES
        flux generate "a red apple on a blue background" -o apple.png
        flux train --preset tiny --output runs/tiny
        flux tokens "a red apple"
      """,
    version: Version.current,
    subcommands: [
      Generate.self, Train.self, Distil.self, Plot.self, Evaluate.self, TrainJudge.self, Forward.self, Tokens.self,
      DataCommand.self, Convert.self, Bench.self,
    ])

  /// Parses, runs, and turns every error into one sentence on standard error and an exit code.
  static func main() {
    Interruption.install()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      if let code = error as? ExitCode { Foundation.exit(code.rawValue) }
      if let failure = error as? Failure {
        say("flux: \(failure.description)")
        Foundation.exit(failure.code)
      }
      if exitCode(for: error) == .validationFailure || exitCode(for: error) == .success {
        let text = message(for: error)
        if exitCode(for: error) == .success {
          print(fullMessage(for: error))
          Foundation.exit(0)
        }
        say("flux: \(nearCommand(text) ?? text)")
        Foundation.exit(2)
      }
      say("flux: \(error)")
      Foundation.exit(1)
    }
  }
}

extension FluxCommand {
  /// A better sentence for a first word that is no subcommand.
  private static func nearCommand(_ message: String) -> String? {
    guard let word = CommandLine.arguments.dropFirst().first,
      message.contains(/[Uu]nexpected arguments?:? '/), message.contains("'\(word)'")
    else { return nil }
    let names = configuration.subcommands.map { $0._commandName }
    let near = NameTable(names.map { ($0, $0) }).nearest(to: word)
    return "there is no command \"\(word)\""
      + (near.map { "; did you mean \"\($0)\"?" } ?? "; there are \(names.joined(separator: ", "))")
  }
}
