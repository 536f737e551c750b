import Foundation
import TestSupport
import Testing
import Torch

/// LoRAs for models of Stable Diffusion, from people's own images to pictures.
@Suite struct StableDiffusionTrainingTests {
  private let model = StableDiffusionExamples.directory

  private func inFolderOfPhotos(_ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let photos = folder.appendingPathComponent("photos")
      try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
      for name in ["a.png", "b.png", "c.png"] { try Program.makeImage(name, in: photos) }
      try body(folder)
    }
  }

  private func train(_ model: String) -> [String] {
    [
      "train", "--from", model, "--data", "photos", "--lora-rank", "2", "--steps", "20", "--batch", "2", "--size", "32",
      "--learning-rate", "0.02", "--sample-every", "0", "-o", "run",
    ]
  }

  @discardableResult
  private func run(_ arguments: [String], in folder: URL) throws -> Program.Result {
    let result = try Program.run(arguments, in: folder)
    #expect(result.code == 0, "\(arguments): \(result.errors)")
    return result
  }

  private func draw(_ model: String, _ name: String, _ further: [String] = [], in folder: URL) throws -> Data {
    try run(
      [
        "generate", "a cat", "-m", model, "--steps", "2", "--size", "32", "--disable-image-metadata", "-q", "-o", name,
      ] + further, in: folder)
    return try Data(contentsOf: folder.appendingPathComponent(name))
  }

  /// A directory, and a single file with its own tokenizer.
  @Test(arguments: ["directory", "file"]) func aLoRAIsTrainedUsedAndMerged(_ kind: String) throws {
    try inFolderOfPhotos { folder in
      if kind == "file" { try StableDiffusionExamples.makeFile("tiny", in: folder) }
      let model = kind == "file" ? "tiny.safetensors" : model
      let trained = try run(
        train(model) + ["--train", "text-encoder,unet", "--gradient-checkpointing", "-q"], in: folder)
      #expect(trained.output.hasSuffix("run/lora.safetensors\n"), "\(trained.output)")
      let log = try String(contentsOf: folder.appendingPathComponent("run/log.jsonl"), encoding: .utf8)
      #expect(log.contains("\"step\":20,\"stage\":\"diffusion\"") && log.contains("\"denoiserGradientNorm\":"))
      let plain = try draw(model, "plain.png", in: folder)
      let half = try draw(model, "half.png", ["--lora", "run/lora.safetensors:0.5"], in: folder)
      #expect(plain != half)
      try run(["merge", model, "--lora", "run/lora.safetensors:0.5", "-o", "merged"], in: folder)
      #expect(try draw("merged", "merged.png", in: folder) == half)
      let facts = try run(["inspect", "run/lora.safetensors"], in: folder).output
      #expect(facts.contains("U-Net") && facts.contains("text encoder"), "\(facts)")
    }
  }

  @Test func aDryRunForetellsAndTrainsNothing() throws {
    try inFolderOfPhotos { folder in
      let dry = try run(train(model) + ["--dry-run"], in: folder)
      #expect(dry.output.contains(/(?m)^diffusion +20 steps of/) && dry.output.contains("lora "), "\(dry.output)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/run") == ["forecast.json"])
      let trained = try run(train(model), in: folder)
      #expect(trained.errors.contains("(forecast ") && trained.errors.contains("a LoRA of rank 2"), "\(trained.errors)")
    }
  }

  @Test(arguments: [
    (["--stages", "diffusion"], "not all options apply: remove --stages"),
    (["--muon-learning-rate", "0.1", "--ema", "0"], "remove --muon-learning-rate, --ema"),
    (["--preset", "mini"], "remove --preset"), (["--reinitialize"], "remove --reinitialize"),
    (["--regularization", "photos"], "--regularization photos has the same images as --data: it has no effect"),
    (["--regularization-weight", "2"], "--regularization-weight needs --regularization"),
    (["--cache", "c"], "remove --cache"), (["--world", "small"], "remove --world"),
    (["--resolution", "48"], "--size 32 and --resolution 48 are the same setting"),
    (["--accumulate", "4"], "accumulation is 4, expected 1 to 2"),
    (["--learning-rate", "0"], "learning rate is 0"),
    (["--lora-targets", "to_x"], "no layer's name ends in to_x"),
    (["--train", "adapter"], "remove adapter from --train"),
  ]) func whatHasNoMeaningIsRefused(_ further: [String], _ sentence: String) throws {
    try inFolderOfPhotos { folder in
      let result = try Program.run(train(model) + further, in: folder)
      #expect(result.code == 2 && result.errors.contains(sentence), "\(result.code) \(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["photos"])
    }
  }

  /// Wide images beside square ones that regularize: shapes and costs are foretold, and belong to the run.
  @Test func imagesOfOtherProportionsAndOthersToKeepAreLearnedFrom() throws {
    try inFolderOfPhotos { folder in
      let prior = folder.appendingPathComponent("prior")
      try FileManager.default.createDirectory(at: prior, withIntermediateDirectories: true)
      for name in ["a.png", "b.png"] { try Program.makeImage(name, in: prior, width: 60) }
      let train = train(model) + ["--aspect-buckets", "--regularization", "prior", "--regularization-weight", "0.5"]
      let shapes = "32×32 (3 images); cropping removes 0% of an image on average, 0% with squares"
      let dry = try run(train + ["--dry-run"], in: folder)
      #expect(dry.output.contains("\nbuckets          \(shapes)\n"), "\(dry.output)")
      let trained = try run(train, in: folder)
      #expect(trained.errors.contains("\nbuckets: \(shapes)\n"), "\(trained.errors)")
      let other = try Program.run(train.dropLast() + ["2"], in: folder)
      #expect(other.code == 1 && other.errors.contains("regularization.weight 0.5 there, 2 here"), "\(other.errors)")
      let inside = try Program.run(train + ["-o", "prior/run"], in: folder)
      #expect(inside.code == 2 && inside.errors.contains("is inside --regularization prior"), "\(inside.errors)")
    }
  }

  @Test func theWeightsThemselvesAndScenesAreRefused() throws {
    try inFolderOfPhotos { folder in
      let weights = try Program.run(["train", "--from", model, "--data", "photos", "-o", "run"], in: folder)
      #expect(weights.code == 2 && weights.errors.contains("add --lora-rank N, such as 16"), "\(weights.errors)")
      let scenes = try Program.run(["train", "--from", model, "--lora-rank", "2", "-o", "run"], in: folder)
      #expect(scenes.code == 2 && scenes.errors.contains("give --data DIR"), "\(scenes.errors)")
    }
  }
}
