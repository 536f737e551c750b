import Foundation
import Images
import Support
import TestSupport
import Testing

@testable import Scenes

@Suite struct SceneFactsTests {
  private static let atlas = Result { try GlyphAtlas() }

  private func facts(_ scene: Scene, size: Int = 200) throws -> JSONValue {
    let example = CaptionedScene(
      scene: scene, caption: "a \"star\" / ☆", claims: CaptionedScene.Claims(background: true, place: false))
    let json = try SceneFacts(example, fileName: "000/000001.png", size: size, atlas: try Self.atlas.get()).json()
    #expect(!json.contains(10), "one line")
    return try #require(JSONValue(json))
  }

  private func scene(_ objects: [Scene.Placed], relation: Scene.Relation? = nil) -> Scene {
    Scene(objects: objects, place: nil, relation: relation, background: .landscape(.sea), horizon: 0.6)
  }

  @Test func aLineHasWhatOtherProgramsLookFor() throws {
    let star = Scene.Placed(object: .shape(.star, .red), size: .small, x: 0.25, y: 0.5, side: 0.3)
    let fox = Scene.Placed(object: .emoji("fox"), size: .large, x: 0.75, y: 0.5, side: 0.4)
    let line = try facts(scene([star, fox], relation: .leftOf))
    #expect(line["file_name"]?.string == "000/000001.png" && line["text"]?.string == "a \"star\" / ☆")
    #expect(
      line["background"]?.string == "sea" && line["relation"]?.string == "leftOf" && line["look"]?.string == "flat")
    #expect(line["place"].map { _ in true } == nil, "what a scene has not is left out")
    let objects = try #require(line["objects"]?.array)
    #expect(objects.map { $0["name"]?.string } == ["star", "fox"])
    #expect(
      objects.map { $0["color"]?.string } == ["red", nil] && objects.map { $0["size"]?.string } == ["small", "large"])
    #expect(line["claims"]?.fields?.map(\.key).sorted() == ["background", "colors", "place", "sizes"])
  }

  /// Tenths of a pixel: left, top, right, bottom.
  @Test func boxesAreInPixelsOfTheImage() throws {
    let square = Scene.Placed(object: .shape(.square, .red), size: .medium, x: 0.5, y: 0.25, side: 0.4)
    for (size, expected) in [(200, [60.0, 10, 140, 90]), (100, [30, 5, 70, 45]), (33, [9.9, 1.7, 23.1, 14.9])] {
      let box = try facts(scene([square]), size: size)["objects"]?.array?[0]["box"]?.array?.compactMap(\.double)
      #expect(box?.count == 4 && zip(box ?? [], expected).allSatisfy { abs($0 - $1) < 0.15 }, "\(box ?? [])")
    }
  }

  @Test func theLongerSideOfABoxIsTheObjects() throws {
    for object in World.small.objects.prefix(64) {
      let placed = Scene.Placed(object: object, size: .medium, x: 0.5, y: 0.5, side: 0.4)
      let extent = try Self.atlas.get().extent(of: placed, look: .flat)
      #expect(abs(max(extent.width, extent.height) - 0.4) < 1e-12 && min(extent.width, extent.height) > 0.08)
    }
  }

  // MARK: - Shards

  private func dataset(_ count: Int) -> SceneDataset {
    SceneDataset(Scenes(seed: 3), count: count, size: 16, format: .tar)
  }

  @Test func aShardHasThreeFilesOfEveryScene() throws {
    try Project.inTemporaryFolder { folder in
      let atlas = try Self.atlas.get()
      _ = try dataset(3).write(to: folder, atlas: atlas, workers: 1) { _ in }
      let archive = FileSlice(path: folder.appendingPathComponent("scenes-000000.tar").path)
      let members = try TarArchive.members(of: archive)
      #expect(
        members.map(\.name.description)
          == (0..<3).flatMap { index in ["json", "png", "txt"].map { "00000\(index).\($0)" } })
      for index in 0..<3 {
        let example = Scenes(seed: 3)[index]
        let line = try #require(JSONValue(try members[3 * index].slice.read()))
        #expect(line["file_name"]?.string == "00000\(index).png" && line["text"]?.string == example.caption)
        #expect(try PNG.decode(members[3 * index + 1].slice.read()) == example.scene.render(size: 16, atlas: atlas))
        #expect(try members[3 * index + 2].slice.read() == Array(example.caption.utf8))
      }
    }
  }

  @Test func aShardThatIsThereIsKeptAndAnotherNumberOfScenesRefused() throws {
    try Project.inTemporaryFolder { folder in
      let atlas = try Self.atlas.get()
      _ = try dataset(2).write(to: folder, atlas: atlas, workers: 1) { _ in }
      var calls: [Int] = []
      let again = try dataset(2).write(to: folder, atlas: atlas, workers: 1) { calls.append($0) }
      #expect(again.made == 0 && again.kept == 2 && calls == [2])
      let error = #expect(throws: SceneDataset.Failure.self) {
        try dataset(3).write(to: folder, atlas: atlas, workers: 1) { _ in }
      }
      #expect(error?.description.hasPrefix("\(folder.path) holds scenes of other settings (") == true)
    }
  }

  @Test func withoutAFolderScenesAreDrawnAndNothingIsWritten() throws {
    var calls: [Int] = []
    let statistics = try dataset(5).write(to: nil, atlas: try Self.atlas.get(), workers: 1) { calls.append($0) }
    #expect(statistics.made == 5 && statistics.kept == 0 && calls == [5])
    #expect(statistics.drawing > 0 && statistics.encoding > 0)
  }
}
