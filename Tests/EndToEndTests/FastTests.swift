import Foundation
import Images
import TestSupport
import Testing

@Suite(.serialized) struct FastTests {
  private let distill = [
    "distill", "-m", "model", "-o", "run", "--steps", "2", "--batch", "2", "--rank", "2", "--student-steps", "3",
    "--teacher-steps", "1", "--on-policy-share", "0", "--quiet",
  ]

  private func inModelFolder(_ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeModel(in: folder)
      try body(folder)
    }
  }

  private func text(_ name: String, _ folder: URL) throws -> String {
    try PNGText.read([UInt8](Data(contentsOf: folder.appendingPathComponent(name)))).first?.text ?? ""
  }

  @Test func aStudentIsTrainedAndDrawsInItsStepsAndTheImageSaysSo() throws {
    try inModelFolder { folder in
      let before = try Program.run(["generate", "a cat", "-m", "model", "-o", "plain.png", "--steps", "2"], in: folder)
      #expect(before.code == 0)
      let trained = try Program.run(distill + ["--install"], in: folder)
      #expect(trained.code == 0 && trained.output.hasSuffix("model/fast\n"), "\(trained.errors)")
      let drawn = try Program.run(["generate", "--fast", "a cat", "-m", "model", "-o", "fast.png"], in: folder)
      #expect(drawn.code == 0 && drawn.output == "fast.png\n", "\(drawn.errors)")
      let (plain, fast) = (try text("plain.png", folder), try text("fast.png", folder))
      #expect(fast.hasPrefix("a cat\nSteps: 3, Sampler: DDIM, Schedule type: SGM Uniform, CFG scale: 1, "), "\(fast)")
      #expect(fast.contains(", Fast: ") && !plain.contains("Fast"))
      let steps = try Program.run(
        ["generate", "--replay", "fast.png", "--steps", "8", "-o", "b.png"], in: folder,
        environment: ["FLUX_MODELS": "."])
      #expect(steps.code == 2 && steps.errors.hasPrefix("flux: fast.png was drawn with --fast, which uses the steps, "))
      let lines = try Program.run(
        ["draw", "-m", "model"], in: folder, input: "/steps 4\n/fast on\n/steps\n/fast on\n/steps 4\n")
      #expect(lines.errors.components(separatedBy: "/steps would have no effect").count == 3, "\(lines.errors)")
      // The student is no part of the model that an image names.
      let hash = /Model hash: [0-9a-f]{10}/
      let hashes = try [plain, fast].map { try hash.firstMatch(in: $0)?.output }
      #expect(hashes[0] != nil && hashes[0] == hashes[1])
      // A LoRA file is a LoRA file: the student's, without --fast.
      let file = "model/fast/pytorch_lora_weights.safetensors"
      let changed = try Program.run(
        [
          "generate", "a cat", "-m", "model", "-o", "lora.png", "--steps", "2", "--lora", file, "--lora-scale", "0.5",
        ], in: folder)
      #expect(changed.code == 0, "\(changed.errors)")
      #expect(try text("lora.png", folder).contains("LoRA: \"pytorch_lora_weights:0.5:"))
    }
  }

  @Test func aStudentContinuesFromAnother() throws {
    try inModelFolder { folder in
      #expect(try Program.run(distill, in: folder).code == 0)
      var second = distill + ["--from", "run/fast"]
      second[second.firstIndex(of: "run")!] = "again"
      let continued = try Program.run(second, in: folder)
      #expect(continued.code == 0, "\(continued.errors)")
      second[second.firstIndex(of: "again")!] = "third"
      second[second.firstIndex(of: "--rank")! + 1] = "3"
      let refused = try Program.run(second, in: folder)
      #expect(refused.code == 2 && refused.errors.hasPrefix("flux: --rank 3: "), "\(refused.errors)")
      #expect(refused.errors.hasSuffix("pytorch_lora_weights.safetensors has rank 2\n"), "\(refused.errors)")
    }
  }

  /// The interrupt comes at the first checkpoint, so that there is a step to save; the same command continues.
  @Test func controlCSavesAndSaysSo() throws {
    try inModelFolder { folder in
      var long = distill + ["--save-every", "1"]
      long[long.firstIndex(of: "--steps")! + 1] = "500000"
      let result = try Program.run(long, in: folder, signal: SIGINT, whenThereIs: "run/checkpoint-00000001")
      #expect(result.code == 130 && result.output.hasSuffix("/run/fast\n"), "\(result.errors)")
      let saved = try #require(
        result.errors.firstMatch(of: /stopped and saved after step (\d+) of 500000; the same command continues/))
      let again = try Program.run(long + ["--time-limit", "1s"], in: folder)
      #expect(again.code == 0 && again.errors.contains("stopped and saved after step \(saved.1) of"), "\(again.errors)")
    }
  }

  @Test func aStudentOfOtherWeightsIsRefused() throws {
    try inModelFolder { folder in
      #expect(try Program.run(distill + ["--install"], in: folder).code == 0)
      let converted = try Program.run(["convert", "model", "--storage", "bfloat16", "--output", "small"], in: folder)
      #expect(converted.code == 0)
      // The converted model has a student of its own; that of the model before does not fit it.
      try? FileManager.default.removeItem(at: folder.appendingPathComponent("small/fast"))
      try FileManager.default.copyItem(
        at: folder.appendingPathComponent("model/fast"), to: folder.appendingPathComponent("small/fast"))
      let drawn = try Program.run(["generate", "--fast", "a cat", "-m", "small"], in: folder)
      #expect(drawn.code == 1 && drawn.errors.contains("small/fast is the student of a model with hash "))
      #expect(drawn.errors.hasSuffix("train one for it with flux distill\n"))
    }
  }

  /// What is wrong with a call, its exit code, and the one sentence that it gets.
  @Test(arguments: [
    (
      ["generate", "--fast", "a", "-m", "model"], 1, "the model model has no few-step student: train one"
    ),
    (["evaluate", "--fast", "-m", "model"], 1, "the model model has no few-step student"),
    (
      ["generate", "--fast", "a", "--steps", "8", "--guidance", "2"], 2,
      "--fast uses the steps, sampler and guidance that the student was trained with: remove --steps, --cfg-scale"
    ),
    (
      ["generate", "--fast", "a", "--sampler", "euler", "-n", "b"], 2,
      "--fast uses the steps, sampler and guidance that the student was trained with"
    ),
    (
      ["evaluate", "--fast", "--cfg-scale", "2"], 2,
      "--fast uses the steps, sampler and guidance that the student was trained with"
    ),
    (["generate", "a", "--lora-scale", "1"], 2, "--lora-scale is given 1 times, --lora 0 times: give one for each"),
    (["distill", "-o", "run", "--rank", "0"], 2, "--rank 0 must be at least 1"),
    (["distill", "-m", "model", "-o", "run", "--student-steps", "400"], 2, "teacher: 1600 steps: this schedule takes"),
  ])
  func aWrongCallGetsOneSentence(_ arguments: [String], _ code: Int32, _ sentence: String) throws {
    try inModelFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == code && result.errors.hasPrefix("flux: \(sentence)"), "\(result.code) \(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1 && result.output.isEmpty, "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
  }
}
