import Foundation
import Images
import TestSupport
import Testing

@Suite struct VerifyTests {
  private func run(_ arguments: [String], in folder: URL) throws -> Program.Result {
    try Program.run(arguments, in: folder, environment: ["FLUX_MODELS": folder.path])
  }

  private func draw(_ arguments: [String], in folder: URL) throws {
    let result = try run(["generate", "a red apple", "-m", "model", "--steps", "2"] + arguments, in: folder)
    #expect(result.code == 0, "\(result.errors)")
  }

  private func bytes(_ name: String, _ folder: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  /// The file with one bit of one pixel changed and the same metadata.
  private func alter(_ name: String, in folder: URL) throws {
    let file = try bytes(name, folder)
    var image = try ImageFile.decode(file, file: name)
    image.pixels[100] ^= 1
    try Data(PNG.encode(image, text: PNGText.read(file))).write(to: folder.appendingPathComponent(name))
  }

  @Test(arguments: ["png", "jpg", "webp"]) func anUntouchedImageIsIdentical(_ ending: String) throws {
    try Program.inModelFolder { folder in
      try draw(["-o", "a.\(ending)"], in: folder)
      let result = try run(["verify", "a.\(ending)"], in: folder)
      #expect(result.code == 0)
      #expect(result.output == "a.\(ending): pixels intact, model matches, drawn again: identical\n")
    }
  }

  @Test func imagesOfABatchAreIdenticalToo() throws {
    try Program.inModelFolder { folder in
      try draw(["-b", "3", "-o", "out/"], in: folder)
      let result = try run(["verify", "out"], in: folder)
      #expect(result.code == 0, "\(result.output)")
      #expect(result.errors == "3 images: 3 identical\n")
    }
  }

  @Test func imagesOfSeveralPromptsAreIdenticalToo() throws {
    try Program.inModelFolder { folder in
      try Data("a cat\na much longer prompt with a red apple\n\na boat\n".utf8)
        .write(to: folder.appendingPathComponent("prompts.txt"))
      let drawn = try run(
        ["generate", "--prompt-file", "prompts.txt", "-b", "2", "-m", "model", "--steps", "2", "-o", "out/"], in: folder
      )
      #expect(drawn.code == 0, "\(drawn.errors)")
      let result = try run(["verify", "out"], in: folder)
      #expect(result.code == 0, "\(result.output)")
      #expect(result.errors == "6 images: 6 identical\n")
    }
  }

  /// docs/reproducibility.md: what other instructions and threads may change.
  @Test(arguments: ["ATEN_CPU_CAPABILITY=default", "ONEDNN_MAX_CPU_ISA=SSE41"])
  func otherInstructionsAndThreadsChangeNoByteByMoreThanOne(_ setting: String) throws {
    try Program.inModelFolder { folder in
      try draw(["-b", "2", "--threads", "2", "-o", "out/"], in: folder)
      let parts = setting.split(separator: "=").map(String.init)
      let result = try Program.run(
        ["verify", "out", "--threads", "1", "--tolerance", "1"], in: folder,
        environment: ["FLUX_MODELS": folder.path, parts[0]: parts[1]])
      #expect(result.code == 0, "\(result.output)")
    }
  }

  /// libtorch's attention in bfloat16 throws there on a processor with AMX, if there is enough to attend to.
  @Test func bfloat16IsDrawnWithoutAVX512() throws {
    try Project.inTemporaryFolder { folder in
      let drawn = try Program.run(
        ["generate", "a cat", "-m", "mini", "--steps", "1", "--precision", "bfloat16", "-q", "-o", "a.png"], in: folder,
        environment: ["ATEN_CPU_CAPABILITY": "default"])
      #expect(drawn.code == 0 && drawn.output == "a.png\n")
    }
  }

  @Test func aFlippedBitIsFound() throws {
    try Program.inModelFolder { folder in
      try draw(["-o", "a.png"], in: folder)
      try alter("a.png", in: folder)
      let result = try run(["verify", "a.png"], in: folder)
      #expect(result.code == 3)
      #expect(
        result.output
          == "a.png: pixels altered, model matches, drawn again: differs (largest difference 1, mean under 0.0001 of 255)\n"
      )
      let cheap = try run(["verify", "a.png", "--pixels-only", "--json"], in: folder)
      #expect(cheap.code == 3)
      #expect(cheap.output.contains("\"pixels\":\"altered\""))
      #expect(try run(["verify", "a.png", "--tolerance", "1"], in: folder).code == 3, "the pixels are altered still")
    }
  }

  @Test func otherWeightsEndWith4() throws {
    try Program.inModelFolder { folder in
      try draw(["-o", "a.png"], in: folder)
      let config = folder.appendingPathComponent("model/scheduler/scheduler_config.json")
      try (String(contentsOf: config, encoding: .utf8) + "\n").write(to: config, atomically: true, encoding: .utf8)
      let other = try run(["verify", "a.png"], in: folder)
      #expect(other.code == 4)
      #expect(other.output == "a.png: pixels intact, model model has other weights\n")
      try FileManager.default.removeItem(at: folder.appendingPathComponent("model"))
      #expect(try run(["verify", "a.png"], in: folder).output == "a.png: pixels intact, model model not found\n")
      #expect(try run(["verify", "a.png", "--pixels-only"], in: folder).code == 0)
    }
  }

  @Test func imagesOfOthersEndWith5AndUnreadableOnesWith1() throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeImage("plain.png", in: folder)
      #expect(try run(["verify", "plain.png"], in: folder).code == 5)
      try Data("no image".utf8).write(to: folder.appendingPathComponent("x.png"))
      let both = try run(["verify", ".", "--pixels-only"], in: folder)
      #expect(both.code == 1)
      #expect(both.errors == "2 images: 1 unreadable, 1 without metadata of Flux\n")
      #expect(try run(["verify", "plain.png", "--pixels-only", "-m", "mini"], in: folder).code == 2)
    }
  }

  @Test func modelsAreListedFromEveryFolder() throws {
    try Program.inModelFolder { folder in
      let listed = try run(["models"], in: folder).output
      #expect(
        listed.contains(/(?m)^mini +512x512 +14\.\d MB +world small +apache-2\.0 +--fast with 4 steps/), "\(listed)")
      #expect(listed.contains(#/(?m)^model +64x64 /#), "\(listed)")
      #expect(try run(["generate", "a", "-m", "none"], in: folder).errors.contains("(midi, mini, model)"))
      let json = try run(["models", "--json"], in: folder).output
      #expect(json.split(separator: "\n").count == 3 && json.contains("\"name\":\"mini\""))
    }
  }
}
