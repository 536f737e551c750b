import Foundation
import Images
import TestSupport
import Testing

@Suite struct InspectTests {
  private func json(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  private func draw(_ arguments: [String], in folder: URL) throws {
    let result = try Program.run(["generate", "-m", "model", "--steps", "2"] + arguments, in: folder)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test(arguments: ["png", "jpg", "webp"]) func anImageTellsItsSettings(_ ending: String) throws {
    try Program.inModelFolder { folder in
      try draw(["a red apple", "-n", "blurry", "-s", "7", "-o", "a.\(ending)"], in: folder)
      let result = try Program.run(["inspect", "a.\(ending)", "--json"], in: folder)
      let facts = try json(result.output)
      #expect(result.code == 0)
      #expect(facts["program"] as? String == "Flux")
      #expect(facts["prompt"] as? String == "a red apple")
      #expect(facts["negative_prompt"] as? String == "blurry")
      #expect(facts["seed"] as? Int == 7)
      #expect(facts["size"] as? String == "64x64")
      #expect(facts["pixels"] as? String == "intact")
      let text = try Program.run(["inspect", "a.\(ending)"], in: folder).output
      #expect(text.contains("\nseed             7\n") || text.contains(/\nseed +7\n/), "\(text)")
      let parameters = try Program.run(["inspect", "a.\(ending)", "--parameters"], in: folder).output
      #expect(parameters.hasPrefix("a red apple\nNegative prompt: blurry\nSteps: 2,"))
    }
  }

  @Test func anImageWithoutMetadataEndsWith5() throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeImage("plain.png", in: folder)
      let result = try Program.run(["inspect", "plain.png"], in: folder)
      #expect(result.code == 5)
      #expect(result.errors == "flux: plain.png has no known metadata\n")
      #expect(result.output.contains("40x40"))
    }
  }

  @Test func anImageThatIsCutOffStillTellsItsSettings() throws {
    try Program.inModelFolder { folder in
      try draw(["a red apple", "-o", "a.png"], in: folder)
      let bytes = try Data(contentsOf: folder.appendingPathComponent("a.png"))
      try bytes.dropLast(1000).write(to: folder.appendingPathComponent("cut.png"))
      let result = try Program.run(["inspect", "cut.png"], in: folder)
      #expect(result.code == 1 && result.errors.hasPrefix("flux: cut.png is not a valid PNG image: "))
      #expect(result.output.contains(/(?m)^prompt +a red apple$/) && result.output.contains(/(?m)^pixels +unreadable$/))
    }
  }

  @Test func aModelTellsItsNetworks() throws {
    try Program.inModelFolder { folder in
      let facts = try json(Program.run(["inspect", "model", "--json"], in: folder).output)
      #expect(facts["kind"] as? String == "model")
      #expect(facts["image_size"] as? Int == 64)
      let networks = try #require(facts["networks"] as? [[String: Any]])
      #expect(networks.map { $0["name"] as? String } == ["unet", "autoencoder", "text_adapter"])
      #expect(networks.allSatisfy { ($0["parameters"] as? Int ?? 0) > 0 })
      #expect(facts["seconds_per_image"] as? Double ?? 0 > 0 && facts["peak_bytes"] as? Int ?? 0 > 100_000_000)
      let mini = try json(Program.run(["inspect", "mini", "--json"], in: folder).output)
      #expect(mini["license"] as? String == "apache-2.0")
      #expect(mini["fast_steps"] as? Int == 4)
    }
  }

  @Test func aRunTellsItsStepAndItsPlan() throws {
    try Project.inTemporaryFolder { folder in
      let trained = try Program.run(
        ["train", "--preset", "tiny", "--steps", "20", "--batch", "4", "--save-every", "20", "--quiet", "-o", "run"],
        in: folder)
      #expect(trained.code == 0, "\(trained.errors)")
      let facts = try json(Program.run(["inspect", "run", "--json"], in: folder).output)
      #expect(facts["kind"] as? String == "checkpoint")
      #expect(facts["step"] as? Int == 20)
      #expect((facts["plan"] as? [String: Any])?["steps"] as? Int == 20)
    }
  }

  @Test func whatIsNothingGetsOneSentence() throws {
    try Project.inTemporaryFolder { folder in
      try Data("hello".utf8).write(to: folder.appendingPathComponent("x.txt"))
      let result = try Program.run(["inspect", "x.txt"], in: folder)
      #expect(result.code == 1)
      #expect(result.errors == "flux: x.txt is no PNG, JPEG, WebP or safetensors file\n")
      #expect(try Program.run(["inspect", "mini", "--raw"], in: folder).code == 2)
      #expect(try Program.run(["inspect", "none"], in: folder).code == 1)
    }
  }
}
