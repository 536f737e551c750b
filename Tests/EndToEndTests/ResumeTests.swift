import Flux
import Foundation
import Images
import TestSupport
import Testing

/// Images that are interrupted and go on.
///
/// A signal comes as soon as the first state is saved, whatever step that hits.
@Suite struct ResumeTests {
  private let cat = ["generate", "a cat", "-m", "model", "--steps", "300", "--quiet"]
  private let part = "cat.part.safetensors"

  private func bytes(_ name: String, _ folder: URL) throws -> Data {
    try Data(contentsOf: folder.appendingPathComponent(name))
  }

  private func exists(_ name: String, _ folder: URL) -> Bool {
    FileManager.default.fileExists(atPath: folder.appendingPathComponent(name).path)
  }

  /// Runs `arguments` until `sign` is there and sends a signal; true if that stopped it.
  private func stop(
    _ arguments: [String], in folder: URL, signal: Int32 = SIGINT, whenThereIs sign: String, input: String = ""
  ) throws -> Bool {
    let result = try Program.run(arguments, in: folder, input: input, signal: signal, whenThereIs: sign)
    if result.code == 0 { return false }  // the machine was so busy that the signal came too late
    // Before the first step a signal ends the program.
    #expect([130, -signal].contains(result.code), "\(result.errors)")
    return true
  }

  @Test(arguments: [SIGINT, SIGTERM, SIGHUP, SIGKILL]) func anImageGoesOnToTheSameBytes(_ signal: Int32) throws {
    try Program.inModelFolder { folder in
      let sampler = signal == SIGINT ? "unipc" : "dpmpp_2s"
      let call = cat + ["--sampler", sampler, "--save-state-every", "0", "-o"]
      #expect(try Program.run(call + ["whole.png"], in: folder).code == 0)
      #expect(!exists("whole.part.safetensors", folder))
      if try stop(call + ["cat.png"], in: folder, signal: signal, whenThereIs: part) {
        #expect(!exists("cat.png", folder) && exists(part, folder))
        let result = try Program.run(["generate", "--resume", part], in: folder)
        #expect(result.code == 0 && result.output == "cat.png\n", "\(result.errors)")
      }
      #expect(try bytes("cat.png", folder) == bytes("whole.png", folder))
      #expect(!exists(part, folder))
    }
  }

  @Test func controlCSaysWhatGoesOn() throws {
    try Program.inModelFolder { folder in
      let call = ["generate", "a cat", "-m", "model", "--steps", "1000", "--save-state-every", "0", "-o", "a cat.png"]
      let result = try Program.run(call, in: folder, whenThereIs: "a cat.part.safetensors")
      #expect(result.code == 130 && result.output.isEmpty)
      let sentence =
        #/flux: stopped and saved after step \d+ of 1000; this goes on: flux generate --resume 'a cat.part.safetensors'\n/#
      #expect(result.errors.wholeMatch(of: sentence) != nil, "\(result.errors)")
      let facts = try Program.run(["inspect", "a cat.part.safetensors"], in: folder).output
      #expect(facts.contains("kind            unfinished images\n") && facts.contains(" of 1000\n"), "\(facts)")
      #expect(facts.contains("flux generate 'a cat' -m model --steps 1000 --save-state-every 0 -o 'a cat.png'\n"))
    }
  }

