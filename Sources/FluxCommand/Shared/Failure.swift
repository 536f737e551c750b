import Foundation
import Support

/// An error with its exit code: 1 for failures, 2 for wrong arguments.
struct Failure: Error, CustomStringConvertible {
  let description: String
  let code: Int32

  init(_ description: String, code: Int32 = 1) {
    self.description = description
    self.code = code
  }
}

/// Writes a line to standard error; write errors are ignored.
func say(_ text: String) { Console.say(text) }

/// Writes a line to standard output without buffering, so that a pipe gets it at once.
///
/// On a terminal control characters are shown as escapes; otherwise the text is unchanged.
func printLine(_ text: String) throws(Failure) {
  try writeOutput(Array(((isatty(STDOUT_FILENO) == 1 ? Console.printable(text) : text) + "\n").utf8))
}

/// Writes bytes to standard output; throws if that fails.
///
/// If the reader of a pipe is gone, the program ends by SIGPIPE without a message, like other programs.
func writeOutput(_ bytes: [UInt8]) throws(Failure) {
  let code = Console.output(bytes)
  if code == 0 { return }
  if code == EPIPE {
    AtomicFile.removeTemporaries()
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
  }
  let reason = code == EBADF ? "it is closed" : String(cString: strerror(code))
  throw Failure("cannot write standard output: \(reason)")
}
