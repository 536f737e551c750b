import Testing

@testable import Scenes

/// What captions of the medium and the full world say is so.
@Suite struct SceneCaptionTests {
  private static let worlds = [World.medium, .full]
  private static let examples = Dictionary(
    uniqueKeysWithValues: worlds.map { world in (world, (0..<4000).map { Scenes(seed: 21, world: world)[$0] }) })

  @Test(arguments: worlds) func captionsNameEveryObject(world: World) {
    for example in Self.examples[world]! {
      for placed in example.scene.objects {
        guard case .emoji(let name) = placed.object else { continue }
        let names = world.entry(name)!.allNames
        let forms = example.scene.isGroup ? names.compactMap(\.plural) : names.map(\.text)
        // "the Milky Way" may become "the small Milky Way".
        let needed = forms.map { $0.hasPrefix("the ") ? String($0.dropFirst(4)) : $0 }
        #expect(needed.contains { example.caption.contains($0) }, "\(name): \(example.caption)")
      }
    }
  }

  @Test(arguments: worlds) func groupsSayTheirNumber(world: World) {
    for example in Self.examples[world]! where example.scene.isGroup {
      let count = example.scene.objects.count
      let words = example.caption.split { $0 == " " || $0 == "," }.map(String.init)
      #expect(words.contains(English.number(count)) || words.contains(String(count)), "\(example.caption)")
      for other in 2...6 where other != count { #expect(!words.contains(English.number(other)), "\(example.caption)") }
    }
  }

  @Test(arguments: worlds) func statedColorsAreThere(world: World) {
    for example in Self.examples[world]! {
      if example.claims.colors {
        for case .shape(_, let color) in example.scene.objects.map(\.object) {
          #expect(example.caption.contains(color.rawValue), "\(example.caption)")
        }
      }
      if example.claims.background {
        for color in example.scene.background.colors {
          #expect(example.caption.contains(color.rawValue), "\(example.caption)")
        }
      }
    }
  }

  @Test(arguments: worlds) func looksWithoutColorsNameNone(world: World) {
    for example in Self.examples[world]! where !example.scene.look.showsColors {
      if case .landscape = example.scene.background { continue }  // "a green field"
      let words = Set(example.caption.split(separator: " ").map(String.init))
      let hasNone = words.isDisjoint(with: ["red", "yellow", "purple", "orange"])
      #expect(hasNone || isNamedSo(example, world), "\(example.caption)")
      #expect(!example.claims.colors || !example.scene.objects.contains { $0.object.isShape })
    }
  }

  private func isNamedSo(_ example: CaptionedScene, _ world: World) -> Bool {
    example.scene.objects.contains { placed in
      guard case .emoji(let name) = placed.object else { return false }
      return world.entry(name)!.names.contains { $0.contains("red ") || $0.contains("orange ") }
    }
  }

  @Test(arguments: worlds) func statedSizesArePresent(world: World) {
    let words: [Scene.Size: [String]] = [.small: ["small", "little", "tiny"], .large: ["large", "big", "huge"]]
    for example in Self.examples[world]! where example.claims.sizes {
      for placed in example.scene.objects {
        guard let fitting = words[placed.size] else { continue }
        #expect(fitting.contains { example.caption.contains($0) }, "\(example.caption)")
      }
    }
  }

  @Test(arguments: worlds) func looksAreSaid(world: World) {
    let words: [Scene.Look: [String]] = [
      .sticker: ["sticker"], .grayscale: ["black and white", "greyscale", "grayscale"], .sepia: ["sepia"],
      .pixelArt: ["pixel art", "8-bit"], .blueprint: ["blueprint", "blue paper"],
    ]
    for example in Self.examples[world]! {
      for (look, phrases) in words {
        let isSaid = phrases.contains { example.caption.contains($0) }
        if example.scene.look == look { #expect(isSaid, "\(example.caption)") }
        if example.scene.look == .flat, look != .grayscale { #expect(!isSaid, "\(example.caption)") }
      }
    }
  }

  @Test(arguments: worlds) func relationsAreTrue(world: World) {
    let after: [Scene.Relation: [String]] = [
      .leftOf: [" left of "], .rightOf: [" right of "], .above: [" above ", " over ", " on top of "],
      .below: [" below ", " under ", " beneath "],
    ]
    for example in Self.examples[world]! where example.claims.place {
      guard let relation = example.scene.relation else { continue }
      let caption = example.caption
      let names = example.scene.objects.map { nameRange($0.object, in: caption, world) }
      guard let first = names[0], let second = names[1], !first.overlaps(second) else { continue }
      let isFirst = first.lowerBound < second.lowerBound
      let said = isFirst ? relation : relation.opposite
      let between = caption[(isFirst ? first : second).upperBound..<(isFirst ? second : first).lowerBound]
      let sides = between.contains("on the left and") && said == .leftOf
      #expect(sides || after[said]!.contains { between.contains($0) }, "\(caption): \(said)")
    }
  }

  /// Where an emoji's longest name in the caption stands; nil for shapes, which may share their words.
  private func nameRange(_ object: SceneObject, in caption: String, _ world: World) -> Range<String.Index>? {
    guard case .emoji(let name) = object else { return nil }
    let found = world.entry(name)!.names.filter { caption.contains($0) }
    return found.max { $0.count < $1.count }.flatMap { caption.firstRange(of: $0) }
  }

  @Test(arguments: worlds) func articlesFitTheWordsAfterThem(world: World) {
    for example in Self.examples[world]! {
      let words = example.caption.split(separator: " ")
      for (article, word) in zip(words, words.dropFirst()) where article == "a" || article == "an" {
        let soundsLikeAConsonant = ["uni", "UFO", "eur", "one-"].contains { word.hasPrefix($0) }
        let soundsLikeAVowel = word.hasPrefix("hour") || word.hasPrefix("X-") || word == "SUV" || word == "8-bit"
        let vowel = "aeiouAEIOU".contains(word.first ?? "x")
        let expected = (vowel && !soundsLikeAConsonant) || soundsLikeAVowel ? "an" : "a"
        #expect(article == expected, "\(article) \(word)")
      }
    }
  }

  @Test(arguments: [
    ("mouse", "mice"), ("box of fries", "boxes of fries"), ("cherry blossom", "cherry blossoms"),
    ("butterfly", "butterflies"), ("monkey", "monkeys"), ("knife", "knives"), ("snowman", "snowmen"),
    ("hourglass", "hourglasses"), ("house with a garden", "houses with a garden"), ("potato", "potatoes"),
    ("octopus", "octopuses"), ("loaf of bread", "loaves of bread"), ("UFO", "UFOs"), ("piano", "pianos"),
  ])
  func pluralsAreRight(_ one: String, _ many: String) { #expect(English.plural(one) == many) }

  @Test(arguments: [
    ("owl", "an"), ("unicorn", "a"), ("hourglass", "an"), ("house", "a"), ("umbrella", "an"), ("UFO", "a"),
    ("X-ray picture", "an"), ("euro banknote", "a"), ("upside-down face", "an"), ("one-humped camel", "a"),
  ])
  func articlesAreRight(_ noun: String, _ article: String) { #expect(English.article(before: noun) == article) }
}

extension SceneObject {
  fileprivate var isShape: Bool { if case .shape = self { true } else { false } }
}
