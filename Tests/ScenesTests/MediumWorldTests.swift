import Foundation
import Images
import Support
import TestSupport
import Testing

@testable import Scenes

@Suite struct MediumWorldTests {
  private static let scenes = Scenes(seed: 7, world: .medium)
  private static let examples = (0..<4000).map { scenes[$0] }

  @Test func theWorldIsAsLargeAsPromised() {
    let world = World.medium
    #expect(world.emoji.count == 256)
    #expect(world.shapes.count == 12 && world.colors.count == 11 && world.landscapes.count == 9)
    #expect(world.backgrounds.count == 11 + 9 + 110)
    #expect(world.objects.count == 256 + 132 && world.cellLabelCount == 389)
    let scenes = Self.examples.map(\.scene)
    #expect(Set(scenes.map(\.look)) == [.flat, .sticker])
    #expect(Set(scenes.compactMap(\.relation)) == Set(Scene.Relation.allCases))
    #expect(Set(scenes.compactMap(\.arrangement)) == Set(Scene.Arrangement.allCases))
    #expect(Set(scenes.compactMap(\.place)) == Set(Scene.Place.allCases))
    #expect(Set(scenes.filter(\.isGroup).map(\.objects.count)) == [2, 3, 4, 5, 6])
    #expect(Set(scenes.map(\.background.kind)).count == 21)
    let drawn = Set(scenes.flatMap { $0.objects.map(\.object.noun) })
    #expect(drawn.count == world.nouns.count)
  }

  @Test func itHoldsTheSmallWorldsEmojiAndOneForEachName() {
    let emoji = World.medium.emoji
    #expect(emoji.prefix(64).map(\.names) == World.small.emoji.map(\.names))
    #expect(Set(emoji.map(\.scalar)).count == 256)
    let names = emoji.flatMap(\.names)
    #expect(Set(names).count == names.count)
    #expect(emoji.dropFirst(64).allSatisfy { !$0.names[0].contains(" ") })
  }

  /// The table is what the greedy choice gives: its beginning, or all of it where there is time.
  @Test func noTwoEmojiLookAlike() throws {
    let count = ProcessInfo.processInfo.environment["FLUX_LONG_TESTS"] == nil ? 72 : 256
    let chosen = try DistinctEmoji.choose(count: count, limit: 0.9, font: try GlyphFont.notoColorEmoji())
    #expect(chosen.map(\.names) == World.medium.emoji.prefix(count).map(\.names))
  }

  @Test func emojiThatLookAlikeAreSaidToBe() throws {
    let font = try GlyphFont.notoColorEmoji()
    func likeness(_ first: String, _ second: String) throws -> Float {
      try DistinctEmoji.likeness(World.full.entry(first)!, World.full.entry(second)!, font: font)
    }
    #expect(abs(try likeness("apple", "apple") - 1) < 1e-5)
    #expect(try likeness("apple", "banana") < 0.8)
    #expect(try likeness("train", "pencil") < 0.8)
  }

  @Test func scenesAreMixedAsPromised() {
    func share(_ condition: (Scene) -> Bool) -> Double {
      Double(Self.examples.count { condition($0.scene) }) / Double(Self.examples.count)
    }
    func isShapePair(_ scene: Scene) -> Bool {
      scene.relation != nil && scene.objects.allSatisfy { if case .shape = $0.object { true } else { false } }
    }
    #expect(abs(share { $0.objects.count == 1 } - 0.45) < 0.03)
    #expect(abs(share { $0.relation != nil } - 0.40) < 0.03)
    // A pair of any two objects is one of shapes one time in sixteen.
    #expect(abs(share(isShapePair) - 0.15 - 0.25 / 16) < 0.03)
    #expect(abs(share(\.isGroup) - 0.15) < 0.03)
    #expect(abs(share { $0.look == .sticker } - 0.2) < 0.03)
    #expect(abs(share { $0.background.kind == "gradient" } - 0.2) < 0.03)
  }

  @Test func objectsAreLargeEnoughOnTheCanvasAndApart() {
    for example in Self.examples {
      let objects = example.scene.objects
      for (index, first) in objects.enumerated() {
        #expect(first.side >= 0.2)
        let reach = first.side / 2
        #expect(min(first.x - reach, first.y - reach, 1 - first.x - reach, 1 - first.y - reach) >= 0)
        for second in objects[(index + 1)...] {
          let distance = max(abs(first.x - second.x), abs(first.y - second.y))
          #expect(distance >= (first.side + second.side) / 2, "\(example.caption): they overlap")
        }
      }
    }
  }

