import Flux
import Foundation
import Models
import TestSupport
import Testing
import Torch

@Suite struct OtherCommandsTests {
  @Test func tokensShowsPiecesIdsAndWhatIsCut() throws {
    try Project.inTemporaryFolder { folder in
      let plain = try Program.run(["tokens", "a kitten"], in: folder)
      #expect(plain.output == "101\t[CLS]\n1037\ta\n18401\tkitten\n102\t[SEP]\n")
      let cut = try Program.run(["tokens", "a red apple", "--max-tokens", "4", "--json"], in: folder)
      #expect(
        cut.output
          == "{\"dropped\":[\"apple\"],\"ids\":[101,1037,2417,102],\"pieces\":[\"[CLS]\",\"a\",\"red\",\"[SEP]\"]}\n")
    }
  }

  @Test func convertTakesTheStudentAlongAndNamesWhatItLeaves() throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeModel(in: folder)
      let model = folder.appendingPathComponent("model")
      let unet = try ModelBundle(directory: model).unet
      let configuration = FastStudent.Configuration(
        steps: 2, guidance: .init(scale: 3), teacherSteps: 2, modelHash: try ModelSource(model: model).hash)
      let student = model.appendingPathComponent("fast")
      try FastStudent.save(LoRA(for: unet, rank: 1, Generator(seed: 1)), configuration, to: student)
      try Data("x".utf8).write(to: model.appendingPathComponent("README.md"))
      let result = try Program.run(["convert", "model", "--storage", "bfloat16", "--output", "small"], in: folder)
      #expect(result.code == 0 && result.errors.hasSuffix("flux: not copied: README.md\n"), "\(result.errors)")
      let drawn = try Program.run(["generate", "a fox", "-m", "small", "--fast", "-q", "-o", "fox.png"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")

      try FastStudent.save(
        LoRA(for: unet, rank: 1, Generator(seed: 1)),
        .init(steps: 2, guidance: .init(scale: 3), teacherSteps: 2, modelHash: "other"), to: student)
      let other = try Program.run(["convert", "model", "--storage", "int8", "--output", "tiny"], in: folder)
      #expect(
        other.code == 0 && other.errors.hasPrefix("flux: the few-step student is not copied: "), "\(other.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.path + "/tiny/fast"))
    }
  }

  @Test(arguments: [["tokens", "a"], ["data", "check", "."]], ["-5", "0", "1", "513", "999999999999"])
  func tokensAreLimitedToWhatTheTextEncoderReads(_ command: [String], _ value: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(command + ["--max-tokens=\(value)"], in: folder)
      #expect(result.code == 2 && result.errors == "flux: --max-tokens \(value) must be 2 to 512\n", "\(result.errors)")
    }
  }

  /// Words in the wrong place are named, not only the option that is missing because of them.
  @Test(arguments: [
    (["mini", "int8", "-o", "x"], "Unexpected argument 'int8'"),
    (["int8", "mini", "--output=x"], "Unexpected argument 'mini'"),
    (["mini", "--to", "int8", "-o", "x"], "Unknown option '--to'."),
    (["mini", "--stroage", "int8", "-o", "x"], "Unknown option '--stroage'. Did you mean '--storage'?"),
    (["mini", "--storage", "int8"], "Missing expected argument '--output <output>'"),
    (["int8", "--storage", "int8", "-o", "x"], "int8 is a data type, not a model: flux convert MODEL --storage int8"),
    (["mini", "--storage", "fp16", "-o", "x"], "The value 'fp16' is invalid for '--storage <storage>'."),
  ])
  func convertNamesWhatIsInTheWrongPlace(_ arguments: [String], _ sentence: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["convert"] + arguments, in: folder)
      #expect(result.code == 2 && result.errors.hasPrefix("flux: \(sentence)"), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }
  }

  @Test(arguments: [("int8", 3), ("int4", 4)])
  func convertStoresTheSameModelSmaller(_ storage: String, _ factor: Int) throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeModel(in: folder)
      let result = try Program.run(["convert", "model", "--storage", storage, "--output", "small"], in: folder)
      #expect(result.code == 0 && result.output == "small\n", "\(result.errors)")
      #expect(result.errors.contains("error of the weights as \(storage), relative to their size: U-Net "))
      func size(_ model: String) throws -> Int {
        let file = folder.appendingPathComponent("\(model)/unet/diffusion_pytorch_model.safetensors")
        return try Data(contentsOf: file).count
      }
      #expect(try size("small") < size("model") / factor)
      let drawn = try Program.run(["generate", "a fox", "-m", "small", "--steps", "2", "-o", "fox.png"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
    }
  }

  @Test func benchTrainMeasures() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(
        ["bench", "train", "--preset", "tiny", "--batch", "4", "--steps", "2", "--json"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      for field in ["networksOnly", "withData", "dataWait", "peakBytes", "teraflops", "matmulTeraflops", "textAdapter"]
      { #expect(result.output.contains(field)) }
    }
  }

  @Test func benchUNetMeasures() throws {
    try Program.inModelFolder { folder in
      let flags = ["bench", "unet", "--batch", "2", "--size", "4", "--rounds", "5", "--threads", "1"]
      for place in ["model", "model/unet"] {
        let result = try Program.run(flags + ["-m", place, "--json"], in: folder)
        #expect(result.code == 0, "\(result.errors)")
        let table = try JSONSerialization.jsonObject(with: Data(result.bytes)) as? [String: Any]
        let times = table?["milliseconds"] as? [String: Double]
        let (median, minimum) = (times?["median"] ?? 0, times?["minimum"] ?? 0)
        #expect(minimum > 0 && median >= minimum)
        #expect(table?["threads"] as? Int == 1 && table?["batch"] as? Int == 2 && table?["size"] as? Int == 4)
        #expect(table?["gigaflopsPerSecond"] as? Double ?? 0 > 0)
      }
      let text = try Program.run(flags + ["-m", "model"], in: folder)
      #expect(text.output.contains("batch 2, latents 4×4, float32, on cpu, 1 thread\nmedian"), "\(text.output)")
      let none = try Program.run(["bench", "unet", "--size", "0"], in: folder)
      #expect(none.code == 2 && none.errors.contains("--size 0 must be 1 to 1024"), "\(none.errors)")
    }
  }

  @Test func benchPlotsWritesATableAndAPlotOfEachAxis() throws {
    try Program.inModelFolder { folder in
      let flags = ["bench", "plots", "-m", "model", "--rounds", "1", "--threads", "1"]
      let result = try Program.run(flags + ["-o", "plots"], in: folder)
      #expect(result.code == 0 && result.output == "plots/plots.csv\nplots/plots.svg\n", "\(result.errors)")
      let table = try String(contentsOf: folder.appendingPathComponent("plots/plots.csv"), encoding: .utf8)
      let axes = Set(table.split(separator: "\n").dropFirst().compactMap { $0.split(separator: ",").first })
      #expect(axes == ["steps", "batch", "size", "tokens"], "threads are not varied where their number is given")
      let plot = try String(contentsOf: folder.appendingPathComponent("plots/plots.svg"), encoding: .utf8)
      #expect(plot.components(separatedBy: "images/s by ").count == 5)
      #expect(try Program.run(flags + ["-o", "plots", "--json"], in: folder).code == 2)
    }
  }

  @Test func benchGenerateMeasures() throws {
    try Project.inTemporaryFolder { folder in
      let flags = ["bench", "generate", "--preset", "tiny", "--batch", "2", "--steps", "3", "--rounds", "1"]
      let result = try Program.run(flags + ["--json"], in: folder)
      #expect(result.code == 0, "\(result.errors)")
      let object = try JSONSerialization.jsonObject(with: Data(result.output.utf8))
      let fields = try #require(object as? [String: Any]).compactMapValues { ($0 as? NSNumber)?.doubleValue }
      let shares = ["textShare", "unetShare", "decoderShare"].compactMap { fields[$0] }
      #expect(shares.count == 3 && abs(shares.reduce(0, +) - 1) < 1e-6 && shares.allSatisfy { $0 > 0 })
      for name in ["imagesPerSecond", "firstSeconds", "peakBytes", "teraflops", "matmulTeraflops"] {
        #expect((fields[name] ?? 0) > 0, "\(name)")
      }
      // Three steps under guidance are six passes.
      #expect((fields["flopsPerImage"] ?? 0) > 6 * 7e6)
      #expect(try Program.run(flags + ["-m", "mini"], in: folder).code == 2)
    }
  }

  @Test(arguments: [
    ("--cooldown", "2", "flux: --cooldown 2.0 must be 0 to 1\n"),
    ("--adam-beta2", "1", "flux: --adam-beta2 1.0 must be 0 to 0.999999\n"),
    ("--accumulate", "0", "flux: --accumulate 0 must be at least 1\n"),
    ("--data", "nowhere", "/nowhere does not exist\n"),
  ])
  func trainSaysWhatIsWrongWithItsFlags(flag: String, value: String, sentence: String) throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["train", "--preset", "tiny", "--output", "run", flag, value], in: folder)
      #expect(result.code != 0)
      #expect(result.errors.hasSuffix(sentence), "\(result.errors)")
    }
  }

  @Test func helpOfTrainBeginsWithWhatEverybodyNeeds() throws {
    try Project.inTemporaryFolder { folder in
      let text = try Program.run(["help", "train"], in: folder).output
      let places = try ["  --profile", "  -o, --output", "  --autoencoder-learning-rate"].map {
        try #require(text.range(of: $0)).lowerBound
      }
      #expect(places == places.sorted())
    }
  }

  @Test func plotNeedsALog() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["plot", "."], in: folder)
      #expect(result.code == 1)
      #expect(result.errors.hasSuffix("does not exist or has no measurements: give the folder of a training run\n"))
    }
  }

  @Test func dataScenesWritesAndContinues() throws {
    try Project.inTemporaryFolder { folder in
      let arguments = ["data", "scenes", "--count", "6", "--size", "64", "--output", "set"]
      let first = try Program.run(arguments, in: folder)
      #expect(first.code == 0 && first.output.hasPrefix("6 scenes in "), "\(first.errors)")
      let second = try Program.run(arguments, in: folder)
      #expect(second.output == "nothing to do (6 existed already)\n", "\(second.errors)")
      let other = try Program.run(arguments + ["--world", "small"], in: folder)
      #expect(other.code == 1 && other.errors.contains("holds scenes of other settings"))
    }
  }

  @Test func aFullDiskEndsDataScenes() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(
        ["data", "scenes", "--count", "20", "--size", "128", "--format", "tar", "--output", "set"], in: folder,
        fileLimit: 16)
      #expect(result.code == 1)
      #expect(result.errors.hasPrefix("flux: cannot write "))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/set") == ["dataset.json"])
    }
  }

  /// The commit stands in brackets where the build knew it.
  @Test func theVersionIsThatOfTheLibrary() throws {
    try Project.inTemporaryFolder { folder in
      let result = try Program.run(["--version"], in: folder)
      let match = try #require(result.output.wholeMatch(of: /flux ([0-9.]+)( \([0-9a-f]{7,40}(-dirty)?\))?\n/))
      #expect(match.1 == Version.current)
    }
  }

  /// The program finds text encoder and models from its own file, in whatever folder it is called.
  @Test func theHomeIsFoundFromTheProgram() throws {
    try Project.inTemporaryFolder { folder in
      for before in ["unset FLUX_HOME; ", "export FLUX_HOME=; "] {
        let result = try Program.run(["tokens", "fox"], in: folder, before: before)
        #expect(result.code == 0 && result.output == "101\t[CLS]\n4419\tfox\n102\t[SEP]\n", "\(result.errors)")
      }
      let other = try Program.run(["tokens", "fox"], in: folder, environment: ["FLUX_HOME": folder.path])
      #expect(other.code == 1 && other.errors.contains("\(folder.path)/.deps/minilm/vocab.txt"), "\(other.errors)")
    }
  }

  @Test func helpAndVersionSucceed() throws {
    try Project.inTemporaryFolder { folder in
      for arguments in [["--help"], ["--version"], ["help", "generate"], ["train", "--help"]] {
        let result = try Program.run(arguments, in: folder)
        #expect(result.code == 0 && !result.output.isEmpty && result.errors.isEmpty, "\(arguments)")
      }
    }
  }
}
