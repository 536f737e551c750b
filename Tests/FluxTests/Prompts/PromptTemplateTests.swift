import Foundation
import TestSupport
import Testing

@testable import Flux

@Suite struct PromptTemplateTests {
  private let nowhere = URL(fileURLWithPath: "/nowhere")

  @Test func aSeedChoosesAlwaysTheSameAndSeedsChooseAll() throws {
    let template = try PromptTemplate("a {red|dark {green|blue}|} cat", wildcards: nowhere)
    let prompts = (0..<100).map { template.prompt(seed: $0) }
    #expect(prompts == (0..<100).map { template.prompt(seed: $0) })
    #expect(Set(prompts) == ["a red cat", "a dark green cat", "a dark blue cat", "a  cat"])
  }

  @Test func filesGiveTheirLinesAndMayNameOthers() throws {
    try Project.inTemporaryFolder { folder in
      try Data("# colors\nred\n__deep/blues__\n".utf8).write(to: folder.appendingPathComponent("color.txt"))
      try FileManager.default.createDirectory(
        at: folder.appendingPathComponent("deep"), withIntermediateDirectories: true)
      try Data("navy\n{sky|sea}\n".utf8).write(to: folder.appendingPathComponent("deep/blues.txt"))
      let template = try PromptTemplate("a __color__ cat", wildcards: folder)
      let all = Set((0..<200).map { template.prompt(seed: $0) })
      #expect(all == ["a red cat", "a navy cat", "a sky cat", "a sea cat"])
    }
  }

  @Test func filesThatNameEachOtherEnd() throws {
    try Project.inTemporaryFolder { folder in
      try Data("x __a__ __a__\n".utf8).write(to: folder.appendingPathComponent("a.txt"))
      _ = try PromptTemplate("__a__", wildcards: folder).prompt(seed: 1).count
    }
  }

  @Test func aMissingFileIsNamed() {
    let error = #expect(throws: (any Error).self) { try PromptTemplate("a __color__ cat", wildcards: nowhere) }
    #expect("\(error!)".contains("/nowhere/color.txt"))
  }

  @Test(arguments: ["a cat", "a { cat", "snake_case __", "} {"]) func ordinaryTextStays(_ text: String) throws {
    #expect(try PromptTemplate(text, wildcards: nowhere).prompt(seed: 3) == text)
  }

  @Test func tagsAreTakenOutOfAPrompt() {
    let (tags, prompt) = LoRATag.read("a cat <lora:ink:0.8>, red <lora:light>")
    #expect(tags == [LoRATag(name: "ink", scale: 0.8), LoRATag(name: "light", scale: 1)])
    #expect(prompt == "a cat, red")
    #expect(LoRATag.read("a <lora:x:y> cat").tags.isEmpty)
  }
}
