import Support
import Testing

@testable import Scenes

@Suite struct FullWorldTests {
  private static let scenes = Scenes(seed: 7, world: .full)
  private static let examples = (0..<3000).map { scenes[$0] }

  @Test func aSceneDependsOnSeedAndIndexAlone() {
    let again = Scenes(seed: 7, world: .full)
    #expect(again[1234].scene == Self.examples[1234].scene)
    #expect(again[1234].caption == Self.examples[1234].caption)
    #expect(Scenes(seed: 8, world: .full)[1234].scene != Self.examples[1234].scene)
  }

  @Test func theWorldIsAsLargeAsPromised() {
    #expect(World.full.emoji.count >= 850)
    #expect(World.full.shapes.count == 12)
    #expect(World.full.colors.count == 11)
    let scenes = Self.examples.map(\.scene)
    #expect(Set(scenes.map(\.look)) == Set(Scene.Look.allCases))
    #expect(Set(scenes.compactMap(\.relation)) == Set(Scene.Relation.allCases))
    #expect(Set(scenes.compactMap(\.arrangement)) == Set(Scene.Arrangement.allCases))
    #expect(Set(scenes.compactMap(\.place)) == Set(Scene.Place.allCases))
    let counts = Set(scenes.filter(\.isGroup).map(\.objects.count))
    #expect(counts == [2, 3, 4, 5, 6])
    let backgrounds = Set(scenes.map(\.background.kind))
    #expect(backgrounds.count == 24)
  }

  /// Captions and bytes of eight images, one of each look and two more, as they were first drawn: the same on every
  /// machine.
  @Test func imagesAreTheSameBytesEverywhere() throws {
    let atlas = try FullAtlas.get()
    let chosen =
      Scene.Look.allCases.compactMap { look in Self.examples.first { $0.scene.look == look } }
      + [Self.examples.first { $0.scene.isGroup }, Self.examples.first { $0.scene.background.kind == "dots" }]
      .compactMap { $0 }
    #expect(chosen.count == 8)
    var hash = SHA256()
    for example in chosen {
      Array(example.caption.utf8).withUnsafeBytes { hash.update($0) }
      example.scene.render(size: 128, atlas: atlas).pixels.withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hexDigest() == "1f49c56e19419bae261e8063817e6e4d099e455aa3c8477ca2b1df236504d346")
  }

  @Test func everyLookChangesTheImage() throws {
    let atlas = try FullAtlas.get()
    var scene = Self.examples[0].scene
    let images = Scene.Look.allCases.map { look in
      scene.look = look
      return scene.render(size: 64, atlas: atlas).pixels
    }
    #expect(Set(images).count == Scene.Look.allCases.count)
  }

  @Test func objectsAreLargeEnoughOnTheCanvasAndApart() {
    for example in Self.examples {
      let objects = example.scene.objects
      for (index, first) in objects.enumerated() {
        #expect(first.side * 512 >= 72)
        let reach = first.side / 2
        let margin = min(first.x - reach, first.y - reach, 1 - first.x - reach, 1 - first.y - reach)
        #expect(margin >= 0)
        for second in objects[(index + 1)...] {
          let distance = max(abs(first.x - second.x), abs(first.y - second.y))
          #expect(distance >= (first.side + second.side) / 2, "\(example.caption): they overlap")
        }
      }
    }
  }

  @Test func trainingNeverMeetsAHeldOutCombination() {
    let heldOut = Scenes(seed: 7, split: .heldOut, world: .full)
    for index in 0..<300 {
      #expect(HeldOut.cells(of: Self.examples[index].scene).isEmpty)
      #expect(!HeldOut.cells(of: heldOut[index].scene).isEmpty)
    }
  }

  @Test func aFewInAHundredOfTheCountsAreHeldOut() {
    let cells = World.full.emoji.flatMap { entry in (2...6).map { "\($0) | \(entry.names[0])" } }
    let share = Double(cells.filter(HeldOut.isHeldOut).count) / Double(cells.count)
    #expect((0.03...0.07).contains(share))
  }

  @Test func cellsSayWhatStandsWhere() {
    for example in Self.examples.prefix(200) {
      let labels = Set(example.scene.cells(side: 16, world: .full).filter { $0 > 0 })
      let expected = Set(example.scene.objects.map { World.full.label(of: $0.object) })
      #expect(labels == expected)
      #expect(labels.allSatisfy { $0 < World.full.cellLabelCount })
    }
  }

  @Test func theHeldOutRuleKnowsWordsOnly() {
    // The held-out rule knows words only: what a small model never saw, a large one did not see either.
    let scene = Scene(
      objects: [Scene.Placed(object: .emoji("apple"), size: .medium, x: 0.5, y: 0.5, side: 0.4)], place: .left,
      relation: nil, background: .plain(.blue), horizon: 0.6)
    #expect(HeldOut.combinations(of: scene) == ["apple | on blue", "apple | at left"])
  }
}
