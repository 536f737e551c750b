import Foundation
import Support

/// Ctrl-C, kill, and a terminal that closes: half-written files go away, then the program ends by that signal.
///
/// A command that can end well by itself (`training`) is asked once, and ended at the second signal; a terminal that
/// closes may say so several times, and never ends it at once.
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
    signal(SIGPIPE, SIG_IGN)  // nobody reads messages any more: no reason to end
    var stops = sigset_t()  // whoever started this program may have blocked them
    sigemptyset(&stops)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&stops, number) }
    pthread_sigmask(SIG_UNBLOCK, &stops, nil)
    for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(SIGHUP) {
      signal(number) { number in
        if Interruption.isPatient != 0, Interruption.wasAsked == 0 || number == SIGHUP {
          Interruption.wasAsked = 1
          return
        }
        AtomicFile.removeTemporaries()
        signal(number, SIG_DFL)
        raise(number)
      }
    }
  }

  /// Whether the program was started to ignore a signal, as nohup does with SIGHUP.
  private static func isIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
  }
}
