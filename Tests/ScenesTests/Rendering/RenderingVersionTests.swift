import Foundation
import Images
import Support
import TestSupport
import Testing

@testable import Scenes

@Suite struct RenderingVersionTests {
  private static let atlases = Result { try [GlyphAtlas(version: .v1), GlyphAtlas(version: .v2)] }

  private func scene(_ object: SceneObject, side: Double, look: Scene.Look = .flat) -> Scene {
    Scene(
      objects: [Scene.Placed(object: object, size: .large, x: 0.5, y: 0.5, side: side)], place: .center, relation: nil,
      background: .plain(.blue), horizon: 0.6, look: look)
  }

  /// Bytes of four large objects as version 2 first drew them: the same on every machine.
  @Test func largeObjectsAreTheSameBytesEverywhere() throws {
    let atlas = try Self.atlases.get()[1]
    var hash = SHA256()
    for (object, look) in [
      (SceneObject.emoji("fox"), Scene.Look.flat), (.emoji("rocket"), .sticker), (.shape(.star, .yellow), .flat),
      (.shape(.heart, .red), .sticker),
    ] {
      scene(object, side: 0.7, look: look).render(size: 256, atlas: atlas).pixels.withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hexDigest() == "595325932c68bec69050bf8c497998d0856f009d02b6f14b200f843e37749de0")
  }

  @Test func smallEmojiAreAsInVersion1() throws {
    let atlases = try Self.atlases.get()
    let small = scene(.emoji("apple"), side: 0.3)
    #expect(small.render(size: 128, atlas: atlases[0]) == small.render(size: 128, atlas: atlases[1]))
  }

  @Test func largeObjectsHaveMoreDetailInVersion2() throws {
    let atlases = try Self.atlases.get()
    func steepest(_ image: Image) -> Int {
      let row = image.width * 3 * (image.height / 2)
      let line = image.pixels[row..<row + 3 * image.width]
      return zip(line, line.dropFirst(3)).map { abs(Int($0) - Int($1)) }.max() ?? 0
    }
    for object in [SceneObject.emoji("panda"), .emoji("apple")] {
      let large = scene(object, side: 0.7)
      let (soft, sharp) = (large.render(size: 512, atlas: atlases[0]), large.render(size: 512, atlas: atlases[1]))
      #expect(steepest(sharp) > steepest(soft) * 5 / 4, "\(object.label)")
    }
  }

  /// Old sprites make room, and are made anew with the same bytes.
  @Test func enlargedSpritesAreTheSameWhenTheyAreMadeAgain() throws {
    let font = try GlyphFont.notoColorEmoji()
    let original = try font.sprite("🍎")
    let cache = EnlargedSprites(twofold: 1, fourfold: 1)
    func bytes(_ name: String) -> Image {
      let sprite = cache.sprite(.object(.emoji(name)), original, side: 300) { original.enlarged() }
      var canvas = PixelCanvas(width: 64, height: 64, color: Color(0, 0, 0))
      canvas.draw(sprite, centerX: 32, centerY: 32, side: 300)
      return canvas.image
    }
    let first = bytes("a")
    _ = bytes("b")
    #expect(bytes("a") == first)
  }

  @Test func severalThreadsDrawWhatOneDraws() throws {
    let scenes = (0..<12).map { scene(World.small.objects[$0], side: 0.7) }
    let (alone, together) = (try GlyphAtlas(version: .v2), try GlyphAtlas(version: .v2))
    let one = scenes.map { $0.render(size: 200, atlas: alone) }
    #expect(Parallel.map(scenes + scenes, workers: 4) { $0.render(size: 200, atlas: together) } == one + one)
  }

  @Test func aDatasetOfAnotherVersionIsRefusedAndOneWithoutIsVersion1() throws {
    let atlases = try Self.atlases.get()
    let dataset = SceneDataset(Scenes(seed: 1), count: 2, size: 16, format: .folder)
    try Project.inTemporaryFolder { folder in
      let (old, new) = (folder.appendingPathComponent("old"), folder.appendingPathComponent("new"))
      _ = try dataset.write(to: old, atlas: atlases[0], workers: 1) { _ in }
      _ = try dataset.write(to: new, atlas: atlases[1], workers: 1) { _ in }
      func settings(_ folder: URL) throws -> String {
        try String(contentsOf: folder.appendingPathComponent("dataset.json"), encoding: .utf8)
      }
      #expect(
        try settings(old) == #"{"format":"folder","seed":1,"size":16,"split":"training","world":"small"}"# + "\n")
      #expect(
        try settings(new)
          == #"{"format":"folder","seed":1,"size":16,"split":"training","version":2,"world":"small"}"# + "\n")
      for (folder, other) in [(old, atlases[1]), (new, atlases[0])] {
        #expect(throws: SceneDataset.Failure.self) {
          try dataset.write(to: folder, atlas: other, workers: 1) { _ in }
        }
      }
    }
  }
}
