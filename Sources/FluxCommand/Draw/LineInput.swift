import CEdit
import Foundation
import Support

/// Lines from a terminal, with editing, history and completion by libedit; or those of a pipe.
final class LineInput {
  /// Whether lines are typed.
  let isInteractive: Bool
  private let history: String?

  /// The lines of standard input; `history` is the file of earlier ones, nil for none.
  init(history: URL?) {
    isInteractive = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
    self.history = isInteractive ? history?.path : nil
    guard isInteractive else { return }
    setlocale(LC_CTYPE, "")  // or libedit takes the bytes of é for two characters
    rl_initialize()
    // Ctrl-C discards the line; while an image is drawn it is a signal as ever.
    _ = Self.bind("setty -d -isig")
    _ = Self.bind("bind ^C em-kill-line")
    edit_complete_with { text, start, _ in
      guard start == 0, let text, text[0] == UInt8(ascii: "/") else { return nil }  // then files
      return rl_completion_matches(text, LineInput.nextCommand)
    }
    using_history()
    stifle_history(Self.longest)
    if let path = self.history { _ = read_history(path) }
  }

  /// The most lines of history.
  private static let longest: Int32 = 1000

  private static func bind(_ line: String) -> Int32 {
    var bytes = Array(line.utf8CString)
    return bytes.withUnsafeMutableBufferPointer { rl_parse_and_bind($0.baseAddress) }
  }

  /// The next line without its end; nil at the end of the input.
  func next() -> String? {
    guard isInteractive else { return readLine() }
    Console.clearStatus()
    guard let line = readline("flux> ") else { return nil }
    defer { free(line) }
    let text = String(cString: line)
    if !text.trimmingCharacters(in: .whitespaces).isEmpty { _ = add_history(line) }
    return text
  }

  /// Saves the history, for nobody else to read.
  func close() {
    guard let history else { return }
    let folder = URL(fileURLWithPath: history).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let mask = umask(0o077)
    _ = write_history(history)
    umask(mask)
  }

  // MARK: - Completion

  /// The command after those that were returned for the same text; C asks until there is none.
  private static let nextCommand: @convention(c) (UnsafePointer<CChar>?, Int32) -> UnsafeMutablePointer<CChar>? = {
    text, state in
    guard let text else { return nil }
    let begun = String(cString: text)
    let names = DrawLine.help.map { String($0.usage.prefix { $0 != " " }) }.filter { $0.hasPrefix(begun) }
    if state == 0 { returned = 0 }
    guard returned < names.count else { return nil }
    returned += 1
    return strdup(names[returned - 1])
  }

  // Only touched by libedit's call of the function above, on the one thread that reads lines.
  nonisolated(unsafe) private static var returned = 0
}
