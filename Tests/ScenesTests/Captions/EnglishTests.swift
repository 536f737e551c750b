import Testing

@testable import Scenes

@Suite struct EnglishTests {
  @Test func listsHaveCommasAndOneAnd() {
    #expect(English.list([]) == "" && English.list(["a"]) == "a" && English.list(["a", "b"]) == "a and b")
    #expect(English.list(["a", "b", "c"]) == "a, b and c" && English.list(["a", "b", "c", "d"]) == "a, b, c and d")
  }

  @Test func smallNumbersAreWords() {
    #expect((1...6).map(English.number) == ["one", "two", "three", "four", "five", "six"])
  }

  @Test(arguments: ColorName.allCases) func everyColorHasItsArticle(_ color: ColorName) {
    #expect(English.article(before: color.rawValue) == (color == .orange ? "an" : "a"))
  }

  @Test(arguments: [
    ("hour", "an"), ("honest man", "an"), ("Unicorn", "a"), ("uniform", "a"), ("umbrella", "an"), ("FM radio", "an"),
    ("SUV", "an"), ("European", "a"), ("eight", "an"), ("8", "a"), ("", "a"),
  ])
  func articlesFollowTheSound(_ word: String, _ article: String) { #expect(English.article(before: word) == article) }

  @Test(arguments: [
    ("fox", "foxes"), ("bus", "buses"), ("brush", "brushes"), ("bench", "benches"),
    ("baby", "babies"), ("day", "days"), ("leaf", "leaves"), ("foot", "feet"), ("human", "humans"),
    ("fireman", "firemen"), ("woman in a boat", "women in a boat"), ("bowl of soup", "bowls of soup"),
    ("ice cream", "ice creams"),
  ])
  func pluralsChangeTheHeadOfAName(_ one: String, _ many: String) { #expect(English.plural(one) == many) }
}
