import Flux
import Testing

@Suite struct PromptFileTests {
  @Test func everyLineThatIsNotBlankIsAPrompt() throws {
    let text = "\u{feff}a red apple\r\n\n  a blue star \r\t\na line\u{2028}separator"
    let prompts = try PromptFile.prompts(in: Array(text.utf8), name: "prompts.txt")
    #expect(prompts == ["a red apple", "a blue star", "a line\u{2028}separator"])
  }

  @Test(arguments: [
    ([0xff, 0xfe, 0x61, 0x00], PromptFileError.utf16(file: "p.txt")), ([0x61, 0x00], .utf16(file: "p.txt")),
    ([0x61, 0xff], .notUTF8(file: "p.txt")), ([0x20, 0x0a], .empty(file: "p.txt")), ([], .empty(file: "p.txt")),
  ])
  func whatIsNoTextOfPromptsIsRefused(bytes: [UInt8], error: PromptFileError) {
    #expect(throws: error) { try PromptFile.prompts(in: bytes, name: "p.txt") }
    #expect(error.description.contains("the prompt file p.txt"))
  }
}
