import Foundation
import Support

/// Handles Ctrl-C, kill and a closing terminal: temporary files are removed and unfinished images leave the terminal, then
/// the program ends by that signal.
///
/// A command that can stop cleanly (training) gets a request at the first signal and ends at the second. A closing
/// terminal may send several signals and never ends such a command at once.
enum Interruption {
  // Set by the signal handler and read by the loop; signal handlers may only set plain flags.
  nonisolated(unsafe) private static var isPatient: sig_atomic_t = 0
  nonisolated(unsafe) private static var wasRequested: sig_atomic_t = 0
  // Set before the handler may read it, and then never again.
  nonisolated(unsafe) private static var notice: (text: UnsafeMutablePointer<CChar>, length: Int)?

  // The terminal gets this before the program ends: text up to a zero, so that the handler reads one word, the old or the
  // new one. Texts stay in memory, since the handler may be reading them.
  nonisolated(unsafe) private static var restoration: UnsafeMutablePointer<CChar>?
  nonisolated(unsafe) private static var restorations: [[UInt8]: UnsafeMutablePointer<CChar>] = [:]
  nonisolated(unsafe) private static var isDrawing: sig_atomic_t = 0
  nonisolated(unsafe) private static var owesNotice: sig_atomic_t = 0

  // The thread that draws on the terminal. Only it handles signals: another one would write into the middle of an image.
  nonisolated(unsafe) private static var mainThread = pthread_self()

  /// Whether a stop was requested; only after `catchSignals`.
  static var isRequested: Bool { wasRequested != 0 }

  /// From now on the first signal requests a stop, and only the second ends the program.
  ///
  /// The first one writes `notice` to standard error, for programs that may not get to a message of their own.
  static func catchSignals(notice: String? = nil) {
    if let notice, let text = strdup(notice + "\n") { Self.notice = (text, strlen(text)) }
    isPatient = 1
  }

  /// Takes a request back: the next signal requests a stop again.
  static func reset() { wasRequested = 0 }

  /// From now on standard error gets these bytes, none of them 0, before a signal ends the program.
  ///
  /// Only for the thread that draws on the terminal.
  static func restoreTerminal(with bytes: [UInt8]) {
    if bytes.isEmpty { return restoration = nil }
    if let known = restorations[bytes] { return restoration = known }
    restoration = strdup((bytes + [0]).map { CChar(bitPattern: $0) })
    restorations[bytes] = restoration
  }

  /// Runs `body`, which writes to the terminal what a notice must not be in the middle of: the notice comes after it.
  static func whileDrawing(_ body: () -> Void) {
    isDrawing = 1
    body()
    isDrawing = 0
    if owesNotice != 0 { writeNotice() }
  }

  /// Waits a second at most: a terminal that takes nothing, as after Ctrl-S, must not keep the program.
  private static func writeRestoration() {
    guard let text = restoration else { return }
    var ready = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
    if poll(&ready, 1, 1000) > 0 { _ = write(STDERR_FILENO, text, strlen(text)) }
  }

  private static func writeNotice() {
    owesNotice = isDrawing
    guard isDrawing == 0, let notice else { return }
    _ = write(STDERR_FILENO, notice.text, notice.length)
  }

  /// Installs the handlers.
  static func install() {
    mainThread = pthread_self()
    signal(SIGXFSZ, SIG_IGN)  // a file that grows too large is then a write error with a message
    signal(SIGPIPE, SIG_IGN)  // a closed standard error must not end the program
    var stops = sigset_t()  // the parent process may have blocked them
    sigemptyset(&stops)
    for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&stops, number) }
    pthread_sigmask(SIG_UNBLOCK, &stops, nil)
    for number in [SIGINT, SIGTERM, SIGHUP] where number != SIGHUP || !isIgnored(SIGHUP) {
      signal(number) { number in
        guard pthread_equal(pthread_self(), Interruption.mainThread) != 0 else {
          pthread_kill(Interruption.mainThread, number)
          return
        }
        if Interruption.isPatient != 0, Interruption.wasRequested == 0 || number == SIGHUP {
          if Interruption.wasRequested == 0 { Interruption.writeNotice() }
          Interruption.wasRequested = 1
          return
        }
        Interruption.writeRestoration()
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
