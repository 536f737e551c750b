import ArgumentParser
import Files
import Foundation

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
    subcommands: [Train.self, Tokens.self, DataCommand.self])

  /// Parses, runs, and turns every error into one sentence on standard error and an exit code.
  static func main() {
    Interruption.install()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
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
        say("flux: \(text)")
        Foundation.exit(2)
      }
      say("flux: \(error)")
      Foundation.exit(1)
    }
  }
}

/// A reason to stop, as one sentence, with the exit code: 1 failed, 2 asked wrongly.
struct Failure: Error, CustomStringConvertible {
  let description: String
  let code: Int32

  init(_ description: String, code: Int32 = 1) {
    self.description = description
    self.code = code
  }
}

/// Writes a line to standard error.
func say(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

/// Ctrl-C and kill: half-written files go away, then the program ends by that signal.
enum Interruption {
  static func install() {
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        AtomicFile.removeTemporaries()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }
}

/// Where things are: `FLUX_HOME` is the checkout, which the `flux` script sets.
enum Home {
  static var root: URL {
    URL(fileURLWithPath: ProcessInfo.processInfo.environment["FLUX_HOME"] ?? FileManager.default.currentDirectoryPath)
  }
  static var textEncoder: URL { root.appendingPathComponent(".deps/minilm") }
  static var defaultModel: URL { root.appendingPathComponent("models/mini") }
}
