import Flux
import Foundation
import Images
import TestSupport
import Testing
import Torch

/// What the commands do with models of Stable Diffusion's family.
@Suite struct StableDiffusionCommandTests {
  private let model = StableDiffusionExamples.directory

  private func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any], "\(text)")
  }

  @discardableResult
  private func run(_ arguments: [String], in folder: URL, environment: [String: String] = [:]) throws -> Program.Result
  {
    let result = try Program.run(arguments, in: folder, environment: environment)
    #expect(result.code == 0, "\(arguments): \(result.errors)")
    return result
  }

  private func draw(_ model: String, _ output: String, _ further: [String] = [], in folder: URL) throws {
    try run(
      ["generate", "a fox", "-m", model, "--steps", "2", "--size", "32", "-q", "-o", output] + further, in: folder)
  }

  private func pixels(_ name: String, in folder: URL) throws -> String {
    let facts = try json(run(["inspect", name, "--json"], in: folder).output)
    #expect(facts["pixels"] as? String == "intact")
    let bytes = try [UInt8](Data(contentsOf: folder.appendingPathComponent(name)))
    return ImageRecord.hash(of: try ImageFile.decode(bytes, file: name))
  }

  @Test func inspectTellsOfADirectoryAndOfAFile() throws {
    try Project.inTemporaryFolder { folder in
      let directory = try json(run(["inspect", model, "--json"], in: folder).output)
      #expect(directory["image_size"] as? Int == 48 && directory["scheduler"] as? String == "PNDMScheduler")
      #expect(directory["steps"] as? Int == 25 && directory["guidance_scale"] as? Double == 7.5)
      try StableDiffusionExamples.makeFile("tiny", in: folder)
      let file = try json(run(["inspect", "tiny.safetensors", "--json"], in: folder).output)
      #expect(file["family"] as? String == "Stable Diffusion 1" && file["image_size"] as? Int == 128)
      #expect(file["license"] as? String == "openrail" && (file["hash"] as? String)?.count == 64)
      #expect((file["unused_tensors"] as? [String: Any])?["count"] as? Int == 1)
      let networks = try #require(file["networks"] as? [[String: Any]])
      #expect(networks.map { $0["name"] as? String } == ["unet", "vae", "text_encoder"])
    }
  }

  @Test func filesInAFolderOfModelsHaveNames() throws {
    try Project.inTemporaryFolder { folder in
      try StableDiffusionExamples.makeFile("tiny", in: folder)
      let environment = ["FLUX_MODELS": folder.path]
      let list = try run(["models"], in: folder, environment: environment).output
      #expect(
        list.contains(/\ntiny +128x128 .*Stable Diffusion 1.*tiny.safetensors/) || list.hasPrefix("tiny "), "\(list)")
      let elsewhere = folder.appendingPathComponent("elsewhere")
      try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
      let forecast = try run(
        ["generate", "a", "-m", "tiny", "--dry-run", "--json"], in: elsewhere, environment: environment)
      #expect(try json(forecast.output)["evaluations"] as? Int == 50)
    }
  }

  @Test func aFileBecomesADirectoryThatDrawsTheSamePicture() throws {
    try Project.inTemporaryFolder { folder in
      try StableDiffusionExamples.makeFile("tiny", in: folder)
      try run(["convert", "tiny.safetensors", "-o", "whole"], in: folder)
      try draw("tiny.safetensors", "a.png", in: folder)
      try draw("whole", "b.png", in: folder)
      #expect(try pixels("a.png", in: folder) == pixels("b.png", in: folder))
      try run(["convert", "whole", "--storage", "int8", "-o", "small"], in: folder)
      try draw("small", "c.png", in: folder)
      #expect(try pixels("c.png", in: folder) != pixels("a.png", in: folder))
    }
  }

  @Test func previewsAreDrawnByAnotherDecoderAndTheImageIsTheSame() throws {
    let taesd = Project.golden("autoencoder_tiny/like-taesd").path
    try Program.inModelFolder { folder in
      let call = ["generate", "a fox", "-m", model, "--steps", "3", "--size", "32", "--preview-every", "1"]
      try run(call + ["-o", "plain.png"], in: folder)
      let drawn = try Program.resultOnTerminal(
        call + ["--preview-decoder", taesd, "-o", "decoded.png"], in: folder, environment: Program.kittyTerminal)
      let mapped = try Program.resultOnTerminal(
        call + ["-o", "mapped.png"], in: folder, environment: Program.kittyTerminal)
      #expect(drawn.code == 0 && mapped.code == 0, "\(drawn.errors.suffix(300))")
      #expect(try KittyScreen(drawn.errors).drawn.count == 3 && drawn.errors != mapped.errors)
      #expect(try pixels("plain.png", in: folder) == pixels("decoded.png", in: folder))
      let interactive = try Program.run(
        ["draw", "-m", model, "--preview-decoder", taesd], in: folder,
        input: "/size 32\n/steps 2\na fox\n/model model\n")
      #expect(interactive.code == 1 && interactive.output == "drawings/0001-42.png\n", "\(interactive.errors)")
      #expect(interactive.errors.contains("a preview decoder is for models of Stable Diffusion; this one previews"))
      let refused = try Program.run(["generate", "a fox", "-m", "model", "--preview-decoder", taesd], in: folder)
      #expect(refused.code != 0 && refused.errors.contains("a preview decoder is for models of Stable Diffusion"))
      let other = try Program.run(
        ["draw", "-m", model, "--preview-decoder", taesd], in: folder,
        input: "/model \(Project.golden("stable_diffusion_xl/model").path)\n")
      #expect(other.errors.contains("for models of Stable Diffusion 1 and 2 or for those of XL"), "\(other.errors)")
    }
  }

  @Test func verifyAndReplayFindTheModelAndWhatWasChosen() throws {
    try Project.inTemporaryFolder { folder in
      try StableDiffusionExamples.makeFile("tiny", in: folder)
      try draw("tiny.safetensors", "plain.png", in: folder)
      try draw("tiny.safetensors", "a.png", ["--clip-skip", "2", "--vae", model + "/vae"], in: folder)
      let verified = try Program.run(["verify", "plain.png"], in: folder)
      #expect(verified.code == 0 && verified.output.contains("drawn again: identical"), "\(verified.output)")
      let missing = try Program.run(["verify", "a.png"], in: folder)
      #expect(missing.code == 4 && missing.output.contains("give it with --vae"), "\(missing.output)")
      try run(["verify", "a.png", "--vae", model + "/vae"], in: folder)
      try run(["generate", "--replay", "plain.png", "-q", "-o", "again.png"], in: folder)
      #expect(try pixels("again.png", in: folder) == pixels("plain.png", in: folder))
      let parameters = try run(["inspect", "a.png", "--parameters"], in: folder).output
      #expect(parameters.contains("Clip skip: 2") && parameters.contains("VAE: vae"), "\(parameters)")
    }
  }

  @Test func anImageInHalfPrecisionIsDrawnAgainInIt() throws {
    try Project.inTemporaryFolder { folder in
      try draw(model, "half.png", ["--precision", "bfloat16"], in: folder)
      try draw(model, "exact.png", in: folder)
      #expect(try pixels("half.png", in: folder) != pixels("exact.png", in: folder))
      for (name, options) in [("half.png", []), ("exact.png", ["--precision", "float32"])] {
        try run(["generate", "--replay", "half.png", "-m", model, "-q", "-o", "again.png"] + options, in: folder)
        #expect(try pixels("again.png", in: folder) == pixels(name, in: folder))
      }
      try run(["verify", "half.png", "-m", model], in: folder)
    }
  }

  @Test func aMergedLoRADrawsWhatTheLoRADraws() throws {
    try Project.inTemporaryFolder { folder in
      let lora = ["--lora", Project.golden("stable_diffusion_lora/kohya.safetensors").path]
      try draw(model, "a.png", lora, in: folder)
      try run(["merge", model, "-o", "merged"] + lora, in: folder)
      try draw("merged", "b.png", in: folder)
      #expect(try pixels("a.png", in: folder) == pixels("b.png", in: folder))
    }
  }

  @Test(arguments: [
    ["train", "--from", "MODEL", "--steps", "20", "-o", "run"], ["distill", "-m", "MODEL", "-o", "run"],
    ["convert", "mini", "--prediction", "v_prediction", "-o", "x"],
    ["generate", "a", "-m", "MODEL", "--fast", "--dry-run"],
    ["forward", "decoder", "-m", "MODEL", "--in", "in.safetensors", "--out", "out.safetensors"],
  ]) func whatDoesNotWorkIsSaidInOneSentence(_ arguments: [String]) throws {
    try Project.inTemporaryFolder { folder in
      try Safetensors.write([], metadata: [:], to: folder.appendingPathComponent("in.safetensors"))
      let result = try Program.run(arguments.map { $0 == "MODEL" ? model : $0 }, in: folder)
      #expect(result.code == 1 || result.code == 2, "\(result)")
      #expect(
        result.errors.contains("Stable Diffusion") && result.errors.split(separator: "\n").count == 1, "\(result)")
    }
  }
}
