import Images
import Scenes
import Testing

@testable import Evaluation

@Suite struct BackgroundReaderTests {
  private static let known = Result { KnownBackgrounds(atlas: try SmallAtlas.get(), side: 128) }

  private func scene(_ background: Scene.Background, _ objects: [Scene.Placed] = []) -> Scene {
    Scene(objects: objects, place: nil, relation: nil, background: background, horizon: 0.6)
  }

  private func grid(_ scene: Scene, lighter shift: Int = 0) throws -> PixelGrid {
    let image = scene.render(size: 128, atlas: try SmallAtlas.get())
    return PixelGrid(Image.drawn(128, 128) { Double(Int(image.pixels[3 * ($1 * 128 + $0) + $2]) + shift) }, side: 128)
  }

  /// The mean distance of two grids.
  private func difference(_ a: PixelGrid, _ b: PixelGrid) -> Float {
    zip(a.pixels, b.pixels).reduce(0) { $0 + distance($1.0, $1.1) } / Float(a.pixels.count)
  }

  @Test(arguments: World.small.backgrounds) func everyBackgroundOfTheSmallWorldIsKnown(
    _ background: Scene.Background
  ) throws {
    let empty = try grid(scene(background))
    let reader = BackgroundReader(empty, known: try Self.known.get())
    #expect(reader.label == background.label)
    #expect(difference(reader.grid, empty) < 3, "the background alone is itself")
  }

  @Test(arguments: World.small.backgrounds) func objectsDoNotHideIt(_ background: Scene.Background) throws {
    let objects = [
      Scene.Placed(object: .emoji("panda"), size: .medium, x: 0.25, y: 0.5, side: 0.43),
      Scene.Placed(object: .emoji("fox"), size: .medium, x: 0.75, y: 0.5, side: 0.43),
    ]
    let reader = BackgroundReader(try grid(scene(background, objects)), known: try Self.known.get())
    #expect(reader.label == background.label)
    #expect(difference(reader.grid, try grid(scene(background))) < 4, "also where objects hide it")
  }

  @Test func aGridFollowsAShiftOfLightness() throws {
    for background in [Scene.Background.plain(.green), .landscape(.grass), .plain(.purple)] {
      for shift in [-12, 12] {
        let shifted = try grid(scene(background), lighter: shift)
        let reader = BackgroundReader(shifted, known: try Self.known.get())
        #expect(reader.label == background.label)
        #expect(difference(reader.grid, shifted) < 3, "\(background.label) \(shift)")
      }
    }
  }

  @Test func theNearestByEdgesIsFoundFromThinRows() throws {
    let known = try Self.known.get()
    let (sky, sand) = (Scene.Landscape.beach.edgeColors.top.vector, Scene.Landscape.beach.edgeColors.bottom.vector)
    let (top, bottom) = ([sky, sky, .zero], [sand, .zero, sand])
    #expect(known.nearest(top: top[...], bottom: bottom[...]).label == "beach")
    let red = ColorName.red.backgroundColor.vector + 5
    #expect(known.nearest(top: [red][...], bottom: [red][...]).label == "red")
  }
}
