import Foundation
import TestSupport
import Testing

@Suite struct JudgeCommandTests {
  @Test func trainJudgeWritesConfigurationAndWeights() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(
        ["train-judge", "--steps", "1", "--batch", "2", "--threads", "1", "-o", "judge"], in: folder)
      #expect(result.code == 0 && result.output == "judge\n", "\(result.errors)")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("judge").path)
      #expect(names.sorted() == ["config.json", "model.safetensors"])
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
