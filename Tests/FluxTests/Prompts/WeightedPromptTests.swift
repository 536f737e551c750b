import Testing

@testable import Flux

@Suite struct WeightedPromptTests {
  /// Fragments as in AUTOMATIC1111's web UI.
  private static let cases: [(String, [(String, Double)])] = [
    ("normal text", [("normal text", 1.0)]),
    ("an (important) word", [("an ", 1), ("important", 1.1), (" word", 1)]),
    ("(unbalanced", [("unbalanced", 1.1)]), (#"\(literal\]"#, [("(literal]", 1)]),
    ("(unnecessary)(parens)", [("unnecessaryparens", 1.1)]),
    ("a (b:1.3) c", [("a ", 1), ("b", 1.3), (" c", 1)]), ("[x]", [("x", 1 / 1.1)]),
    ("((x)) y", [("x", 1.1 * 1.1), (" y", 1)]), ("at 10:30)", [("at 10:30)", 1)]),
    ("(a [b])", [("a ", 1.1), ("b", 1.1 / 1.1)]),
    ("(x:0)", [("x", 0)]), ("", []), ("(a:b:1.5)", [("a:b", 1.5)]), ("(é 🍎:2)", [("é 🍎", 2)]),
  ]

  @Test(arguments: cases)
  func weightsAreThoseOfBrackets(_ prompt: String, _ expected: [(String, Double)]) {
    let fragments = WeightedPrompt(prompt).parts[0].chunks[0]
    #expect(fragments.map(\.text) == expected.map(\.0))
    for (fragment, one) in zip(fragments, expected) { #expect(abs(fragment.weight - one.1) < 1e-12) }
  }

  @Test func breakAndAndSplitOnlyAsWords() {
    let prompt = WeightedPrompt("a cat BREAK on grass AND a (dog:1.2) :0.5 AND BREAKING SAND")
    #expect(prompt.parts.map(\.weight) == [1, 0.5, 1])
    #expect(prompt.parts[0].chunks.map { $0.map(\.text) } == [["a cat"], ["on grass"]])
    #expect(prompt.parts[1].chunks == [[.init(text: "a ", weight: 1), .init(text: "dog", weight: 1.2)]])
    #expect(prompt.parts[2].chunks.map { $0.map(\.text) } == [["BREAKING SAND"]])
    #expect(WeightedPrompt("at 10:30").parts[0].weight == 1, "a weight of guidance needs AND")
    #expect(prompt.plainText == "a cat on grass a dog BREAKING SAND")
  }

  @Test(arguments: [
    ("an (important:1.2) [word], ((x)) at 10:30", []),
    (#"\(literal\] and (a \( b)"#, []),
    (
      "a) [b",
      [#"a ")" closes nothing, so it is text"#, #"a "[" is not closed, so it counts to the end of the prompt"#]
    ),
    (
      "(red:abc) and (blue:)",
      [
        "(red:abc) has no number after its colon, so the colon is text",
        "(blue:) has no number after its colon, so the colon is text",
      ]
    ),
    ("<lora:ink:much>", ["<lora:ink:much> is no LoRA with a scale, so it is text"]),
  ]) func whatHasNotTheEffectOfItsLooksIsNamed(_ prompt: String, _ faults: [String]) {
    #expect(WeightedPrompt.faults(in: prompt) == faults)
  }
}
