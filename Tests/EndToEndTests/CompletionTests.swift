import Foundation
import TestSupport
import Testing

/// What shells are told, through the completions of bash as people have them.
@Suite struct CompletionTests {
  /// The words that bash completes the last of `words` to.
  private func completed(_ words: [String], in folder: URL, models: URL? = nil) throws -> [String] {
    let script = try Program.run(["completions", "bash"], in: folder)
    #expect(script.code == 0)
    try Data(script.bytes).write(to: folder.appendingPathComponent("completions.bash"))
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments =
      [
        "-c",
        """
        PATH="$1:$PATH"; source completions.bash; shift
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
        $(complete -p flux | sed "s/.*-F \\([^ ]*\\).*/\\1/") flux "${@: -1}" "${@: -2:1}"
        printf "%s\\n" "${COMPREPLY[@]}"
        """, "bash", Program.folder.path,
      ] + ["flux"] + words
    process.currentDirectoryURL = folder
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["FLUX_HOME": Project.root.path, "FLUX_MODELS": models?.path ?? "", "FLUX_LORAS": folder.path + "/loras"]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
  }

  @Test(arguments: ["bash", "zsh", "fish"]) func aCommandPrintsTheScriptOfAShell(_ shell: String) throws {
    try Project.inTemporaryFolder { folder in
      let script = try Program.run(["completions", shell], in: folder)
      #expect(script.code == 0 && script.errors.isEmpty && script.output.contains("preview-every"))
      #expect(script.bytes == (try Program.run(["--generate-completion-script", shell], in: folder)).bytes)
      let other = try Program.run(["completions", "csh"], in: folder)
      #expect(other.code == 2 && other.errors.contains("'bash', 'zsh' or 'fish'"), "\(other.errors)")
    }
  }

  @Test func namesOfModelsSamplersAndLoRAsAreCompleted() throws {
    try Program.inModelFolder { folder in
      for name in ["loras/paint.safetensors", "x.part.safetensors", "photo.png"] {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("x".utf8).write(to: file)
      }
      let models = try completed(["generate", "-m", "mi"], in: folder)
      #expect(models.contains("mini") && models.contains("midi"), "\(models)")
      #expect(try completed(["generate", "-m", "mode"], in: folder) == ["model/"])
      #expect(try completed(["generate", "-m", "mode"], in: folder, models: folder) == ["model", "model/"])
      #expect(try completed(["generate", "--sampler", "dpm"], in: folder) == ["dpmpp_2m", "dpmpp_2s"])
      #expect(try completed(["generate", "--scheduler", "k"], in: folder) == ["karras"])
      #expect(try completed(["generate", "--lora", "pa"], in: folder) == ["paint"])
      #expect(try completed(["generate", "--lora", "loras/"], in: folder) == ["loras/paint.safetensors"])
      #expect(try completed(["generate", "--resume", "x"], in: folder) == ["x.part.safetensors"])
      #expect(try completed(["generate", "--replay", "ph"], in: folder) == ["photo.png"])
      #expect(try completed(["draw", "--preview", "ki"], in: folder) == ["kitty"])
      #expect(try completed(["generate", "--preview", "p"], in: folder) == ["photo.png"])
      #expect(try completed(["completions", "z"], in: folder) == ["zsh"])
      #expect(try completed(["cach"], in: folder) == ["cache"])
    }
  }
}
