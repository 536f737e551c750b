import Foundation
import Support

/// A reason to stop, as one sentence, with the exit code: 1 failed, 2 asked wrongly.
struct Failure: Error, CustomStringConvertible {
  let description: String
  let code: Int32

  init(_ description: String, code: Int32 = 1) {
    self.description = description
    self.code = code
  }
}

/// Writes a line to standard error; that it cannot be written is no error.
func say(_ text: String) { Console.say(text) }

/// Writes a line of results to standard output, at once: who reads them in a pipe need not wait for the end.
///
/// On a terminal control characters are shown as escapes; elsewhere names stay as they are.
func printLine(_ text: String) throws(Failure) {
  try writeOutput(Array(((isatty(STDOUT_FILENO) == 1 ? Console.printable(text) : text) + "\n").utf8))
}

/// Writes bytes to standard output; throws where they cannot be written.
///
/// Where the reader of a pipe has gone away the program ends as others do, by SIGPIPE and without a message.
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
