import Foundation
import TestSupport
import Testing

@Suite struct JudgeCommandTests {
  private let train = ["train-judge", "--batch", "2", "--threads", "1", "--quiet", "-o", "run"]

  @Test func trainJudgeWritesConfigurationAndWeights() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(train + ["--steps", "1"], in: folder)
      #expect(result.code == 0 && result.output.hasSuffix("/run/judge\n"), "\(result.errors)")
      let run = folder.appendingPathComponent("run")
      let names = try FileManager.default.contentsOfDirectory(atPath: run.appendingPathComponent("judge").path)
      #expect(names.sorted() == ["config.json", "model.safetensors"])
      let log = try String(contentsOf: run.appendingPathComponent("log.jsonl"), encoding: .utf8)
      #expect(log.contains("\"step\":1,\"stage\":\"judge\"") && log.contains("\"heatmap\":"))
      #expect(try Program.run(["plot", "run"], in: folder).code == 0)
    }
  }

  /// The interrupt comes at the first checkpoint, so that there is a step to save; the same command continues.
  @Test func controlCSavesAndSaysSo() throws {
    try Project.inTemporaryFolder { folder in
      let long = train + ["--steps", "500000", "--save-every", "1"]
      let result = try Program.run(long, in: folder, signal: SIGINT, whenThereIs: "run/checkpoint-00000001")
      #expect(result.code == 130 && result.output.hasSuffix("/run/judge\n"))
      let saved = try #require(
        result.errors.firstMatch(of: /stopped and saved after step (\d+) of 500000; the same command continues/))
      let again = try Program.run(long + ["--time-limit", "1s"], in: folder)
      #expect(again.code == 0 && again.errors.contains("stopped and saved after step \(saved.1) of"), "\(again.errors)")
      let other = try Program.run(long + ["--seed", "3"], in: folder)
      #expect(other.code == 1 && other.errors.contains("holds a run with other settings (seed 0 there, 3 here)"))
    }
  }

  @Test func aJudgeThatIsNotThereIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["evaluate", "--renders", "--quick", "--judge", "nowhere"], in: folder)
      #expect(result.code == 1)
      #expect(
        result.errors.hasSuffix("nowhere/config.json: No such file or directory\n"), "\(result.errors)")
    }
  }

  @Test func stepsMustBeSome() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["train-judge", "--steps", "0", "-o", "judge"], in: folder)
      #expect(result.code == 2 && result.errors == "flux: --steps 0 must be at least 1\n")
    }
  }
}
