import Testing

@testable import Scenes

/// Places, arrangements and backgrounds that captions state are those of their scenes, in every world.
@Suite struct SceneFactsInCaptionsTests {
  private static let examples = Dictionary(
    uniqueKeysWithValues: World.allCases.map { world in (world, (0..<2500).map { Scenes(seed: 31, world: world)[$0] }) }
  )

  private func examples(_ world: World, _ isWanted: (CaptionedScene) -> Bool) -> [CaptionedScene] {
    Self.examples[world]!.filter(isWanted)
  }

  private func words(_ text: String) -> Set<String> {
    Set(text.split { $0 == " " || $0 == "," || $0 == ":" }.map(String.init))
  }

  /// All names of a scene's objects, and their plurals.
  private func names(_ scene: Scene, _ world: World) -> [String] {
    scene.objects.flatMap { placed -> [String] in
      switch placed.object {
      case .emoji(let name): world.entry(name)!.allNames.flatMap { [$0.text, $0.plural ?? $0.text] }
      case .shape(let shape, _): shape.captionNames.flatMap { [$0, English.plural($0)] }
      }
    }
  }

  private static let sideWords: Set = [
    "left", "right", "top", "bottom", "upper", "lower", "middle", "centre", "center", "above", "below", "over", "under",
  ]

  /// Whether a name says a side by itself, as "top hat" does.
  private func namesSides(_ scene: Scene, _ world: World) -> Bool {
    names(scene, world).contains { !words($0).isDisjoint(with: Self.sideWords) }
  }

  // MARK: - Places

  private static let sides: [Scene.Place: (needed: [Set<String>], allowed: Set<String>)] = [
    .center: ([], ["middle", "centre", "center"]), .left: ([["left"]], ["left"]), .right: ([["right"]], ["right"]),
    .top: ([["top"]], ["top", "centre"]), .bottom: ([["bottom"]], ["bottom", "centre"]),
    .topLeft: ([["top", "upper"], ["left"]], ["top", "upper", "left"]),
    .topRight: ([["top", "upper"], ["right"]], ["top", "upper", "right"]),
    .bottomLeft: ([["bottom", "lower"], ["left"]], ["bottom", "lower", "left"]),
    .bottomRight: ([["bottom", "lower"], ["right"]], ["bottom", "lower", "right"]),
  ]

  @Test(arguments: World.allCases) func aSinglePlaceIsSaidAndNoOther(world: World) throws {
    for example in examples(world, { $0.scene.place != nil && !namesSides($0.scene, world) }) {
      let place = try #require(example.scene.place)
      // "under the stars" and "dots over red" are backgrounds.
      let said = words(example.caption).intersection(Self.sideWords).subtracting(["over", "under"])
      let (needed, allowed) = try #require(Self.sides[place])
      #expect(said.isSubset(of: allowed), "\(example.caption): \(place)")
      if example.claims.place {
        #expect(needed.allSatisfy { !$0.isDisjoint(with: said) }, "\(example.caption): \(place)")
      } else {
        #expect(said.isEmpty && place != .center && world != .small, "\(example.caption)")
      }
    }
  }