  @Test func aSeriesGoesOnWhereItWas() throws {
    try Program.inModelFolder { folder in
      let call = [
        "generate", "a cat", "-m", "model", "--steps", "60", "--seeds", "1-7", "--batch-size", "2", "--quiet",
        "--sampler", "euler_a", "--save-state-every", "0", "--no-overwrite",
      ]
      #expect(try Program.run(call + ["--grid", "whole.png", "-o", "whole/"], in: folder).code == 0)
      var names = Set<String>()
      var interrupted = try stop(
        call + ["--grid", "cats.png", "-o", "cats/"], in: folder, whenThereIs: "cats/3-3.part.safetensors")
      var times = 0
      while interrupted, times < 3 {  // and is interrupted again
        let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("cats").path)
        names = names.union(files.filter { $0.hasSuffix(".png") })
        let part = try #require(files.first { $0.hasSuffix(".part.safetensors") })
        interrupted = try stop(
          ["generate", "-q", "--resume", "cats/\(part)"], in: folder,
          whenThereIs: "cats/\(times * 2 + 3)-\(times * 2 + 3).png")
        times += 1
      }
      let last = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("cats").path)
      if let part = last.first(where: { $0.hasSuffix(".part.safetensors") }) {
        let result = try Program.run(["generate", "--resume", "cats/\(part)"], in: folder)
        #expect(result.code == 0, "\(result.errors)")
      }
      for seed in 1...7 {
        #expect(try bytes("cats/\(seed)-\(seed).png", folder) == bytes("whole/\(seed)-\(seed).png", folder))
      }
      #expect(try bytes("cats.png", folder) == bytes("whole.png", folder))
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("cats").path)
      #expect(files.count == 7 && names.isSubset(of: files), "\(files)")
    }
  }

  /// Random seeds and piped prompts are in the file; the folder of the call is too.
  @Test func aCallGoesOnFromElsewhere() throws {
    try Program.inModelFolder { folder in
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("out"), withIntermediateDirectories: true)
      let call = [
        "generate", "--prompt-file", "-", "-s", "-1", "-m", "model", "--steps", "300", "--quiet", "-o",
        "out/%d.png", "--save-state-every", "0", "--variation-strength", "0.2", "--batch-size", "2",
      ]
      let elsewhere = folder.appendingPathComponent("elsewhere")
      try FileManager.default.createDirectory(at: elsewhere, withIntermediateDirectories: true)
      if try stop(call, in: folder, whenThereIs: "out/1.part.safetensors", input: "a cat\na boat\n") {
        // The name is searched before the folder of the call is entered.
        let result = try Program.run(
          ["generate", "--resume", "../out/1.part.safetensors", "-m", "model"], in: elsewhere,
          environment: ["FLUX_MODELS": ".."])
        #expect(result.code == 0 && result.errors.contains("in \(folder.path)"), "\(result.errors)")
      }
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.appendingPathComponent("out").path)
        .sorted()
      #expect(files == ["1.png", "2.png"])
      let again = try Program.run(["verify", "out/1.png", "out/2.png"], in: folder, environment: ["FLUX_MODELS": "."])
      #expect(again.output.components(separatedBy: "drawn again: identical").count == 3, "\(again.output)")
    }
  }

  @Test func whatCannotGoOnIsRefusedInASentence() throws {
    try Program.inModelFolder { folder in
      try Program.makeImage("photo.png", in: folder)
      let call = [
        "generate", "a cat", "-m", "model", "--steps", "1000", "-q", "--save-state-every", "0", "-i", "photo.png", "-o",
        "cat.png",
      ]
      try #require(try stop(call, in: folder, whenThereIs: part))
      func refusal(_ arguments: [String], code: Int32 = 1) throws -> String {
        let result = try Program.run(["generate"] + arguments, in: folder)
        #expect(result.code == code && result.output.isEmpty, "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        return result.errors
      }
      let changed = "flux: \(part) was begun with something else: "
      #expect(
        try refusal(["--resume", part, "--steps", "3"], code: 2).contains(
          "takes all settings from the file: remove --steps"))
      #expect(try refusal(["a dog", "--resume", part], code: 2).contains("remove the prompt"))
      #expect(try refusal(["--resume", "none.part.safetensors"]).contains("No such file"))
      #expect(try refusal(["--resume", "photo.png"]).contains("photo.png is not a valid safetensors file"))
      let weights = "model/unet/diffusion_pytorch_model.safetensors"
      #expect(try refusal(["--resume", weights]).contains("it holds no unfinished images"))
      // Another model is refused by name.
      try ModelBundle(Preset.tiny.configuration, .random(.init(seed: 2))).save(
        to: folder.appendingPathComponent("other"))
      let other = try refusal(["--resume", part, "-m", "other"])
      #expect(other.hasPrefix(changed + "model: expected \"model\" with hash ") && other.contains("found \"other\""))
      // So is another init image.
      let photo = try bytes("photo.png", folder)
      let image = Image(width: 40, height: 40, channels: .gray, pixels: .init(repeating: 8, count: 1600))
      try Data(PNG.encode(image)).write(to: folder.appendingPathComponent("photo.png"))
      #expect(try refusal(["--resume", part]).hasPrefix(changed + "edit: expected "))
      try photo.write(to: folder.appendingPathComponent("photo.png"))
      let whole = try bytes(part, folder)
      try whole.dropLast(3).write(to: folder.appendingPathComponent("torn.part.safetensors"))
      #expect(try refusal(["--resume", "torn.part.safetensors"]).contains("torn.part.safetensors is not a valid"))
      for lie in ["evaluate", "nonsense"] {
        let data = whole.replacing(Data(#"[\"generate\""#.utf8), with: Data(#"[\"\#(lie)\""#.utf8))
        try data.write(to: folder.appendingPathComponent("lie.part.safetensors"))
        #expect(try refusal(["--resume", "lie.part.safetensors"]).contains("lie.part.safetensors"))
      }
      #expect(exists(part, folder) && !exists("cat.png", folder))
      #expect(try Program.run(["generate", "--resume", part], in: folder).output == "cat.png\n")
    }
  }

  @Test func variationsGoOn() throws {
    try Program.inModelFolder { folder in
      #expect(try Program.run(cat + ["-o", "cat.png"], in: folder).code == 0)
      let call = ["variations", "cat.png", "-b", "8", "--variation-seed", "-1", "--quiet", "-o"]
      if try stop(call + ["some-%d.png"], in: folder, whenThereIs: "some-1.png") {
        #expect(try Program.run(["generate", "--resume", "some-5.part.safetensors"], in: folder).code == 0)
      }
      for number in [1, 5, 8] {
        let verified = try Program.run(["verify", "some-\(number).png"], in: folder, environment: ["FLUX_MODELS": "."])
        #expect(verified.output.contains("drawn again: identical"), "\(verified.output)")
      }
    }
  }

  @Test func whatGoesToAPipeGoesOnInAPipe() throws {
    try Program.inModelFolder { folder in
      let call = cat + ["--save-state-every", "0", "-o", "-"]
      let whole = try Program.run(call, in: folder).bytes
      if try stop(call, in: folder, whenThereIs: "flux-42.part.safetensors") {
        let rest = try Program.run(["generate", "--resume", "flux-42.part.safetensors"], in: folder)
        #expect(rest.bytes == whole && whole.count > 100)
      }
    }
  }
}
