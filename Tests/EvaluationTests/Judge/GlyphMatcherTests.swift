import Images
import Scenes
import Testing

@testable import Evaluation

@Suite struct GlyphMatcherTests {
  private static let matcher = Result { GlyphMatcher(atlas: try SmallAtlas.get()) }

  /// The matches of an object that is drawn alone on a color.
  private func matches(
    _ object: SceneObject, x: Double = 0.5, side: Double = 0.45, on color: ColorName = .gray
  ) throws -> [GlyphMatcher.Match] {
    let placed = Scene.Placed(object: object, size: .medium, x: x, y: 0.5, side: side)
    func grid(_ objects: [Scene.Placed]) throws -> PixelGrid {
      let scene = Scene(objects: objects, place: nil, relation: nil, background: .plain(color), horizon: 0.6)
      return PixelGrid(scene.render(size: 128, atlas: try SmallAtlas.get()), side: 128)
    }
    let (image, background) = (try grid([placed]), try grid([]))
    let part = try #require(Segment.find(in: image, background: background, threshold: 22).first)
    return try Self.matcher.get().matches(part, in: image, background: background)
  }

  @Test func anObjectMatchesItselfBest() throws {
    for index in stride(from: 0, to: World.small.objects.count, by: 9) {
      let object = World.small.objects[index]
      let found = try matches(object)
      #expect(found[0].object.noun == object.noun, "\(object.label)")
      #expect(found[0].likeness > 0.85, "\(object.label): \(found[0].likeness)")
    }
  }

  @Test func matchesAreCosinesInFallingOrder() throws {
    let found = try matches(.emoji("panda"))
    #expect(found.count == GlyphMatcher.finalists)
    #expect(found.allSatisfy { $0.likeness <= 1 + 1e-5 && $0.likeness >= -1 - 1e-5 })
    #expect(zip(found, found.dropFirst()).allSatisfy { $0.likeness >= $1.likeness })
    #expect(Set(found.map(\.object)).count == found.count)
    #expect(found[0].likeness > found[1].likeness + 0.05, "the panda is like nothing else")
  }

  @Test func aShapeOfAnotherColorIsLessAlike() throws {
    let found = try matches(.shape(.star, .red))
    #expect(found[0].object == .shape(.star, .red))
    let blue = found.first { $0.object == .shape(.star, .blue) }
    #expect((blue?.likeness ?? -1) < found[0].likeness - 0.3)
  }

  @Test func sizePlaceAndBackgroundHardlyMatter() throws {
    for side in [0.25, 0.6] { #expect(try matches(.emoji("fox"), side: side)[0].object == .emoji("fox")) }
    for x in [0.23, 0.7] { #expect(try matches(.emoji("fox"), x: x)[0].object == .emoji("fox")) }
    for color in [ColorName.black, .white, .blue] {
      #expect(try matches(.emoji("fox"), on: color)[0].object == .emoji("fox"), "\(color)")
    }
  }
}
