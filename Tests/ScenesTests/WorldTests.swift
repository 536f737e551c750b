import Testing

@testable import Scenes

@Suite struct WorldTests {
  private func duplicates<T: Hashable>(_ items: [T]) -> [T] {
    var seen: Set<T> = []
    return items.filter { !seen.insert($0).inserted }
  }

  @Test(arguments: World.allCases) func noWordStandsForTwoThings(world: World) {
    #expect(duplicates(world.nouns).isEmpty)
    #expect(duplicates(world.objects).isEmpty && duplicates(world.objects.map(\.label)).isEmpty)
    #expect(duplicates(world.backgrounds).isEmpty && duplicates(world.backgrounds.map(\.label)).isEmpty)
    #expect(duplicates(world.emoji.flatMap(\.names)).isEmpty && duplicates(world.emoji.map(\.scalar)).isEmpty)
    #expect(Set(world.nouns).count == world.emoji.count + world.shapes.count)
  }

  /// But for names that take no number, as "eyes".
  @Test(arguments: World.allCases) func pluralsAreNotTheNamesOfOtherThings(world: World) {
    let names = Set(world.emoji.flatMap(\.countedNames).map(\.text))
    for entry in world.emoji {
      for name in entry.countedNames {
        let plural = name.plural ?? ""
        #expect(!names.contains(plural) || entry.names.contains(plural), "\(plural)")
      }
    }
  }

  @Test func everyWorldHoldsTheSmallerOnes() {
    for (smaller, larger) in [(World.small, World.medium), (.medium, .full)] {
      #expect(Set(smaller.shapes).isSubset(of: larger.shapes) && Set(smaller.colors).isSubset(of: larger.colors))
      #expect(Set(smaller.landscapes).isSubset(of: larger.landscapes))
      #expect(Set(smaller.backgrounds).isSubset(of: larger.backgrounds))
      #expect(Set(smaller.emoji.map(\.scalar)).isSubset(of: larger.emoji.map(\.scalar)))
    }
  }

  @Test(arguments: World.allCases) func labelsArePlacesInTheListOfObjects(world: World) {
    for (index, object) in world.objects.enumerated() { #expect(world.label(of: object) == index + 1) }
    #expect(world.cellLabelCount == world.objects.count + 1)
    #expect(world.objects.count == world.emoji.count + world.shapes.count * world.colors.count)
  }

  @Test(arguments: World.allCases) func anEntryIsFoundByItsFirstNameOnly(world: World) {
    for entry in world.emoji { #expect(world.entry(entry.names[0])?.scalar == entry.scalar) }
    #expect(world.entry("no such thing") == nil && world.entry("") == nil)
  }

  @Test func phrasesHaveArticlesNumbersAndColors() {
    let world = World.full
    #expect(world.phrase(.emoji("apple")) == "an apple" && world.phrase(.emoji("apple"), count: 3) == "three apples")
    #expect(world.phrase(.shape(.circle, .orange)) == "an orange circle")
    #expect(world.phrase(.shape(.star, .gray), count: 2) == "two grey stars")
    #expect(world.phrase(.shape(.cross, .red), count: 6, name: 1) == "six red plus signs")
    #expect(world.phrase(.emoji("mouse"), count: 4) == "four mice")
  }

  @Test func namesWithoutAPluralTakeNoArticle() throws {
    let entry = try #require(World.full.emoji.first { $0.allNames[0].plural == nil })
    #expect(World.full.phrase(.emoji(entry.names[0])) == entry.names[0])
  }

  @Test(arguments: World.allCases) func aNameBeyondTheLastIsTheFirstAgain(world: World) {
    for object in world.objects {
      let count = world.nameCount(object)
      #expect(count > 0 && world.phrase(object, name: count) == world.phrase(object))
      #expect(Set((0..<count).map { world.phrase(object, name: $0) }).count == count, "\(object.label)")
    }
  }

  // MARK: - Words of scenes

  @Test func objectsHaveTheirNounAndLabel() {
    #expect(SceneObject.emoji("panda").noun == "panda" && SceneObject.emoji("panda").label == "panda")
    let circle = SceneObject.shape(.circle, .gray)
    #expect(circle.noun == "circle" && circle.label == "grey circle")
  }

  @Test func backgroundsHaveTheirLabelAndKind() {
    let gradient = Scene.Background.gradient(top: .red, bottom: .gray)
    #expect(gradient.label == "gradient from red to grey" && gradient.kind == "gradient")
    let dots = Scene.Background.pattern(.dots, ground: .blue, figure: .white)
    #expect(dots.label == "white dots on blue" && dots.kind == "dots" && dots.colors == [.blue, .white])
    #expect(Scene.Background.landscape(.sea).label == "sea" && Scene.Background.plain(.red).colors == [.red])
  }

  /// A shape can be told from every background color but its own name's.
  @Test func shapeColorsDifferFromBackgroundColors() {
    for shape in ColorName.allCases {
      for background in ColorName.allCases where background != shape {
        let (a, b) = (shape.shapeColor, background.backgroundColor)
        let difference =
          abs(Int(a.red) - Int(b.red)) + abs(Int(a.green) - Int(b.green)) + abs(Int(a.blue) - Int(b.blue))
        #expect(difference > 50, "\(shape) on \(background)")
      }
    }
  }

  @Test func placesAreTheFieldsOfAGrid() {
    let centers = Scene.Place.allCases.map(\.center)
    for x in [0.27, 0.5, 0.73] {
      for y in [0.27, 0.5, 0.73] { #expect(centers.count { $0.x == x && $0.y == y } == 1) }
    }
    for relation in Scene.Relation.allCases {
      #expect(relation.opposite.opposite == relation && relation.opposite != relation)
    }
  }
}
