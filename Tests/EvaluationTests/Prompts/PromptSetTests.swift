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

  private func prompts(_ category: PromptCategory, of world: World) -> [EvaluationPrompt] {
    Prepared.set(of: world).prompts.filter { $0.category == category }
  }

  @Test(arguments: [World.small, .medium]) func everyRelationIsAskedForEquallyOften(world: World) {
    let relations = prompts(.position, of: world).compactMap(\.scene.relation)
    for relation in Scene.Relation.allCases { #expect(relations.count { $0 == relation } == 25, "\(relation)") }
  }

  @Test(arguments: [World.small, .medium]) func singleObjectsAreMostlyEmoji(world: World) {
    let shapes = prompts(.single, of: world).count {
      if case .shape = $0.scene.objects[0].object { true } else { false }
    }
    #expect(shapes == 16)
  }

  @Test(arguments: [World.small, .medium]) func attributionAsksForTwoShapesInTwoColors(world: World) {
    for prompt in prompts(.attribution, of: world) {
      guard case .shape(let first, let one) = prompt.scene.objects[0].object,
        case .shape(let second, let two) = prompt.scene.objects[1].object
      else {
        Issue.record("\(prompt.text)")
        continue
      }
      #expect(first != second && one != two, "\(prompt.text)")
      #expect(prompt.text.contains(one.rawValue) && prompt.text.contains(two.rawValue), "\(prompt.text)")
    }
  }

  @Test(arguments: [World.small, .medium]) func whatPromptsLeaveOutHasItsDefault(world: World) {
    for prompt in Prepared.set(of: world).prompts {
      #expect(prompt.scene.look == .flat && prompt.scene.objects.allSatisfy { $0.size == .medium }, "\(prompt.text)")
      if prompt.scene.objects.count == 1 { #expect(prompt.scene.place == .center, "\(prompt.text)") }
    }
  }

  @Test func theParaphrasesAreAFifthOfEachCategory() {
    for category in PromptSet.categories(of: .medium) {
      let count = Prepared.medium.paraphrases.count { $0.prompt.category == category }
      #expect(abs(Double(count) - Double(category.count) / 5) <= 1, "\(category)")
    }
    let indices = Prepared.medium.paraphrases.map(\.index)
    #expect(indices == indices.sorted() && Set(indices).count == indices.count)
  }

  @Test func chosenPromptsHaveNoParaphrases() {
    let set = PromptSet(world: .small, prompts: Array(Prepared.small.prompts.prefix(3)))
    #expect(set.prompts.count == 3 && set.paraphrases.isEmpty)
  }
}
