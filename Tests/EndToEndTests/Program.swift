import Flux
import Foundation
import Images
import TestSupport

/// The built program, run as people run it.
enum Program {
  struct Result {
    let code: Int32  // of the exit, or minus the signal that ended it
    let bytes: [UInt8]  // of standard output
    let errors: String

    var output: String { String(decoding: bytes, as: UTF8.self) }
  }

  /// Runs `flux` with arguments in a folder.
  ///
  /// - Parameters:
  ///   - input: what standard input holds.
  ///   - shell: what follows the arguments in a line of bash, such as redirections.
  ///   - before: what comes before them, such as limits.
  ///   - launcher: a command that starts the program, with its arguments.
  ///   - environment: variables beside those of the tests.
  ///   - fileLimit: the most kilobytes that it may write to one file; stands for a full disk.
  ///   - signal: what is sent as soon as `whenThereIs`, a path in the folder, exists; to the process itself, or to
  ///     another one that `receiver` finds.
  static func run(
    _ arguments: [String], in folder: URL, input: String = "", shell: String = "", before: String = "",
    launcher: [String] = [], environment further: [String: String] = [:], fileLimit: Int? = nil,
    signal: Int32 = SIGINT, whenThereIs sign: String? = nil, receiver: (pid_t) -> pid_t = { $0 }
  ) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let limit = fileLimit.map { "ulimit -f \($0); " } ?? ""
    // Under nohup tests inherit that SIGHUP is ignored, and a shell cannot change it back.
    let heeding = sign != nil && signal == SIGHUP ? "env --default-signal=HUP " : ""
    process.arguments =
      ["-c", "\(limit)\(before)exec \(heeding)\"$@\" \(shell)", "bash"] + launcher + [executable.path] + arguments
    process.currentDirectoryURL = folder
    process.environment = environment.merging(further) { $1 }
    let (given, output, errors) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (given, output, errors)
    try process.run()
    given.fileHandleForWriting.write(Data(input.utf8))
    try given.fileHandleForWriting.close()
    if let sign {
      let path = folder.appendingPathComponent(sign).path
      while process.isRunning, !FileManager.default.fileExists(atPath: path) { Thread.sleep(forTimeInterval: 0.002) }
      kill(receiver(process.processIdentifier), signal)
    }
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complained = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Result(code: code, bytes: [UInt8](said), errors: String(decoding: complained, as: UTF8.self))
  }

  /// Runs `flux` with a terminal as standard error, and gives the bytes that it gets there.
  static func runOnTerminal(
    _ arguments: [String], in folder: URL, columns: UInt16, environment further: [String: String] = [:],
    typing: [(after: [String], text: String)] = []
  ) throws -> String {
    try resultOnTerminal(arguments, in: folder, columns: columns, environment: further, typing: typing).errors
  }

  /// Variables of a terminal with 24-bit colors and no graphics, whatever the tests run in.
  static let colorTerminal = [
    "TERM": "xterm", "COLORTERM": "truecolor", "TMUX": "", "STY": "", "KITTY_WINDOW_ID": "", "KONSOLE_VERSION": "",
    "TERM_PROGRAM": "", "LC_TERMINAL": "", "NO_COLOR": "",
  ]

  /// Those of kitty.
  static let kittyTerminal = colorTerminal.merging(["TERM": "xterm-kitty"]) { $1 }

  /// Runs `flux` with a terminal as standard error.
  ///
  /// With `typing` the terminal is standard input and output too: each text is typed as soon as all that it waits for was
  /// shown, one after the other. A prompt alone does not say that a line was read, since editing shows it again. `acting` is
  /// called once, with the process, as soon as its text was shown; the terminal reads nothing meanwhile.
  static func resultOnTerminal(
    _ arguments: [String], in folder: URL, columns: UInt16 = 80, environment further: [String: String] = [:],
    typing: [(after: [String], text: String)] = [], acting: (after: String, act: (pid_t) -> Void)? = nil
  ) throws -> Result {
    let master = open("/dev/ptmx", O_RDWR | O_NOCTTY)
    guard master >= 0 else { throw POSIXError(.ENODEV) }
    defer { close(master) }
    var (number, isLocked): (Int32, Int32) = (0, 0)
    _ = ioctl(master, 0x4004_5431, &isLocked)  // TIOCSPTLCK, a macro as the next
    _ = ioctl(master, 0x8004_5430, &number)  // TIOCGPTN
    let terminal = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
    var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
    _ = ioctl(terminal, UInt(TIOCSWINSZ), &size)
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = folder
    process.environment = environment.merging(further) { $1 }
    let handle = FileHandle(fileDescriptor: terminal, closeOnDealloc: false)
    let output = Pipe()
    process.standardOutput = typing.isEmpty ? output : handle
    process.standardInput = typing.isEmpty ? FileHandle.nullDevice : handle
    process.standardError = handle
    try process.run()
    close(terminal)
    try output.fileHandleForWriting.close()
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    var (waiting, seen, acting) = (typing[...], 0, acting)
    while true {  // ends with EIO when the program does
      let count = read(master, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
      if let (text, act) = acting, Data(bytes).range(of: Data(text.utf8)) != nil {
        act(process.processIdentifier)
        acting = nil
      }
      while let next = waiting.first {
        var end = seen
        let isShown = next.after.allSatisfy { text in
          guard let range = Data(bytes).range(of: Data(text.utf8), in: end..<bytes.count) else { return false }
          end = range.upperBound
          return true
        }
        guard isShown else { break }
        (waiting, seen) = (waiting.dropFirst(), end)
        awaitEditing(master)
        _ = write(master, next.text, next.text.utf8.count)
      }
    }
    process.waitUntilExit()
    let said = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
    let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Result(code: code, bytes: said, errors: String(decoding: bytes, as: UTF8.self))
  }

  /// Waits until the program edits lines itself, for a second at most: the prompt may be there earlier, and the terminal
  /// would make an end of its own line of a control character.
  private static func awaitEditing(_ master: Int32) {
    var state = termios()
    for _ in 0..<1000 {
      guard tcgetattr(master, &state) == 0, state.c_lflag & tcflag_t(ICANON) != 0 else { return }
      Thread.sleep(forTimeInterval: 0.001)
    }
  }

  /// An untrained model of preset tiny, written into a folder under the name `model`.
  static func makeModel(in folder: URL) throws {
    try ModelBundle(Preset.tiny.configuration, .random(.init(seed: 1))).save(to: folder.appendingPathComponent("model"))
  }

  /// A small image with its caption.
  static func makeImage(_ name: String, in folder: URL, width: Int = 40) throws {
    let image = Image(width: width, height: 40, channels: .gray, pixels: .init(repeating: 9, count: 40 * width))
    let file = folder.appendingPathComponent(name)
    try Data(PNG.encode(image)).write(to: file)
    try Data("a cat".utf8).write(to: file.deletingPathExtension().appendingPathExtension("txt"))
  }

  /// Runs `body` in a folder that holds such a model.
  static func inModelFolder(_ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      try makeModel(in: folder)
      try body(folder)
    }
  }

  private static var environment: [String: String] {
    ProcessInfo.processInfo.environment.merging(["FLUX_HOME": Project.root.path, "FLUX_MODEL": "mini"]) { $1 }
  }

  /// The folder of the test program, in which `flux` lies too.
  static var folder: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
  }

  static var executable: URL { folder.appendingPathComponent("flux") }
}
