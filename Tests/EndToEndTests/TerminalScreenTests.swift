import Foundation
import Images
import TestSupport
import Testing

/// The screen of tmux after a preview in half blocks, as people see it; skipped where there is no tmux.
@Suite struct TerminalScreenTests {
  /// The two colors of a half block.
  private struct Cell: Equatable {
    var upper: [Int] = []
    var lower: [Int] = []
  }

  private static var isThere: Bool { (try? tmux(["-V"], socket: "none").code) == 0 }

  private static func tmux(_ arguments: [String], socket: String) throws -> (code: Int32, output: String) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["tmux", "-L", socket, "-f", "/dev/null"] + arguments
    // The server of a new session would keep a pipe open.
    let output = arguments[0] == "capture-pane" ? Pipe() : nil
    process.standardOutput = output ?? FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    let data = output?.fileHandleForReading.readDataToEndOfFile() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: data, as: UTF8.self))
  }

  /// The rows of half blocks in a text with the escape sequences of colors.
  private func cells(_ text: String) -> [[Cell]] {
    var (rows, color): ([[Cell]], Cell) = ([], Cell())
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      var (row, rest) = ([Cell](), line[...])
      while let first = rest.first {
        if let match = rest.prefixMatch(of: /\u{1b}\[([0-9;]*)m/) {
          var numbers = match.1.split(separator: ";").compactMap { Int($0) }[...]
          while let number = numbers.popFirst() {
            guard number == 38 || number == 48, numbers.first == 2, numbers.count >= 4 else { continue }
            let values = Array(numbers.dropFirst().prefix(3))
            if number == 38 { color.upper = values } else { color.lower = values }
            numbers = numbers.dropFirst(4)
          }
          rest = rest[match.range.upperBound...]
        } else {
          if first == "▀" { row.append(color) }
          rest = rest.dropFirst()
        }
      }
      if !row.isEmpty { rows.append(row) }
    }
    return rows
  }

  @Test(.enabled(if: isThere)) func aPreviewInHalfBlocksLeavesTheFinishedImageOnTheScreen() throws {
    try Program.inModelFolder { folder in
      let socket = "flux-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
      defer { _ = try? Self.tmux(["kill-server"], socket: socket) }
      let call =
        "FLUX_HOME='\(Project.root.path)' COLORTERM=truecolor '\(Program.folder.path)/flux' generate 'a cat' -m model "
        + "--steps 300 --preview auto -o cat.png 2>&1; touch ended; exec cat"
      let started = try Self.tmux(
        ["new-session", "-d", "-x", "100", "-y", "40", "-c", folder.path, "bash", "-c", call], socket: socket)
      try #require(started.code == 0)
      let sign = folder.appendingPathComponent("ended").path
      while !FileManager.default.fileExists(atPath: sign), try Self.tmux(["has-session"], socket: socket).code == 0 {
        Thread.sleep(forTimeInterval: 0.02)
      }
      let bytes = [UInt8](try Data(contentsOf: folder.appendingPathComponent("cat.png")))
      let expected = try TerminalImage(
        ImageFile.decode(bytes, file: "cat.png"), as: .blocks, columns: 99, rows: 18, hasTrueColor: true, number: 1)
      // What the program wrote may be on its way through the terminal.
      var screen = ""
      while !screen.contains("cat.png"), try Self.tmux(["has-session"], socket: socket).code == 0 {
        screen = try Self.tmux(["capture-pane", "-e", "-p"], socket: socket).output
        Thread.sleep(forTimeInterval: 0.02)
      }
      let shown = cells(screen)
      let isTheImage = shown == cells(String(decoding: expected.bytes, as: UTF8.self))
      #expect(isTheImage, "\(screen)")
      #expect(shown.count == expected.area.rows && shown.allSatisfy { $0.count == expected.area.columns })
      #expect(shown.joined().allSatisfy { $0.upper.count == 3 && $0.lower.count == 3 })
    }
  }
}