  @Test(arguments: World.allCases) func thePlaceIsWhereTheObjectIs(world: World) throws {
    for example in examples(world, { $0.scene.place != nil }) {
      let (placed, center) = (example.scene.objects[0], try #require(example.scene.place).center)
      // Large objects at an edge are moved inwards.
      #expect(abs(placed.x - center.x) < 0.06 && abs(placed.y - center.y) < 0.06, "\(example.caption)")
    }
  }

  @Test(arguments: World.allCases) func theRelationIsThatOfTheObjects(world: World) {
    for example in examples(world, { $0.scene.relation != nil }) {
      let (first, second) = (example.scene.objects[0], example.scene.objects[1])
      let (dx, dy) = (first.x - second.x, first.y - second.y)
      let seen: Scene.Relation = abs(dx) > abs(dy) ? (dx < 0 ? .leftOf : .rightOf) : (dy < 0 ? .above : .below)
      #expect(seen == example.scene.relation && first.object != second.object, "\(example.caption)")
    }
  }

  @Test(arguments: World.allCases) func relationsHaveWordsOfTheirDirection(world: World) {
    for example in examples(world, { $0.scene.relation != nil && !namesSides($0.scene, world) }) {
      let vertical = example.scene.relation == .above || example.scene.relation == .below
      let said = words(example.caption)
      if vertical {
        #expect(said.isDisjoint(with: ["left", "right", "next", "beside"]), "\(example.caption)")
        #expect(!said.isDisjoint(with: ["above", "over", "top", "below", "under", "beneath"]), "\(example.caption)")
      } else {
        #expect(said.isDisjoint(with: ["above", "top", "below", "beneath"]), "\(example.caption)")
        #expect(said.isDisjoint(with: ["left", "right"]) == !example.claims.place, "\(example.caption)")
      }
    }
  }

  // MARK: - Arrangements

  @Test(arguments: [World.medium, .full]) func arrangementsStandAsTheyAreCalled(world: World) {
    for example in examples(world, { $0.scene.arrangement != nil }) {
      let objects = example.scene.objects
      switch example.scene.arrangement {
      case .row?:
        #expect(zip(objects, objects.dropFirst()).allSatisfy { $0.x < $1.x })
        #expect(objects.allSatisfy { abs($0.y - objects[0].y) < 0.03 })
      case .column?:
        #expect(zip(objects, objects.dropFirst()).allSatisfy { $0.y < $1.y })
        #expect(objects.allSatisfy { abs($0.x - objects[0].x) < 0.03 })
      default:
        #expect(objects.count == 3 && objects[1].x < objects[0].x && objects[0].x < objects[2].x)
        #expect(objects[0].y < objects[1].y - 0.3 && abs(objects[1].y - objects[2].y) < 0.03)
      }
    }
  }

  @Test(arguments: [World.medium, .full]) func groupsSayTheirArrangementOnly(world: World) {
    let phrases: [Scene.Arrangement: [String]] = [
      .row: [" in a row", " side by side", " in a line", " next to each other"],
      .column: [" in a column", " on top of each other", " one above the other"], .triangle: [" in a triangle"],
    ]
    for example in examples(world, { $0.scene.isGroup }) {
      for (arrangement, words) in phrases {
        let isSaid = words.contains { example.caption.contains($0) }
        if isSaid { #expect(example.scene.arrangement == arrangement, "\(example.caption)") }
        if example.scene.arrangement == arrangement { #expect(isSaid == example.claims.place, "\(example.caption)") }
      }
    }
  }

  /// "a on the left, b in the middle and c on the right" and "from left to right: a, b and c".
  @Test func threeInARowAreNamedFromLeftToRight() throws {
    let trios = examples(.full) { example in
      example.scene.objects.count == 3 && !example.scene.isGroup && example.scene.arrangement == .row
        && (example.caption.contains(" in the middle and ") || example.caption.contains("from left to right: "))
    }
    #expect(trios.count > 20)
    for example in trios {
      let places = example.scene.objects.map { placed -> String.Index? in
        guard case .emoji(let name) = placed.object else { return nil }
        let found = World.full.entry(name)!.names.filter { example.caption.contains($0) }
        return found.max { $0.count < $1.count }.flatMap { example.caption.firstRange(of: $0)?.lowerBound }
      }
      let known = places.compactMap { $0 }
      if Set(known).count == known.count { #expect(known == known.sorted(), "\(example.caption)") }
    }
  }

  // MARK: - Backgrounds

  private static let landscapes: [Scene.Landscape: [String]] = [
    .grass: ["on grass", "field", "meadow", "lawn"], .beach: ["beach", "on the sand"], .night: ["night", "stars"],
    .snow: ["snow", "winter"], .sea: ["at sea", "ocean", "the sea", "open sea"], .sky: ["sky", "clouds"],
    .desert: ["desert", "dunes"], .street: ["street", "in the city", "on the road"],
    .room: ["room", "indoors", "at home"],
  ]

  @Test(arguments: World.allCases) func aLandscapeIsSaidUnlessItIsLeftOut(world: World) {
    for example in examples(world, { _ in true }) {
      guard case .landscape(let landscape) = example.scene.background else { continue }
      let isSaid = Self.landscapes[landscape]!.contains { example.caption.contains($0) }
      if example.claims.background { #expect(isSaid, "\(example.caption): \(landscape)") }
    }
  }

  /// The last words of a caption are its background's; names of objects stand before.
  @Test(arguments: World.allCases) func noOtherLandscapeIsSaid(world: World) {
    for example in examples(world, { $0.scene.look == .flat }) {
      var others = Self.landscapes
      if case .landscape(let landscape) = example.scene.background, example.claims.background {
        others[landscape] = nil
        if landscape == .night { others[.sky] = nil }  // "under the night sky"
      }
      for (landscape, phrases) in others {
        for phrase in phrases where example.caption.hasSuffix(" " + phrase) {
          let isName = names(example.scene, world).contains { $0.hasSuffix(phrase) }
          #expect(isName, "\(example.caption): \(landscape)")
        }
      }
    }
  }

  @Test(arguments: World.allCases) func aBackgroundThatIsLeftOutIsNotMentioned(world: World) {
    for example in examples(world, { !$0.claims.background && $0.scene.look.showsColors }) {
      #expect(
        !example.caption.contains("background") && !example.caption.contains("gradient from"), "\(example.caption)")
    }
    let share = Double(examples(world) { !$0.claims.background && $0.scene.look == .flat }.count) / 2500
    // Of captions that are not full, 6 or 12 in a hundred.
    #expect(share > 0.01 && share < 0.14)
  }

  @Test func theSmallWorldLeavesOutNothingElse() {
    for example in examples(.small, { _ in true }) {
      #expect(example.claims.sizes && example.claims.colors)
      #expect(example.claims.place || example.scene.relation != nil)
    }
  }
}
