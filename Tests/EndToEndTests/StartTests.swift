import Foundation
import TestSupport
import Testing

/// What the program loads: libtorch takes a fifth of a second, and most of what is asked at a terminal needs no tensors.
@Suite struct StartTests {
  @Test(arguments: [
    ["--version"], ["--help"], ["generate", "--help"], ["completions", "bash"], ["models"], ["cache"],
    ["tokens", "a red apple"], ["inspect", "cat.png"], ["verify", "cat.png"],
    ["data", "check", "."], ["generate"], ["generate", "a fox", "--stepss", "3"],
    ["generate", "a fox", "--threads", "0"],
    ["generate", "a fox", "-m", "nothing", "--threads", "1"], ["generte"],
  ])
  func libtorchIsNotLoadedWithoutNeed(_ arguments: [String]) throws {
    try Program.inModelFolder { folder in
      try Program.makeImage("cat.png", in: folder)
      let files = try loadedFiles(by: arguments, in: folder)
      #expect(files.contains("/libpng"))
      #expect(!files.contains("libFluxTorch") && !files.contains("libtorch"), "flux \(arguments)")
    }
  }

  @Test func theFirstTensorLoadsIt() throws {
    try Program.inModelFolder { folder in
      let files = try loadedFiles(by: ["generate", "a fox", "-m", "model", "--steps", "1", "-q"], in: folder)
      #expect(files.contains("/libFluxTorch.so") && files.contains("/libtorch_cpu.so"))
    }
  }

  @Test func anUnusableLibraryIsSaid() throws {
    try Program.inModelFolder { folder in
      try FileManager.default.copyItem(at: Program.executable, to: folder.appendingPathComponent("flux"))
      func generate() throws -> Program.Result {
        try Program.run(
          ["generate", "a fox", "-m", "model"], in: folder,
          launcher: ["bash", "-c", "shift; exec ./flux \"$@\"", "bash"])
      }
      let missing = try generate()
      #expect(missing.code == 1)
      #expect(
        missing.errors.hasPrefix("flux: libFluxTorch.so cannot be loaded (") && missing.errors.contains("No such file"),
        "\(missing.errors)")
      try Data("no library".utf8).write(to: folder.appendingPathComponent("libFluxTorch.so"))
      let damaged = try generate()
      #expect(damaged.code == 1 && damaged.errors.contains("/libFluxTorch.so: file too short"), "\(damaged.errors)")
      #expect(damaged.errors.hasSuffix("): install Flux again, or build it with make build\n"), "\(damaged.errors)")
    }
  }

  /// What the dynamic linker says of the files that the program loads.
  private func loadedFiles(by arguments: [String], in folder: URL) throws -> String {
    let log = folder.appendingPathComponent("log")
    try FileManager.default.createDirectory(at: log, withIntermediateDirectories: false)
    _ = try Program.run(
      arguments, in: folder,
      environment: ["LD_DEBUG": "files", "LD_DEBUG_OUTPUT": log.appendingPathComponent("files").path])
    let files = try FileManager.default.contentsOfDirectory(at: log, includingPropertiesForKeys: nil)
    return try files.map { try String(contentsOf: $0, encoding: .utf8) }.joined()
  }
}
