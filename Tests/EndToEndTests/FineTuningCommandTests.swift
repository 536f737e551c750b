import Flux
import Foundation
import Images
import TestSupport
import Testing

@Suite(.serialized) struct FineTuningCommandTests {
  private let short = ["--steps", "20", "--batch", "4", "--pool-size", "64", "--quiet"]

  private func makePhotos(in folder: URL) throws {
    let photos = folder.appendingPathComponent("photos")
    try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
    for name in ["a.png", "b.png", "c.png"] { try Program.makeImage(name, in: photos) }
  }

  /// A LoRA of both networks: trained on people's images, used with a scale, and merged.
  @Test func aLoRAIsTrainedUsedAndMerged() throws {
    try Project.inTemporaryFolder { folder in
      try makePhotos(in: folder)
      // The residual branches of a new model let no gradient through.
      let base = try Program.run(["train", "--preset", "tiny", "-o", "base"] + short, in: folder)
      #expect(base.code == 0, "\(base.errors)")
      // The preset is that of the model.
      let train =
        [
          "train", "--from", "base/model", "--data", "photos", "--train", "text-encoder,unet", "--lora-rank", "4", "-o",
          "run",
        ]
        + short
      let trained = try Program.run(train, in: folder)
      #expect(trained.code == 0 && trained.output.hasSuffix("run/lora.safetensors\n"), "\(trained.errors)")
      // The samples over the training images nearest to them; scenes are endless and have none.
      for (name, exists) in [("run/nearest.png", true), ("base/nearest.png", false), ("base/samples.png", true)] {
        #expect(FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path) == exists, "\(name)")
      }
      let draw = ["generate", "a cat", "-m", "base/model", "--steps", "2", "--quiet"]
      func bytes(_ name: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(name)) }
      for (name, lora) in [("plain", nil), ("half", "run/lora.safetensors:0.5"), ("none", "run/lora.safetensors:0")] {
        let result = try Program.run(
          draw + ["--disable-image-metadata", "-o", "\(name).png"] + (lora.map { ["--lora", $0] } ?? []), in: folder)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.errors.contains("has no effect") == (name == "none"))
      }
      let (plain, half, none) = (try bytes("plain.png"), try bytes("half.png"), try bytes("none.png"))
      #expect(plain != half && plain == none)
      let merged = try Program.run(
        ["merge", "base/model", "--lora", "run/lora.safetensors:0.5", "-o", "merged"], in: folder)
      #expect(merged.code == 0 && merged.output == "merged\n", "\(merged.errors)")
      let again = try Program.run(
        ["generate", "a cat", "-m", "merged", "--steps", "2", "--disable-image-metadata", "-o", "merged.png"],
        in: folder)
      #expect(again.code == 0, "\(again.errors)")
      let image = try bytes("merged.png")
      #expect(image == half)
      let own = folder.appendingPathComponent("merged/text_encoder/vocab.txt")
      #expect(FileManager.default.fileExists(atPath: own.path))
    }
  }

  @Test func aTextEncoderIsFinetuned() throws {
    try Program.inModelFolder { folder in
      try makePhotos(in: folder)
      let model = try ModelBundle(directory: folder.appendingPathComponent("model"))
      model.scenes = ModelBundle.Scenes(world: "medium", version: 2)
      try model.save(to: folder.appendingPathComponent("model"))
      let train =
        [
          "train", "--from", "model", "--data", "photos", "--train", "text-encoder,adapter,unet", "--text-encoder-lr",
          "1e-4", "-o", "run", "--no-moments", "--ema", "0",
        ] + short
      let trained = try Program.run(train, in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let drawn = try Program.run(
        ["generate", "a cat", "-m", "run/model", "--steps", "2", "-o", "cat.png"], in: folder)
      #expect(drawn.code == 0, "\(drawn.errors)")
      let files = try FileManager.default.contentsOfDirectory(
        atPath: folder.appendingPathComponent("run/model/text_encoder").path)
      #expect(files.sorted() == ["config.json", "model.safetensors", "tokenizer.json", "vocab.txt"])
      // What it learned before is what it is evaluated on.
      let facts = try Program.run(["inspect", "run/model"], in: folder).output
      #expect(facts.contains(/(?m)^world +medium, version 2$/), "\(facts)")
    }
  }

  /// A wide, a tall and a square image: the shapes are named before and at the start, and the setting belongs to the run.
  @Test func imagesOfOtherProportionsAreLearnedFrom() throws {
    try Program.inModelFolder { folder in
      let photos = folder.appendingPathComponent("photos")
      try FileManager.default.createDirectory(at: photos, withIntermediateDirectories: true)
      for (name, width, height) in [("a", 90, 60), ("b", 60, 90), ("c", 60, 60)] {
        let image = Image(
          width: width, height: height, channels: .gray, pixels: .init(repeating: 90, count: width * height))
        try Data(PNG.encode(image)).write(to: photos.appendingPathComponent("\(name).png"))
      }
      let train =
        ["train", "--from", "model", "--data", "photos", "--resolution", "128", "-o", "run"] + short.dropLast()
      let shapes =
        "96×160 (1 image), 128×128 (1 image), 160×96 (1 image); cropping removes 7% of an image on average, 22% with squares"
      let dry = try Program.run(train + ["--aspect-buckets", "--dry-run"], in: folder)
      #expect(dry.code == 0 && dry.output.contains("\nbuckets          \(shapes)\n"), "\(dry.output)\(dry.errors)")
      let trained = try Program.run(train + ["--aspect-buckets"], in: folder)
      #expect(trained.code == 0 && trained.errors.contains("\nbuckets: \(shapes)\n"), "\(trained.errors)")
      let other = try Program.run(train, in: folder)
      #expect(other.code == 1 && other.errors.contains("aspectBuckets "), "\(other.errors)")
      let refused = try Program.run(train + ["--aspect-buckets", "--stages", "joint,diffusion"], in: folder)
      #expect(
        refused.code == 2 && refused.errors.contains("--aspect-buckets is for the stage diffusion"), "\(refused.errors)"
      )
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("prior"), withIntermediateDirectories: true)
      try Program.makeImage("a.png", in: folder.appendingPathComponent("prior"))
      let kept = try Program.run(
        train + ["--aspect-buckets", "--regularization", "prior", "-o", "kept"], in: folder)
      #expect(kept.code == 0 && kept.output.contains("kept/model"), "\(kept.output)\(kept.errors)")
    }
  }

  @Test(arguments: [
    (["--lora-alpha", "4"], "--lora-alpha needs --lora-rank"),
    (["--lora-targets", "to_q"], "--lora-targets needs --lora-rank"),
    (["--lora-rank", "0"], "--lora-rank 0 must be at least 1"),
    (["--lora-rank", "4"], "--lora-rank needs --from"),
    (["--from", "model", "--lora-rank", "4", "--lora-alpha", "0"], "--lora-alpha 0.0 must be above 0"),
    (["--from", "model", "--lora-rank", "4", "--train", "adapter"], "remove adapter from --train"),
    (["--from", "model", "--lora-rank", "4", "--storage", "int8"], "--storage int8 is not for a LoRA"),
    (["--from", "model", "--lora-rank", "4", "--reinitialize"], "a LoRA trains a part of a model and needs the rest"),
    (["--from", "model", "--lora-rank", "4", "--stages", "joint,diffusion"], "in the stage diffusion only"),
    (["--from", "model", "--lora-rank", "4", "--lora-targets", "to_x"], "no layer's name ends in to_x"),
    (["--train", "unet"], "--train trains a part of a model and needs the rest"),
    (["--train", "unet,vae"], "'--train"),
    (["--train", "unet,unet"], "'--train"),
    (["--from", "model", "--train", "text-encoder,adapter,unet", "--stages", "decoder"], "--train has no effect"),
    (["--text-encoder-lr", "1e-5"], "--text-encoder-learning-rate has no effect: add text-encoder to --train"),
    (["--train", "adapter", "--unet-lr", "1e-5"], "--unet-learning-rate has no effect"),
    (["--unet-learning-rate", "0"], "--unet-learning-rate 0.0 must be above 0"),
    (["--regularization", "model"], "--regularization needs images of your own in --data, not scenes"),
    (["--regularization-weight", "2"], "--regularization-weight needs --regularization"),
    (["--regularization", "x", "--regularization-weight", "0"], "--regularization-weight 0.0 must be above 0"),
    (["--aspect-buckets"], "--aspect-buckets needs images of your own in --data"),
    (["--folder-repeats"], "--folder-repeats needs images of your own in --data"),
    (["--learning-rate", "0", "--unet-lr", "1e-4"], "--learning-rate is 0: to freeze a network"),
    (["--unet-lr", "nan"], "--unet-learning-rate NaN must be above 0"),
  ]) func whatHasNoEffectOrABadValueIsRefused(_ arguments: [String], _ sentence: String) throws {
    try Program.inModelFolder { folder in
      let result = try Program.run(["train", "--preset", "tiny", "-o", "run"] + short + arguments, in: folder)
      #expect(result.code == 2 && result.errors.contains(sentence), "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["model"])
    }
  }

  @Test(arguments: [
    (["generate", "a", "--lora", "x:200"], 2, "--lora x:200: the scale must be -100 to 100"),
    (["generate", "a", "--lora", "x:nan"], 2, "--lora x:nan: the scale must be -100 to 100"),
    (["generate", "a", "--lora", "x:2", "--lora-scale", "1"], 2, "--lora x:2 has a scale already"),
    (["generate", "a", "-m", "model", "--lora", "x:y"], 1, "x:y"),
    (["merge", "model", "-o", "out"], 2, "there is no LoRA to merge: add --lora FILE"),
    (["merge", "model", "--lora", "x:0", "-o", "out"], 2, "--lora x: a scale of 0 merges nothing"),
    (["merge", "model", "--lora", "x", "-o", "model"], 2, "--output would overwrite the input model"),
    (["merge", "model", "--lora", "x", "-o", "out"], 1, "x"),
  ]) func aLoRAThatCannotBeUsedIsNamed(_ arguments: [String], _ code: Int32, _ sentence: String) throws {
    try Program.inModelFolder { folder in
      let result = try Program.run(arguments, in: folder)
      #expect(result.code == code && result.errors.contains(sentence), "\(result.errors)")
    }
  }
}
