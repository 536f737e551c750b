import Evaluation
import Foundation
import Scenes
import Testing

/// Whether the tests that take minutes were asked for.
enum Long {
  static let isAsked = ProcessInfo.processInfo.environment["FLUX_LONG_TESTS"] != nil
}

/// Prompts that several tests read, made once.
enum Prepared {
  static let small = PromptSet(world: .small, seed: 1)
  static let medium = PromptSet(world: .medium, seed: 1)
  static let full = PromptSet(world: .full, seed: 1)

  static func set(of world: World) -> PromptSet {
    switch world {
    case .small: small
    case .medium: medium
    case .full: full
    }
  }
}

@Suite struct PromptSetTests {
  @Test func theSmallWorldHasAllCategoriesButCounting() {
    let set = Prepared.small
    #expect(set.prompts.count == 473)
    for category in PromptCategory.allCases {
      let texts = set.prompts.filter { $0.category == category }.map(\.text)
      #expect(texts.count == (category == .counting ? 0 : category.count), "\(category)")
      #expect(Set(texts).count == texts.count, "\(category)")
    }
    #expect(PromptCategory.allCases.reduce(0) { $0 + $1.count } == 553)
  }

  @Test(arguments: [World.medium, .full]) func largerWorldsCountFromTwoToSix(world: World) {
    let set = Prepared.set(of: world)
    #expect(set.prompts.count == 553)
    let counts = set.prompts.filter { $0.category == .counting }.map(\.scene.objects.count)
    for count in 2...6 { #expect(counts.filter { $0 == count }.count == 16, "\(count)") }
  }

  @Test func aSeedGivesTheSamePromptsAgainAndAnotherSeedOthers() {
    let texts = Prepared.small.prompts.map(\.text)
    #expect(texts == PromptSet(world: .small, seed: 1).prompts.map(\.text))
    #expect(texts != PromptSet(world: .small, seed: 2).prompts.map(\.text))
  }

  @Test func noPromptAsksForAHeldOutCombination() {
    for prompt in Prepared.small.prompts + Prepared.medium.prompts {
      #expect(!HeldOut.contains(prompt.scene), "\(prompt.text)")
    }
  }

  @Test func quickKeepsATenthOfEveryCategory() {
    let quick = PromptSet(world: .small, seed: 1, quick: true)
    #expect(quick.prompts.count == 47)
    for category in PromptSet.categories(of: .small) {
      let count = quick.prompts.filter { $0.category == category }.count
      #expect(count == (category.count + 5) / 10, "\(category)")
    }
  }

  @Test func paraphrasesAreAFifthInOtherWords() {
    let set = Prepared.small
    #expect(set.paraphrases.count == 95)
    for (index, other) in set.paraphrases {
      #expect(other.text != set.prompts[index].text)
      #expect(other.scene == set.prompts[index].scene)
    }
  }
}
