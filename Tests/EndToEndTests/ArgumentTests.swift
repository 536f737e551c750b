import Foundation
import Images
import TestSupport
import Testing

/// How arguments are read, and what is said of those that cannot be meant.
@Suite struct ArgumentTests {
  private func inModelFolder(_ body: (URL) throws -> Void) throws { try Program.inModelFolder(body) }

  private let draw = ["generate", "-m", "model", "--steps", "1", "-o", "a.png"]

  private func text(_ folder: URL) throws -> String {
    try PNGText.read([UInt8](Data(contentsOf: folder.appendingPathComponent("a.png")))).first?.text ?? ""
  }

  @Test func valuesMayBeginWithADash() throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + ["-p", "-1 apple", "-n", "-blue"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      #expect(try text(folder).hasPrefix("-1 apple\nNegative prompt: -blue\n"))
      #expect(try Program.run(["tokens", "--", "-1 apple"], in: folder).code == 0)
      let named = try Program.run(["generate", "a", "-m", "model", "--steps", "1", "-o", "-x.png"], in: folder)
      #expect(named.output == "-x.png\n", "\(named.errors)")
    }
  }

  /// What is asked wrongly ends with 2 and one sentence.
  @Test(arguments: [
    (
      ["-p", "a", "-W", "-64"],
      "width -64: this model generates multiples of 16 from 16 to 64, and larger images up to 512"
    ),
    (["-p", "a", "--steps", "-1"], "-1 steps: this schedule takes 1 to 1000"),
    (["-p", "a", "--steps", "0"], "0 steps: this schedule takes 1 to 1000"),
    (["-p", "a", "-H", "1000000000000"], "height 1000000000000: this model generates"),
    (["-p", "a", "--cfg-scale", "-3"], "--cfg-scale -3.0 must be 0 to 100"),
    (["-p", "a", "-n", "--steps", "3"], "Missing value for '-n"),
    (["-1 apple"], "\"-1 apple\" begins with a dash and looks like an option: put -- before it"),
    (["-p", "a", "--device", "mps"], "unknown device \"mps\"; use cpu, cuda or cuda:N"),
    (["-p", "a", "--threads", "3000000000"], "--threads 3000000000 must be 1 to 1024"),
    (["-p", "a", "--threads", "0"], "--threads 0 must be 1 to 1024"),
    (["-p", "a", "--format", "gif"], "The value 'gif' is invalid for '--format <format>'. Please provide one of "),
    (["-p", "a", "--cfg-interval", "1e-1-x"], "The value '1e-1-x' is invalid for '--cfg-interval"),
    (["-p", "a", "--cfg-interval", "-2-5"], "The value '-2-5' is invalid for '--cfg-interval"),
    (["-p", "a", "--cfg-interval", "0.5-x-5"], "The value '0.5-x-5' is invalid for '--cfg-interval"),
    (["-p", "a", "--cfg-interval", "0.2--5"], "The value '0.2--5' is invalid for '--cfg-interval"),
    (["-p", "a", "--cfg-interval", "5-2"], "The value '5-2' is invalid for '--cfg-interval"),
    (["-p", "a", "--cfg-interval", "0-inf"], "The value '0-inf' is invalid for '--cfg-interval"),
    (["-p", "a", "--lora", "l", "--lora-scale", "nan"], "--lora-scale NaN must be -100 to 100"),
    (["-p", "a", "--lora", "l", "--lora-scale", "1e39"], "--lora-scale 1e+39 must be -100 to 100"),
    (["-p", "a", "--cfg-scale", "nan(0x7)"], "--cfg-scale NaN must be 0 to 100"),
    (["-p", "a", "--sampler", "DPM2"], "unknown sampler \"DPM2\"; use one of ddpm, ddim,"),
    (
      ["-p", "a", "--sampler", "Euler Karras", "--scheduler", "trailing"],
      "the sampler \"Euler Karras\" and --scheduler"
    ),
    (["-p", "a", "--quality", "101"], "--quality 101 must be 1 to 100"),
    (["-p", "a", "--size", "70", "-W", "64"], "--size sets width and height: remove --width"),
    (["-p", "a", "--size", "520"], "height 520: this model generates multiples of 16 from 16 to 64, and larger"),
    (["-p", "a", "--size", "80", "--upscaler", "decoder"], "upscaler decoder: this model's decoder has one size"),
    (
      ["-p", "a", "--size", "72", "--large-latents"],
      "height 72: this model generates multiples of 16 from 16 to 256, such"
    ),
    (["-p", "a", "--upscaler", "lanczos", "--large-latents"], "--large-latents enlarges nothing: remove --upscaler"),
  ])
  func whatIsAskedWronglyEndsWith2(_ arguments: [String], _ sentence: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(["generate", "-m", "model"] + arguments, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.code) \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
  }

  @Test(arguments: [
    ["train", "-o", "r"], ["distill", "-o", "r"], ["evaluate"], ["train-judge", "-o", "r"], ["bench", "train"],
    ["bench", "generate"], ["data", "scenes", "-o", "r"],
  ])
  func everyCommandLimitsThreads(_ command: [String]) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(command + ["--threads", "3000000000"], in: folder)
      #expect(result.code == 2 && result.errors == "flux: --threads 3000000000 must be 1 to 1024\n")
    }
  }

  /// Counts that would overflow, or that no memory holds.
  @Test(arguments: [
    (["train", "-o", "r", "--dry-run"], ["--steps", "--batch", "--accumulate", "--pool-size", "--pool-renewal"]),
    (["train", "-o", "r", "--dry-run"], ["--warmup", "--save-every", "--keep", "--shard-size"]),
    (["distill", "-o", "r"], ["--student-steps", "--teacher-steps", "--rank", "--steps", "--batch", "--save-every"]),
    (["distill", "-o", "r"], ["--keep"]),
    (["train-judge", "-o", "r"], ["--steps", "--batch", "--save-every", "--keep"]),
    (["bench", "train"], ["--steps", "--batch"]),
    (["bench", "generate"], ["--batch", "--steps", "--rounds"]), (["evaluate"], ["--count"]),
  ])
  func countsHaveALimit(_ command: [String], _ flags: [String]) throws {
    try Project.inTemporaryFolder { folder in
      for flag in flags {
        let result = try Program.run(command + [flag, "\(Int.max)"], in: folder)
        #expect(
          result.code == 2 && result.errors.hasPrefix("flux: \(flag) \(Int.max) must be at most "), "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
      }
    }
  }

  @Test(arguments: ["nan", "-1", "1e9"]) func benchGenerateHasTheRangeOfGenerate(_ scale: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["bench", "generate", "--preset", "tiny", "--cfg-scale", scale], in: folder)
      #expect(result.code == 2 && result.errors.hasSuffix(" must be 0 to 100\n"), "\(result.errors)")
    }
  }

  @Test(arguments: [
    ["--cfg-rescale", "7"], ["--cfg-rescale", "nan"], ["--cfg-scale", "1e9"], ["--cfg-scale", "nan"],
  ])
  func evaluateHasTheRangesOfGenerate(_ flags: [String]) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["evaluate"] + flags, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: \(flags[0]) "), "\(result.errors)")
    }
  }

  @Test(arguments: [("0.2-5", "0.2-5"), ("1e-1-5", "0.1-5"), (".5-2.", "0.5-2"), ("0-1e1", "0-10")])
  func intervalsMeanWhatTheySay(_ interval: String, _ recorded: String) throws {
    try inModelFolder { folder in
      let call = ["generate", "a", "-m", "model", "--steps", "8", "-o", "a.png", "--cfg-interval", interval]
      let result = try Program.run(call, in: folder)
      let text = try text(folder)
      #expect(result.code == 0 && text.contains("CFG interval: \(recorded),"), "\(text)")
    }
  }

  @Test func aNameOfTheWebUIIsSamplerAndSchedule() throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + ["-p", "a", "--sampler", "DPM++ 2M Karras"], in: folder)
      let text = try text(folder)
      #expect(result.code == 0 && text.contains("Sampler: DPM++ 2M, Schedule type: Karras"), "\(text)")
    }
  }

  @Test func allBitsOfASeedCountAndARandomOneIsPrinted() throws {
    try inModelFolder { folder in
      func pixels(_ seed: String) throws -> Image {
        #expect(try Program.run(draw + ["-p", "a", "-s", seed], in: folder).code == 0)
        return try PNG.decode([UInt8](Data(contentsOf: folder.appendingPathComponent("a.png"))))
      }
      #expect(try pixels("42") != pixels("4294967338"))
      let random = try Program.run(draw + ["-p", "a", "-s", "-1"], in: folder)
      let seed = try #require(try text(folder).firstMatch(of: /Seed: ([0-9]+)/)).1
      #expect(random.errors == "seed \(seed)\n" && random.output == "a.png\n")
    }
  }

  /// Options without effect are reported, and the metadata does not contain them.
  @Test(arguments: [
    (["--eta", "0.5"], "--eta has no effect with the sampler dpmpp_2m", "Eta"),
    (["-n", "dog", "--cfg-scale", "1"], "--negative-prompt has no effect at --cfg-scale 1", "Negative"),
    (
      ["--cfg-rescale", "0.5", "--cfg-scale", "1"],
      "guidance applies at no step, so these have no effect: --cfg-rescale",
      "rescale"
    ),
    (
      ["--cfg-interval", "1e8-1e9"], "guidance applies at no step, so these have no effect: --cfg-interval", "interval"
    ),
    (["--quality", "50"], "--quality has no effect on PNG", "uality"),
  ])
  func whatHasNoEffectIsSaid(_ arguments: [String], _ sentence: String, _ field: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + ["-p", "a"] + arguments, in: folder)
      #expect(result.code == 0 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(try !text(folder).contains(field))
    }
  }

  /// Options that the chosen mode does not use are refused before anything is loaded.
  @Test(arguments: [
    (["evaluate", "--count", "3"], "--count needs --set held-out or autoencoder"),
    (["evaluate", "--latent-noise", "0"], "--latent-noise needs --set autoencoder"),
    (["evaluate", "--set", "held-out", "--latent-noise", "0.1"], "--latent-noise needs --set autoencoder"),
    (
      ["evaluate", "--set", "held-out", "--seeds", "2", "--quick", "--training-seed", "1", "--pairs", "0.1"],
      "--set held-out has no use for --seeds, --quick, --training-seed, --pairs, which --set categories has"
    ),
    (
      [
        "evaluate", "--set", "autoencoder", "--shape-pairs", "1", "--full-captions", "0", "--sampling-weights", "f",
        "--write-sampling-weights", "g",
      ],
      "--set autoencoder has no use for --shape-pairs, --full-captions, --sampling-weights, --write-sampling-weights"
    ),
    (
      [
        "evaluate", "--set", "autoencoder", "--steps", "9", "--cfg-scale", "2", "--cfg-rescale", "0", "--sampler",
        "ddim",
      ], "--set autoencoder generates nothing from prompts: remove --steps, --cfg-scale, --cfg-rescale, --sampler"
    ),
    (
      ["evaluate", "--set", "autoencoder", "--fast"], "--set autoencoder generates nothing from prompts: remove --fast"
    ),
    (
      ["evaluate", "--renders", "-m", "mini", "--device", "cpu", "--seeds", "2", "--fast", "--steps", "3"],
      "--renders scores no model: remove --model, --device, --seeds, --fast, --steps"
    ),
    (["evaluate", "--renders", "--set", "held-out"], "--renders needs --set categories"),
    (
      ["distill", "-o", "r", "--world", "full", "--prompt-file", "p"],
      "--world is that of captions of scenes, --prompt-file has other ones: remove one of them"
    ),
    (
      ["distill", "-o", "r", "--student-steps", "1", "--on-policy-share", "0.5"],
      "--on-policy-share needs two --student-steps or more: remove it"
    ),
  ])
  func whatAModeDoesNotUseIsRefused(_ arguments: [String], _ sentence: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  /// The bundled judge is for the small world.
  @Test func aJudgeOfAnotherWorldIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      let judge = Project.root.appendingPathComponent("models/judge").path
      let result = try Program.run(["evaluate", "--renders", "--world", "medium", "--judge", judge], in: folder)
      #expect(result.code == 2)
      #expect(
        result.errors.hasSuffix("was trained for the world small, the prompts are of the world medium\n"),
        "\(result.errors)")
    }
  }

  /// As `generate` does, the commands say which options of guidance have no effect.
  @Test(arguments: [
    (
      ["--guidance", "1", "--cfg-rescale", "0.5"], "guidance applies at no step, so these have no effect: --cfg-rescale"
    ),
    (
      ["--cfg-interval", "1e8-1e9"],
      "guidance applies at no step, so these have no effect: --cfg-interval, --cfg-scale"
    ),
    (["--guidance", "0"], "--cfg-scale 0 uses the negative prompt only: the prompt has no effect"),
  ])
  func guidanceWithoutEffectIsSaidByDistill(_ arguments: [String], _ sentence: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(
        ["distill", "-m", "model", "-o", "r", "--quiet", "--time-limit", "1s"] + arguments, in: folder)
      #expect(result.errors.hasPrefix("flux: \(sentence)\n"), "\(result.errors)")
      #expect(result.code == 1 && result.errors.hasSuffix("stopped before the first step: nothing to save\n"))
    }
  }

  /// Prompts that are not read as they may be meant, and what is said of them.
  @Test(arguments: [
    (["🍎"], "no word of the prompt is in the vocabulary, so it has no effect: 🍎"),
    (["a 🍎 cat"], "these words of the prompt are not in the vocabulary: 🍎"),
    (["a (red:1.2) [blue] cat"], "this part of the prompt is read as plain text: (red:1.2) [blue]"),
    (
      ["a <lora:x:0.8> cat"],
      "read as plain text: <lora:x:0.8> (--prompt-syntax weighted reads it; --lora FILE is a LoRA too)"
    ),
    (
      ["a", "-n", String(repeating: "word ", count: 60) + "blue"],
      "the negative prompt is too long; these words are truncated:"
    ),
    (["a", "-n", "[x]"], "this part of the negative prompt is read as plain text: [x]"),
  ])
  func promptsThatAreReadOtherwiseBringALine(_ arguments: [String], _ sentence: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(draw + arguments, in: folder)
      #expect(result.code == 0 && result.errors.contains(sentence), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(try !text(folder).contains("<lora:"))
    }
  }

  @Test func aVeryLongWordIsNotRepeatedInFull() throws {
    try inModelFolder { folder in
      let words = [String(repeating: "a", count: 100_000), String(repeating: "pear ", count: 20_000)]
      for word in words {
        let result = try Program.run(draw + ["-p", word], in: folder)
        #expect(result.code == 0 && result.errors.hasSuffix("…\n") && result.errors.count < 1000)
      }
    }
  }

  @Test func argumentsThatAreNotUTF8AreRefused() throws {
    try inModelFolder { folder in
      for shell in ["$'caf\\xe9'", "a -o $'caf\\xe9.png'"] {
        let result = try Program.run(["generate", "-m", "model"], in: folder, shell: shell)
        #expect(result.code == 2 && result.errors.contains(" is not UTF-8 text: "), "\(result.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
      }
    }
  }

  @Test(arguments: [
    (["help", "nothing"], "there is no command \"nothing\"; there are generate, draw, train"),
    (["help", "data", "chek"], "there is no command \"chek\"; did you mean \"check\"?"),
    (["data", "chek"], "there is no command \"chek\"; did you mean \"check\"?"),
    (["genrate", "a"], "there is no command \"genrate\"; did you mean \"generate\"?"),
  ])
  func wordsThatAreNoCommandAreNamed(_ arguments: [String], _ sentence: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(result.output.isEmpty)
    }
  }

  /// By the program, which the libraries would end before its first line with a message of theirs, and by the script.
  @Test(arguments: [false, true]) func aWorkingFolderThatIsGoneIsSaid(throughScript: Bool) throws {
    try Project.inTemporaryFolder { folder in
      let gone = "mkdir d; cd d; rmdir ../d; "
      let script = "exec '\(Project.root.path)/flux' \"$@\"; "
      let result = try Program.run(["tokens", "a"], in: folder, before: gone + (throughScript ? script : ""))
      let sentence = "flux: the working folder does not exist any more: change into another one (cd)\n"
      #expect(result.code == 1 && result.output.isEmpty && result.errors.hasSuffix(sentence), "\(result.errors)")
    }
  }

  @Test func memoryThatRunsOutIsOneSentence() throws {
    try inModelFolder { folder in
      // The address space holds the libraries, and no image of a larger model.
      let result = try Program.run(
        [
          "generate", "a", "-m", "mini", "--size", "2048", "--large-latents", "-o", "a.png", "--threads", "1",
          "--save-state-every", "inf",
        ], in: folder, before: "ulimit -v 1200000; ")
      #expect(result.code == 1)
      #expect(result.errors.contains(/^flux: out of memory: [0-9.]+ GB more could not be had/), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
  }

  @Test func theValuesOfAnOptionAreListedInOneLine() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["train", "-o", "run", "--preset", "maxi"], in: folder)
      let values = "tiny, mini, midi, base, fine, specification, pixel-example"
      #expect(result.code == 2 && result.errors.hasSuffix("Please provide one of \(values)\n"), "\(result.errors)")
    }
  }
}
