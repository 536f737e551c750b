import Foundation

/// The standard streams of a program, unbuffered.
///
/// Failures to write messages to standard error are ignored. Failures to write results to standard output are reported to
/// the caller.
public enum Console {
  /// Writes lines to standard error, after removing the status line.
  ///
  /// Control characters are shown as escapes: names of foreign files must not move the cursor of a terminal.
  public static func say(_ text: String) {
    clearStatus()
    report(printable(text) + "\n")
  }

  /// Writes all bytes to standard output; gives the system's error number, or 0.
  public static func output(_ bytes: [UInt8]) -> Int32 {
    clearStatus()
    return bytes.withUnsafeBytes { writeAll($0, to: STDOUT_FILENO, patience: -1) }
  }

  /// Replaces standard streams that the caller closed, so that no file gets their descriptors.
  ///
  /// Without it, the first file that a program opens under `2>&-` would receive its messages. Reading and writing
  /// results still fail; messages go nowhere.
  public static func replaceClosedStreams() {
    for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY)]
    where fcntl(stream, F_GETFD) < 0 {
      // The lowest free number is the stream's own, since those below it are open by now.
      _ = open("/dev/null", mode)
    }
  }

  // MARK: - The status line

  /// Whether standard error is a terminal on which a line can be rewritten.
  public static var rewritesLines: Bool {
    isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
  }

  /// Columns of the terminal behind standard error; 80 if unknown.
  public static var columns: Int { size.columns ?? 80 }

  /// Rows of the terminal behind standard error; 24 if unknown.
  public static var rows: Int { size.rows ?? 24 }

  private static var size: (columns: Int?, rows: Int?) {
    var size = winsize()
    guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 else { return (nil, nil) }
    return (size.ws_col > 0 ? Int(size.ws_col) : nil, size.ws_row > 0 ? Int(size.ws_row) : nil)
  }

  /// Rewrites the last line of the terminal, cut to its width; does nothing where lines cannot be rewritten.
  ///
  /// Carriage returns and spaces are enough for it: there are no escape sequences.
  public static func status(_ text: String) {
    guard rewritesLines else { return }
    // A terminal wraps after its last column, and some already in it.
    let line = fitted(printable(text, lineBreaks: false), columns: columns - 1)
    let width = width(line)
    let before = statusWidth.exchange(width)
    report("\r" + line + String(repeating: " ", count: max(0, min(before, columns - 1) - width)) + "\r")
  }

  /// Removes the status line.
  public static func clearStatus() {
    let width = statusWidth.exchange(0)
    if width > 0 { report("\r" + String(repeating: " ", count: min(width, columns - 1)) + "\r") }
  }

  /// Writes bytes for a terminal to standard error as they are, after removing the status line.
  public static func draw(_ bytes: [UInt8]) {
    clearStatus()
    _ = bytes.withUnsafeBytes { writeAll($0, to: STDERR_FILENO, patience: 1000) }
  }

  private static let statusWidth = Locked(0)

  /// Unchecked because the value is only touched under the lock.
  private final class Locked: @unchecked Sendable {
    private let lock = NSLock()
    private var value: Int

    init(_ value: Int) { self.value = value }

    func exchange(_ new: Int) -> Int {
      lock.withLock {
        defer { value = new }
        return value
      }
    }
  }

  // MARK: - Bytes

  private static func report(_ text: String) {
    _ = Array(text.utf8).withUnsafeBytes { writeAll($0, to: STDERR_FILENO, patience: 1000) }
  }

  /// Writes all bytes; gives the system's error number, or 0.
  ///
  /// `patience` is how many milliseconds to wait for a stream that does not block and is full; −1 waits forever.
  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to stream: Int32, patience: Int32) -> Int32 {
    var rest = bytes
    while let base = rest.baseAddress, rest.count > 0 {
      let count = write(stream, base, rest.count)
      if count > 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      } else if count < 0, errno == EAGAIN {
        var ready = pollfd(fd: stream, events: Int16(POLLOUT), revents: 0)
        if poll(&ready, 1, patience) == 0 { return EAGAIN }
      } else if count == 0 || errno != EINTR {
        return count == 0 ? EIO : errno
      }
    }
    return 0
  }
}

// Text as terminals show it.
extension Console {
  /// The text with control characters as escapes (`\x1b`), and those that turn the direction of writing.
  ///
  /// Line breaks and tabs stay unless `lineBreaks` is false.
  public static func printable(_ text: String, lineBreaks: Bool = true) -> String {
    guard text.unicodeScalars.contains(where: { isControl($0) }) else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if !isControl(scalar) || (lineBreaks && (scalar == "\n" || scalar == "\t")) {
        result.append(scalar)
      } else {
        let digits = String(scalar.value, radix: 16)
        let (mark, length) = scalar.value < 0x100 ? ("\\x", 2) : ("\\u", 4)
        let zeros = String(repeating: "0", count: max(0, length - digits.count))
        result.append(contentsOf: (mark + zeros + digits).unicodeScalars)
      }
    }
    return String(result)
  }

  private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0x202a...0x202e, 0x2066...0x2069: true
    default: false
    }
  }

  /// The text cut to a number of columns, with "…" where something is missing.
  public static func fitted(_ text: String, columns: Int) -> String {
    if width(text) <= columns { return text }
    guard columns > 0 else { return "" }
    var result = ""
    var used = 1  // the ellipsis
    for character in text {
      used += width(String(character))
      if used > columns { break }
      result.append(character)
    }
    return result + "…"
  }

  /// How many columns a terminal needs for the text: two for East Asian wide characters and emoji, none for marks that
  /// join the character before them.
  static func width(_ text: String) -> Int {
    text.unicodeScalars.reduce(0) { sum, scalar in
      switch scalar.value {
      case 0x20..<0x300: return sum + 1
      case 0x1100...0x115f, 0x2e80...0x303e, 0x3041...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f,
        0xff00...0xff60, 0xffe0...0xffe6, 0x1f000...0x1faff, 0x20000...0x3fffd:
        return sum + 2
      default:
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return sum
        default: return sum + (scalar.properties.isEmojiPresentation ? 2 : 1)
        }
      }
    }
  }
}
