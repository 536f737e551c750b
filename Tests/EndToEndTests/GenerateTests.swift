import Foundation
import Images
import TestSupport
import Testing

@Suite struct GenerateTests {
  private func inModelFolder(_ body: (URL) throws -> Void) throws { try Program.inModelFolder(body) }

  private func names(_ folder: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: folder.path))
  }

  private func bytes(_ name: String, _ folder: URL) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  @Test func anImageIsWrittenWithHowItWasMade() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["generate", "a red apple", "-m", "model", "-o", "apple.png", "--steps", "2", "-s", "7"], in: folder)
      #expect(result.code == 0)
      #expect(result.output == "apple.png\n")
      #expect(result.errors.isEmpty)
      let text = try PNGText.read(bytes("apple.png", folder))
      #expect(text.first?.keyword == "parameters")
      #expect(text.first?.text.hasPrefix("a red apple\nSteps: 2, Sampler: DPM++ 2M,") == true)
      #expect(text.first?.text.contains("Seed: 7, Size: 64x64, Model hash: ") == true)
    }
  }

  @Test func imageKOfABatchIsTheSingleImageOfSeedPlusK() throws {
    try inModelFolder { folder in
      let common = ["generate", "a cat", "-m", "model", "--steps", "2"]
      _ = try Program.run(common + ["-s", "10", "-b", "3", "-o", "cat.png"], in: folder)
      _ = try Program.run(common + ["-s", "12", "-o", "single.png"], in: folder)
      #expect(try names(folder) == ["model", "cat-1.png", "cat-2.png", "cat-3.png", "single.png"])
      let images = try ["cat-3.png", "single.png", "cat-1.png"].map { try PNG.decode(bytes($0, folder)) }
      #expect(images[0] == images[1])
      #expect(images[2] != images[1])
    }
  }

  @Test func promptsComeFromStandardInputToo() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["generate", "--prompt-file", "-", "-m", "model", "--steps", "1", "-o", "out/", "--grid", "all.png"],
        in: folder, input: "a cat\n\n  a dog  \n")
      #expect(result.output == "out/1-42.png\nout/2-42.png\nall.png\n")
      #expect(try PNGText.read(bytes("out/2-42.png", folder)).first?.text.hasPrefix("a dog\n") == true)
    }
  }

  @Test func wordsThatDoNotFitAreNamed() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["generate", String(repeating: "apple ", count: 25) + "pear", "-m", "model", "--steps", "1"], in: folder)
      #expect(result.code == 0)
      #expect(result.errors == "flux: the prompt is too long; these words are truncated: apple apple apple pear\n")
    }
  }

  @Test func aFullDiskIsAnErrorAndLeavesNoFile() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["generate", "a cat", "-m", "model", "--steps", "1", "-o", "cat.png"], in: folder, fileLimit: 1)
      #expect(result.code == 1)
      #expect(result.errors.hasPrefix("flux: cannot write ") && result.errors.hasSuffix("cat.png: File too large\n"))
      #expect(try names(folder) == ["model"])
    }
  }

  @Test func aRunThatIsInterruptedLeavesWholeFilesOnly() throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["generate", "a cat", "-m", "model", "--steps", "1", "-b", "10000", "-o", "out/"], in: folder,
        whenThereIs: "out/00003-44.png")
      #expect(result.code == 130)
      let files = try names(folder.appendingPathComponent("out"))
      #expect(files.filter { $0.hasSuffix(".part.safetensors") }.count == 1)
      for name in files where !name.hasSuffix(".part.safetensors") {
        #expect(name.hasSuffix(".png"), "\(name)")
        #expect(try PNGText.read(bytes("out/\(name)", folder)).count == 2)
      }
    }
  }

  /// What is wrong with a call, and the one sentence that it gets.
  @Test(arguments: [
    (["generate"], "there is no prompt: flux generate \"a red apple\""),
    (["generate", "a", "--sampler", "eulr"], "unknown sampler \"eulr\"; did you mean \"euler\"?"),
    (
      ["generate", "a", "-m", "model", "-W", "50"],
      "width 50: this model generates multiples of 16 from 16 to 64, such as 48, and larger"
    ),
    (["generate", "a", "-m", "model", "--steps", "0"], "0 steps: this schedule takes 1 to 1000"),
    (["generate", "a", "-m", "nowhere"], "model \"nowhere\" not found: give a model directory"),
    (
      ["generate", "a", "-m", "model", "-o", "a.gif"],
      "images are written as PNG, JPEG or WebP: the name a.gif must end"
    ),
    (["generate", "a", "-m", "model", "-o", "a"], "images are written as PNG, JPEG or WebP: the name a must end"),
    (["generate", "a", "-m", "model", "-o", "no/a.png"], "cannot create "),
    (["generate", "--prompt-file", "none.txt"], "cannot read the prompt file none.txt: it does not exist"),
    (["generate", "a", "--device", "tpu"], "unknown device \"tpu\"; use cpu, cuda or cuda:N"),
    (["generate", "a", "--device", "cuda:99"], "device cuda:99 does not exist: libtorch finds "),
    (["generate", "a", "--sed", "3"], "Unknown option '--sed'. Did you mean '--seed'?"),
    (["genrate", "a"], "there is no command \"genrate\"; did you mean \"generate\"?"),
  ])
  func aWrongCallGetsOneSentence(_ arguments: [String], _ sentence: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == 1 || result.code == 2)
      #expect(result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
      #expect(result.output.isEmpty)
      #expect(try names(folder) == ["model"])
    }
  }

  @Test(arguments: [["--steps", "0"], ["-W", "50"], ["--steps", "2", "--sampler", "ddim", "--scheduler", "karras"]])
  func whatTheModelCannotDrawIsRefusedBeforeItsWeightsAreRead(_ options: [String]) throws {
    try inModelFolder { folder in
      let call = ["generate", "a", "-m", "model"] + options
      let whole = try Program.run(call, in: folder)
      let weights = folder.appendingPathComponent("model/unet/diffusion_pytorch_model.safetensors")
      try FileManager.default.removeItem(at: weights)
      let missing = try Program.run(call, in: folder)
      #expect(whole.code == 2 || whole.code == 0)
      #expect((missing.errors == whole.errors) == (whole.code == 2), "\(whole.errors)\(missing.errors)")
    }
  }

  @Test func withoutANameTheModelOfTheEnvironmentIsUsed() throws {
    try inModelFolder { folder in
      let result = try Program.run(["generate", "a"], in: folder, environment: ["FLUX_MODEL": "nowhere"])
      #expect(result.code == 1)
      #expect(result.errors.hasPrefix("flux: model \"nowhere\" not found"), "\(result.errors)")
    }
  }

  @Test func aModelIsSampledAsItSaysUnlessOptionsSayOtherwise() throws {
    try inModelFolder { folder in
      let index = folder.appendingPathComponent("model/model_index.json")
      var fields = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: index)) as? [String: Any])
      fields["sampling"] = ["steps": 3, "guidance": ["scale": 1.5, "rescale": 0.5]]
      try JSONSerialization.data(withJSONObject: fields).write(to: index)
      func parameters(_ options: [String]) throws -> String {
        #expect(try Program.run(["generate", "a", "-m", "model", "-o", "a.png"] + options, in: folder).code == 0)
        return try Program.run(["inspect", "a.png", "--parameters"], in: folder).output
      }
      let own = try parameters([])
      #expect(own.contains("Steps: 3,") && own.contains("CFG scale: 1.5"), "\(own)")
      let asked = try parameters(["--steps", "2", "--cfg-scale", "1"])
      #expect(asked.contains("Steps: 2,") && asked.contains("CFG scale: 1,"), "\(asked)")
    }
  }

  @Test func aDamagedModelIsNamed() throws {
    try inModelFolder { folder in
      let weights = folder.appendingPathComponent("model/unet/diffusion_pytorch_model.safetensors")
      let data = try Data(contentsOf: weights)
      try data.prefix(data.count / 2).write(to: weights)
      let result = try Program.run(["generate", "a", "-m", "model"], in: folder)
      #expect(result.code == 1)
      #expect(result.errors.contains("unet/diffusion_pytorch_model.safetensors is not a valid safetensors file"))
      #expect(result.errors.split(separator: "\n").count == 1)
    }
  }
}
