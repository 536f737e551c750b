import Foundation
import Support

/// Ctrl-C and kill: half-written files go away, then the program ends by that signal.
///
/// A command that can end well by itself (`training`) is asked once, and ended at the second signal.
enum Interruption {
  // Set by the handler, read by the loop that asked to be told: plain flags, since handlers may do little more.
  nonisolated(unsafe) private static var isPatient: sig_atomic_t = 0
  nonisolated(unsafe) private static var wasAsked: sig_atomic_t = 0

  /// Whether the user asked to stop; only after `beAsked`.
  static var isAsked: Bool { wasAsked != 0 }

  /// From now on the first signal asks, and only the second ends the program.
  static func beAsked() { isPatient = 1 }

  /// Installs the handlers.
  static func install() {
    signal(SIGXFSZ, SIG_IGN)  // a file that grows too large is a failed write, with a sentence
    var stops = sigset_t()  // whoever started this program may have blocked them
    sigemptyset(&stops)
    for number in [SIGINT, SIGTERM] { sigaddset(&stops, number) }
    pthread_sigmask(SIG_UNBLOCK, &stops, nil)
    for number in [SIGINT, SIGTERM] {
      signal(number) { number in
        if Interruption.isPatient != 0, Interruption.wasAsked == 0 {
          Interruption.wasAsked = 1
          return
        }
        AtomicFile.removeTemporaries()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }
}
