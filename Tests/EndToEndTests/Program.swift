import Flux
import Foundation
import TestSupport

/// The built program, run as people run it.
enum Program {
  struct Result {
    let code: Int32  // of the exit, or minus the signal that ended it
    let output: String
    let errors: String
  }

  /// Runs `flux` with arguments in a folder.
  ///
  /// - Parameters:
  ///   - input: what standard input holds.
  ///   - fileLimit: the most kilobytes that it may write to one file; stands for a full disk.
  ///   - signal: what is sent as soon as `whenThereIs`, a path in the folder, exists.
  static func run(
    _ arguments: [String], in folder: URL, input: String = "", fileLimit: Int? = nil, signal: Int32 = SIGINT,
    whenThereIs sign: String? = nil
  ) throws -> Result {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    let limit = fileLimit.map { "ulimit -f \($0); " } ?? ""
    process.arguments = ["-c", "\(limit)exec \"$0\" \"$@\"", executable.path] + arguments
    process.currentDirectoryURL = folder
    var environment = ProcessInfo.processInfo.environment
    environment["FLUX_HOME"] = Project.root.path
    process.environment = environment
    let (given, output, errors) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput, process.standardError) = (given, output, errors)
    try process.run()
    given.fileHandleForWriting.write(Data(input.utf8))
    try given.fileHandleForWriting.close()
    if let sign {
      let path = folder.appendingPathComponent(sign).path
      while process.isRunning, !FileManager.default.fileExists(atPath: path) { Thread.sleep(forTimeInterval: 0.002) }
      kill(process.processIdentifier, signal)
    }
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complained = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let code = process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
    return Result(
      code: code, output: String(decoding: said, as: UTF8.self), errors: String(decoding: complained, as: UTF8.self))
  }

  /// An untrained model of preset tiny, written into a folder under the name `model`.
  static func makeModel(in folder: URL) throws {
    try ModelBundle(Preset.tiny.configuration, .random(.init(seed: 1))).save(to: folder.appendingPathComponent("model"))
  }

  /// `flux` lies beside the test program.
  private static var executable: URL {
    URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
      .appendingPathComponent("flux")
  }
}
