import ArgumentParser
import CBuildInfo
import Diffusion
import Flux
import Foundation
import Support
import Training

/// The program: subcommands, each a thin layer over the library.
@main
struct FluxCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flux", abstract: "Text-to-image latent diffusion: generates images and trains models.",
    discussion: """
      EXAMPLES
        flux generate "a red apple on a blue background" -o apple.png
        flux train --preset tiny --output runs/tiny
        flux tokens "a red apple"
      """,
    version: version,
    subcommands: [
      Generate.self, Draw.self, Train.self, Distill.self, Plot.self, Evaluate.self, TrainJudge.self, Inspect.self,
      Verify.self,
      Variations.self,
      ModelsCommand.self, Forward.self, Tokens.self, DataCommand.self, Convert.self, Merge.self, Bench.self, Serve.self,
      CacheCommand.self, CompletionsCommand.self,
    ])

  /// The version, and the commit if the build recorded it: `flux 0.2.0 (7ff0b8b)`.
  private static var version: String {
    let commit = String(cString: build_commit())
    return "flux \(Version.current)" + (commit.isEmpty ? "" : " (\(commit))")
  }

  /// Parses the command line and runs it; every error becomes one sentence on standard error and an exit code.
  static func main() {
    Console.replaceClosedStreams()
    Interruption.install()
    do {
      var command = try Arguments.parse(try Arguments.text())
      try command.run()
      leave(0)
    } catch { end(error) }
  }

  /// Ends without the destructors of libtorch's globals, which take longer than to read a model: everything is written and
  /// closed by now, and the system takes the memory back.
  private static func leave(_ code: Int32) -> Never {
    fflush(nil)
    _exit(code)
  }

  private static func end(_ error: any Error) -> Never {
    if let code = error as? ExitCode { leave(code.rawValue) }
    if error is Failure {
      let (text, code) = sentence(about: error)
      end(text, code)
    }
    switch exitCode(for: error) {
    case .success:  // help or version
      do throws(Failure) {
        try printLine(fullMessage(for: error))
        leave(0)
      } catch { end(error.description, error.code) }
    case .validationFailure:
      let text = message(for: error)
      let arguments = Array(CommandLine.arguments.dropFirst())
      let advice =
        Arguments.misspelledCommand(arguments, text) ?? Arguments.surplus(arguments, text)
        ?? Arguments.misreadText(text) ?? Arguments.inOneLine(text)
      end(advice, 2)
    default:
      let (text, code) = sentence(about: error)
      end(text, code)
    }
  }

  /// The message about an error of a command, and its exit code.
  static func sentence(about error: any Error) -> (text: String, code: Int32) {
    if let failure = error as? Failure { return (failure.description, failure.code) }
    return ("\(error)", isAboutTheCall(error) ? 2 : 1)
  }

  private static func end(_ sentence: String, _ code: Int32) -> Never {
    say(Console.printable("flux: \(sentence)", lineBreaks: false))
    leave(code)
  }

  /// Whether an error is about the arguments: unsupported sizes, step counts or names.
  private static func isAboutTheCall(_ error: any Error) -> Bool {
    if error is SamplingError || error is EditError { return true }
    if case GenerationError.edit = error { return true }
    if case GenerationError.size = error { return true }
    if case GenerationError.upscaler = error { return true }
    if let error = error as? TrainingError, error.isAboutTheRequest { return true }
    return false
  }
}
