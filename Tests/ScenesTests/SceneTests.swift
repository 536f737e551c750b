import Foundation
import Testing

@testable import Scenes

@Suite struct SceneTests {
  @Test(arguments: World.allCases) func scenesAreReadBackFromJSON(world: World) throws {
    let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
    for index in 0..<200 {
      let example = Scenes(seed: 2, world: world)[index]
      let again = try decoder.decode(CaptionedScene.self, from: encoder.encode(example))
      #expect(again.scene == example.scene && again.caption == example.caption && again.claims == example.claims)
    }
  }

  @Test func damagedScenesAreRefusedAndNeverTrap() throws {
    let scene = Scenes(seed: 2, world: .full)[5].scene
    let text = String(decoding: try JSONEncoder().encode(scene), as: UTF8.self)
    let decoder = JSONDecoder()
    for key in ["objects", "background", "horizon", "look"] {
      let damaged = text.replacing("\"\(key)\":", with: "\"x\(key)\":")
      #expect(throws: DecodingError.self, "\(key)") { try decoder.decode(Scene.self, from: Data(damaged.utf8)) }
    }
    for (word, other) in [("\"\(scene.look.rawValue)\"", "\"neon\""), ("\"medium\"", "\"tiny\"")]
    where text.contains(word) {
      #expect(throws: DecodingError.self, "\(word)") {
        try decoder.decode(Scene.self, from: Data(text.replacing(word, with: other).utf8))
      }
    }
    for count in 0..<text.utf8.count {
      #expect(throws: DecodingError.self) { try decoder.decode(Scene.self, from: Data(text.utf8.prefix(count))) }
    }
  }

  @Test func grayIsSpelledGreyInFiles() throws {
    let data = try JSONEncoder().encode([ColorName.gray])
    #expect(String(decoding: data, as: UTF8.self) == "[\"grey\"]")
    #expect(throws: DecodingError.self) { try JSONDecoder().decode([ColorName].self, from: Data("[\"gray\"]".utf8)) }
  }

  private func scene(_ objects: [(SceneObject, Double)]) -> Scene {
    Scene(
      objects: objects.map { Scene.Placed(object: $0.0, size: .medium, x: $0.1, y: 0.5, side: 0.2) }, place: nil,
      relation: nil, background: .plain(.blue), horizon: 0.6)
  }

  @Test func aGroupIsSeveralOfOneKind() {
    let (apple, fox) = (SceneObject.emoji("apple"), SceneObject.emoji("fox"))
    #expect(scene([(apple, 0.2), (apple, 0.8)]).isGroup && !scene([(apple, 0.2), (fox, 0.8)]).isGroup)
    #expect(!scene([(apple, 0.2)]).isGroup && !scene([]).isGroup)
    #expect(!scene([(.shape(.star, .red), 0.2), (.shape(.star, .blue), 0.8)]).isGroup)
  }

  // MARK: - Cells

  @Test func everyObjectHasACellWhereItsCenterIs() {
    for side in [1, 2, 8] {
      let label = World.small.label(of: .emoji("apple"))
      let cells = Scene(
        objects: [Scene.Placed(object: .emoji("apple"), size: .small, x: 0.999, y: 1, side: 0.01)], place: nil,
        relation: nil, background: .plain(.blue), horizon: 0.6
      ).cells(side: side)
      #expect(cells.count == side * side && cells.last == label && cells.count { $0 == label } == 1)
    }
    #expect(scene([]).cells(side: 4) == [Int](repeating: 0, count: 16))
  }

  /// 0.9 of the box, which the object hardly fills at its corners.
  @Test func anObjectHoldsAboutItsShareOfTheCells() {
    for side in [0.2, 0.5, 0.8] {
      let placed = Scene.Placed(object: .emoji("apple"), size: .small, x: 0.5, y: 0.5, side: side)
      let cells = Scene(objects: [placed], place: nil, relation: nil, background: .plain(.blue), horizon: 0.6)
        .cells(side: 100)
      let share = Double(cells.count { $0 > 0 }) / 10_000
      #expect(abs(share.squareRoot() - 0.9 * side) < 0.011, "\(side)")
    }
  }

  // MARK: - Held-out combinations

  @Test func combinationsAreThoseOfKindsPlacesColorsAndCounts() {
    let pair = scene([(.shape(.star, .red), 0.2), (.emoji("fox"), 0.8)])
    #expect(
      HeldOut.combinations(of: pair) == ["star | on blue", "red | star", "fox | on blue", "fox | with star"])
    let three = scene([(.emoji("fox"), 0.2), (.emoji("fox"), 0.5), (.emoji("fox"), 0.8)])
    #expect(HeldOut.combinations(of: three) == ["fox | on blue", "3 | fox"])
  }

  @Test func theOrderOfTwoObjectsDoesNotMatter() {
    let (first, second) = (
      scene([(.emoji("owl"), 0.2), (.emoji("fox"), 0.8)]), scene([(.emoji("fox"), 0.2), (.emoji("owl"), 0.8)])
    )
    #expect(Set(HeldOut.combinations(of: first)) == Set(HeldOut.combinations(of: second)))
  }

  @Test(arguments: World.allCases) func aboutOneInTwentyPairsIsHeldOut(world: World) {
    let nouns = world.nouns.prefix(150)
    var (all, heldOut) = (0, 0)
    for (index, first) in nouns.enumerated() {
      for second in nouns.dropFirst(index + 1) {
        all += 1
        if HeldOut.isHeldOut([first, second].sorted().joined(separator: " | with ")) { heldOut += 1 }
      }
    }
    #expect(abs(Double(heldOut) / Double(all) - 0.05) < 0.01)
  }

  /// Every kind of combination has held-out ones, or nothing would be measured of it.
  @Test func everyKindOfCombinationIsHeldOutSometimes() {
    let cells = (0..<400).flatMap { HeldOut.cells(of: Scenes(seed: 1, split: .heldOut, world: .full)[$0].scene) }
    for mark in [" | on ", " | at ", " | with "] { #expect(cells.contains { $0.contains(mark) }, "\(mark)") }
    #expect(cells.contains { $0.first?.isNumber == true })
    #expect(cells.contains { cell in ColorName.allCases.contains { cell.hasPrefix($0.rawValue + " | ") } })
  }
}
