import Scenes
import Support
import Testing

@Suite struct ScenesTests {
  @Test func aSceneDependsOnSeedAndIndexAlone() {
    let (first, second) = (Scenes(seed: 3), Scenes(seed: 3))
    _ = first[7]
    #expect(first[11].scene == second[11].scene)
    #expect(first[11].caption == second[11].caption)
    #expect(first[11].scene != Scenes(seed: 4)[11].scene)
  }

  /// The bytes of eight images, as they were first drawn: the same on every machine.
  @Test func imagesAreTheSameBytesEverywhere() throws {
    let atlas = try GlyphAtlas(version: .v1)
    var hash = SHA256()
    for index in 0..<8 {
      Scenes(seed: 1)[index].scene.render(size: 64, atlas: atlas).pixels.withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hexDigest() == "a9fbc2f048563d4c74c00c15c30b05deb3eb51aea7a9df91ac9df5e2d7d784ae")
  }

  @Test(arguments: World.allCases) func emphasizedScenesAreFoundAsOftenAsAsked(world: World) {
    let plain = Scenes(seed: 3, world: world)
    #expect(Scenes(seed: 3, world: world, emphasis: SceneEmphasis())[5].scene == plain[5].scene)
    func share(_ scenes: Scenes, _ condition: (Scene) -> Bool) -> Double {
      Double((0..<600).count { condition(scenes[$0].scene) }) / 600
    }
    func isPair(_ scene: Scene) -> Bool {
      scene.objects.count == 2 && scene.objects[0].object != scene.objects[1].object
    }
    func isShapePair(_ scene: Scene) -> Bool {
      isPair(scene) && scene.look.showsColors
        && scene.objects.allSatisfy { if case .shape = $0.object { true } else { false } }
    }
    let more = Scenes(seed: 3, world: world, emphasis: SceneEmphasis(pairs: 0.3, shapePairs: 0.2))
    // The medium world shows many by itself; those come on top.
    if world != .medium { #expect(share(plain, isShapePair) < 0.04) }
    #expect(abs(share(more, isShapePair) - 0.2 - 0.5 * share(plain, isShapePair)) < 0.06)
    #expect(abs(share(more, isPair) - 0.5 - 0.5 * share(plain, isPair)) < 0.06)
    #expect((0..<300).allSatisfy { HeldOut.cells(of: more[$0].scene).isEmpty })
  }

  @Test func trainingNeverMeetsAHeldOutCombination() {
    let (training, heldOut) = (Scenes(seed: 5), Scenes(seed: 5, split: .heldOut))
    for index in 0..<300 {
      #expect(HeldOut.cells(of: training[index].scene).isEmpty)
      #expect(!HeldOut.cells(of: heldOut[index].scene).isEmpty)
    }
  }

  @Test func theWorldIsAsLargeAsPromised() {
    #expect(Vocabulary.emoji.count >= 60)
    #expect(World.small.shapes.count == 8)
    #expect(World.small.colors.count == 10)
    let scenes = (0..<2000).map { Scenes(seed: 9)[$0].scene }
    #expect(Set(scenes.compactMap(\.relation)) == Set(Scene.Relation.allCases))
    #expect(Set(scenes.compactMap(\.place)) == Set(Scene.Place.allCases))
    #expect(Set(scenes.map(\.background.label)).count == 15)
  }

  @Test func objectsLieOnTheCanvasAndAreLargeEnough() {
    for index in 0..<500 {
      for placed in Scenes(seed: 2)[index].scene.objects {
        #expect(placed.side * 512 >= 72)
        for center in [placed.x, placed.y] { #expect(center - placed.side / 2 >= 0 && center + placed.side / 2 <= 1) }
      }
    }
  }

  @Test func captionsNameEveryObject() {
    for index in 0..<500 {
      let example = Scenes(seed: 6)[index]
      for placed in example.scene.objects {
        if case .emoji(let name) = placed.object {
          let names = Vocabulary.entry(name)?.names ?? []
          #expect(names.contains { example.caption.contains($0) }, "\(example.caption)")
        }
        if case .shape(_, let color) = placed.object { #expect(example.caption.contains(color.rawValue)) }
      }
      if example.claims.background, case .plain(let color) = example.scene.background {
        #expect(example.caption.contains(color.rawValue), "\(example.caption)")
      }
    }
  }

  @Test func articlesFitTheWordsAfterThem() {
    for index in 0..<1000 {
      let words = Scenes(seed: 8)[index].caption.split(separator: " ")
      for (article, word) in zip(words, words.dropFirst()) where article == "a" || article == "an" {
        let vowel = "aeiou".contains(word.first ?? "x") && !word.hasPrefix("un")
        #expect((article == "an") == vowel, "\(article) \(word)")
      }
    }
  }

  @Test func cellsSayWhatStandsWhere() {
    let apple = Scene.Placed(object: .emoji("apple"), size: .medium, x: 0.25, y: 0.75, side: 0.3)
    let scene = Scene(objects: [apple], place: .bottomLeft, relation: nil, background: .plain(.blue), horizon: 0.5)
    let cells = scene.cells(side: 4)
    let label = 1 + GlyphAtlas.objects.firstIndex(of: .emoji("apple"))!
    #expect(cells == [0, 0, 0, 0, 0, 0, 0, 0, label, label, 0, 0, label, label, 0, 0])
  }
}
