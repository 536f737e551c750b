import Support
import Testing

@testable import Scenes

/// What scenes are made of, by their shares.
@Suite struct SceneSamplerTests {
  private static let scenes = Dictionary(
    uniqueKeysWithValues: World.allCases.map { world in
      (world, (0..<4000).map { Scenes(seed: 41, world: world)[$0].scene })
    })

  private func share(_ world: World, _ condition: (Scene) -> Bool) -> Double {
    Double(Self.scenes[world]!.count(where: condition)) / 4000
  }

  /// What a share is of the scenes that meet a condition.
  private func share(_ world: World, of condition: (Scene) -> Bool, _ part: (Scene) -> Bool) -> Double {
    let all = Self.scenes[world]!.filter(condition)
    return Double(all.count(where: part)) / Double(all.count)
  }

  private func isEmoji(_ object: SceneObject) -> Bool { if case .emoji = object { true } else { false } }

  /// Scenes with a held-out combination are drawn again, which makes those with many combinations a little rarer.
  @Test func theSmallWorldIsMixedAsPromised() {
    #expect(abs(share(.small) { $0.objects.count == 1 } - 0.7) < 0.04)
    #expect(abs(share(.small, of: { $0.place != nil }) { $0.place == .center } - 0.5) < 0.04)
    #expect(abs(share(.small) { if case .plain = $0.background { true } else { false } } - 0.7) < 0.03)
    #expect(abs(share(.small, of: { $0.place == .center }) { $0.objects[0].size == .large } - 0.25) < 0.04)
    #expect(share(.small) { $0.look != .flat || $0.isGroup || $0.objects.count > 2 } == 0)
  }

  @Test func theFullWorldIsMixedAsPromised() {
    #expect(abs(share(.full) { $0.objects.count == 1 } - 0.34) < 0.04)
    #expect(abs(share(.full) { $0.relation != nil } - 0.26) < 0.03)
    #expect(abs(share(.full) { $0.objects.count == 3 && !$0.isGroup } - 0.1) < 0.03)
    #expect(abs(share(.full, \.isGroup) - 0.3) < 0.03)
    for (look, expected) in [
      (Scene.Look.flat, 0.7), (.sticker, 0.07), (.pixelArt, 0.08), (.grayscale, 0.05), (.sepia, 0.05),
      (.blueprint, 0.05),
    ] { #expect(abs(share(.full) { $0.look == look } - expected) < 0.025, "\(look)") }
  }

  @Test(arguments: World.allCases) func objectsAreEmojiThreeTimesInFour(world: World) {
    let found = share(world, of: { $0.objects.count == 1 || $0.isGroup }) { isEmoji($0.objects[0].object) }
    #expect(abs(found - 0.75) < 0.04)
  }

  @Test(arguments: World.allCases) func everyRelationIsEquallyFrequent(world: World) {
    for relation in Scene.Relation.allCases {
      #expect(abs(share(world, of: { $0.relation != nil }) { $0.relation == relation } - 0.25) < 0.05, "\(relation)")
    }
  }

  @Test(arguments: [World.medium, .full]) func everyCountIsEquallyFrequent(world: World) {
    for count in 2...6 {
      #expect(abs(share(world, of: \.isGroup) { $0.objects.count == count } - 0.2) < 0.06, "\(count)")
    }
  }

  @Test(arguments: World.allCases) func shapesNeverHaveTheColorsOfTheirBackground(world: World) {
    for scene in Self.scenes[world]! {
      for case .shape(_, let color) in scene.objects.map(\.object) {
        #expect(!scene.background.colors.contains(color), "\(color) on \(scene.background.label)")
      }
    }
  }

  @Test(arguments: World.allCases) func largerWordsAreLargerObjects(world: World) {
    for scene in Self.scenes[world]! {
      for first in scene.objects {
        for second in scene.objects {
          let order: [Scene.Size] = [.small, .medium, .large]
          if order.firstIndex(of: first.size)! < order.firstIndex(of: second.size)! {
            #expect(first.side < second.side)
          }
        }
      }
    }
    func sides(_ size: Scene.Size) -> [Double] {
      Self.scenes[world]!.filter { $0.place == .center && $0.objects[0].size == size }.map { $0.objects[0].side }
    }
    #expect(sides(.small).max()! < sides(.medium).min()! && sides(.medium).max()! < sides(.large).min()!)
  }

  @Test(arguments: World.allCases) func horizonsLieInTheMiddle(world: World) {
    #expect(Self.scenes[world]!.allSatisfy { (0.56..<0.64).contains($0.horizon) })
  }

  @Test func countedObjectsHaveAPlural() {
    for scene in Self.scenes[.full]! where scene.isGroup {
      guard case .emoji(let name) = scene.objects[0].object else { continue }
      #expect(World.full.entry(name)!.allNames[0].plural != nil, "\(name)")
    }
  }

  @Test func blueprintsAreOnPlainPaper() {
    #expect(share(.full) { $0.look == .blueprint && $0.background != .plain(.white) } == 0)
  }

  // MARK: - Weights

  @Test func objectsAreDrawnInProportionToTheirWeights() {
    var weights = Dictionary(uniqueKeysWithValues: World.small.nouns.map { ($0, 1.0) })
    (weights["apple"], weights["fox"], weights["star"]) = (8, 4, 3)
    let choice = ObjectChoice(world: .small, samplingWeights: SamplingWeights(world: .small, weights: weights))
    var random = SplitMix64(seed: 1, index: 1)
    let emoji = (0..<20_000).map { _ in choice.emoji(&random).names[0] }
    let total = Double(World.small.emoji.count - 2 + 12)
    for (name, weight) in [("apple", 8.0), ("fox", 4), ("owl", 1)] {
      let share = Double(emoji.count { $0 == name }) / 20_000
      #expect(abs(share - weight / total) < 0.008, "\(name)")
    }
    let shapes = (0..<10_000).map { _ in choice.shape(&random) }
    #expect(abs(Double(shapes.count { $0 == .star }) / 10_000 - 0.3) < 0.02)
    #expect(Set(shapes) == Set(World.small.shapes), "the first and the last are drawn, too")
  }

  @Test func withoutWeightsAllAreEquallyFrequent() {
    let choice = ObjectChoice(world: .small, samplingWeights: nil)
    var random = SplitMix64(seed: 1, index: 1)
    let shapes = (0..<8000).map { _ in choice.shape(&random) }
    for shape in World.small.shapes {
      #expect(abs(Double(shapes.count { $0 == shape }) / 8000 - 0.125) < 0.02, "\(shape)")
    }
  }
}
