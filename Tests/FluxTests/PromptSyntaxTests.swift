import Flux
import Testing

@Suite struct PromptSyntaxTests {
  @Test(arguments: [
    ("a (red:1.2) apple", ["(red:1.2)"]), ("((red)) apple", ["((red))"]), ("a [blue] cat", ["[blue]"]),
    ("a [cat:dog:0.5]", ["[cat:dog:0.5]"]), ("{red|blue} cat", ["{red|blue}"]), ("a __color__ cat", ["__color__"]),
    ("a cat BREAK a dog AND a fox", ["BREAK", "AND"]), ("<lora:x:0.8> a <lora:x:0.8>", ["<lora:x:0.8>"]),
    ("a (red:.5), [x]", ["(red:.5)", "[x]"]),
  ])
  func marksOfOtherProgramsAreFound(_ prompt: String, _ marks: [String]) {
    #expect(PromptSyntax.marks(in: prompt) == marks)
  }

  @Test(arguments: [
    "a red apple (ripe), 3 < 4", "A CAT AND A DOG", "a cat and a dog, break", "the [MASK] of [UNK]", "f(x) at 10:30",
    "snake_case __", "",
  ])
  func ordinaryTextHasNone(_ prompt: String) { #expect(PromptSyntax.marks(in: prompt).isEmpty) }

  /// A search that tries every way to cut the digits in two takes hours here.
  @Test func aLongRowOfDigitsIsNoWeight() {
    let digits = String(repeating: "1", count: 60_000)
    #expect(PromptSyntax.marks(in: "a (red:" + digits).isEmpty)
    #expect(PromptSyntax.marks(in: "a (red:\(digits).\(digits))").count == 1)
  }
}