  @Test func trainingNeverMeetsAHeldOutCombination() {
    let heldOut = Scenes(seed: 7, split: .heldOut, world: .medium)
    for index in 0..<1000 { #expect(HeldOut.cells(of: Self.examples[index].scene).isEmpty) }
    for index in 0..<300 { #expect(!HeldOut.cells(of: heldOut[index].scene).isEmpty) }
  }

  @Test func cellsSayWhatStandsWhere() {
    for example in Self.examples.prefix(200) {
      let labels = Set(example.scene.cells(side: 16, world: .medium).filter { $0 > 0 })
      #expect(labels == Set(example.scene.objects.map { World.medium.label(of: $0.object) }))
    }
  }

  /// Captions and bytes of the first scenes, as they were first drawn: the same on every machine.
  @Test func scenesAreTheSameBytesEverywhere() throws {
    let atlas = try GlyphAtlas(world: .medium, version: .v2)
    var hash = SHA256()
    for example in Self.examples.prefix(12) {
      Array(example.caption.utf8).withUnsafeBytes { hash.update($0) }
      example.scene.render(size: 128, atlas: atlas).pixels.withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hexDigest() == "b33750a55f870ee3f6b1e739235a61f46e195f24769bc9dacd996c010d94795c")
  }

  // MARK: - Full captions

  /// What is unsaid in them is the middle or medium, and nothing else.
  @Test func plainPairsAreOnlyNamed() {
    let scenes = Scenes(seed: 3, world: .medium, emphasis: SceneEmphasis(pairs: 1, plainPairs: 1))
    let sideBySide = (0..<200).map { scenes[$0] }.filter { example in
      example.scene.relation == .leftOf || example.scene.relation == .rightOf
    }
    #expect(sideBySide.count > 50)
    for example in sideBySide {
      #expect(example.caption.contains(" and ") && !example.claims.place, "\(example.caption)")
      #expect(!example.caption.contains("left") && !example.caption.contains("right"), "\(example.caption)")
    }
    // Without the option the captions are what they were.
    let none = Scenes(seed: 3, world: .medium, emphasis: SceneEmphasis(pairs: 1))
    let zero = Scenes(seed: 3, world: .medium, emphasis: SceneEmphasis(pairs: 1, plainPairs: 0))
    #expect((0..<50).allSatisfy { none[$0].caption == zero[$0].caption })
  }

  @Test func fullCaptionsStateEveryFact() {
    let scenes = Scenes(seed: 3, world: .medium, emphasis: SceneEmphasis(fullCaptions: 1))
    let sizes: [Scene.Size: [String]] = [.small: ["small", "little", "tiny"], .large: ["large", "big", "huge"]]
    for example in (0..<2000).map({ scenes[$0] }) {
      #expect(example.claims == CaptionedScene.Claims(background: true, place: true), "\(example.caption)")
      let scene = example.scene
      for placed in scene.objects {
        if let words = sizes[placed.size] { #expect(words.contains { example.caption.contains($0) }) }
        if case .shape(_, let color) = placed.object { #expect(example.caption.contains(color.rawValue)) }
      }
      if scene.isGroup, scene.arrangement != nil {
        let said = [" in a ", " side by side", " next to each", " above the other", " on top of each", " triangle"]
        #expect(said.contains { example.caption.contains($0) }, "\(example.caption)")
      }
    }
  }

  @Test func threeQuartersOfTheCaptionsAreFull() {
    // Only a full caption says what it could leave out.
    let plain = Scenes(seed: 5, world: .medium, emphasis: SceneEmphasis(fullCaptions: 0))
    func unsaid(_ scenes: Scenes) -> Double {
      Double((0..<3000).count { !scenes[$0].claims.background }) / 3000
    }
    let none = unsaid(plain)
    #expect(abs(none - 0.12) < 0.03)
    #expect(abs(unsaid(Scenes(seed: 5, world: .medium)) - none / 4) < 0.02)
  }

  @Test func otherWorldsMayHaveFullCaptionsToo() {
    let plain = Scenes(seed: 5, world: .full)
    let full = Scenes(seed: 5, world: .full, emphasis: SceneEmphasis(fullCaptions: 1))
    let trios = (0..<600).map { full[$0] }.filter { $0.scene.objects.count == 3 && !$0.scene.isGroup }
    #expect(trios.count > 20 && trios.allSatisfy(\.claims.place))
    #expect((0..<100).allSatisfy { plain[$0].scene == full[$0].scene })
  }
}
