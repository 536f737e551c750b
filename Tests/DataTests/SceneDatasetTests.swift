import Foundation
import Raster
import TestSupport
import Testing

@testable import Data

@Suite struct SceneDatasetTests {
  private func dataset(_ format: SceneDataset.Format, count: Int = 5, seed: UInt64 = 3) -> SceneDataset {
    SceneDataset(Scenes(seed: seed, world: .full), count: count, size: 32, format: format)
  }

  private func files(_ folder: URL) throws -> [String: Data] {
    var found: [String: Data] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: folder.path)! {
      if let data = try? Data(contentsOf: folder.appendingPathComponent(name)) { found[name] = data }
    }
    return found
  }

  @Test(arguments: SceneDataset.Format.allCases)
  func anyNumberOfWorkersWritesTheSame(_ format: SceneDataset.Format) throws {
    let atlas = try FullAtlas.get()
    try Project.inTemporaryFolder { folder in
      let (one, three) = (folder.appendingPathComponent("one"), folder.appendingPathComponent("three"))
      _ = try dataset(format).write(to: one, atlas: atlas, workers: 1) { _ in }
      _ = try dataset(format).write(to: three, atlas: atlas, workers: 3) { _ in }
      #expect(try files(one) == files(three))
    }
  }

  @Test func aFolderHoldsPicturesCaptionsAndFacts() throws {
    let atlas = try FullAtlas.get()
    try Project.inTemporaryFolder { folder in
      let work = try dataset(.folder).write(to: folder, atlas: atlas, workers: 2) { _ in }
      #expect(work.made == 5 && work.kept == 0)
      let files = try files(folder)
      let lines = files["metadata.jsonl"]!.split(separator: 10)
      #expect(lines.count == 5)
      for (index, line) in lines.enumerated() {
        let example = Scenes(seed: 3, world: .full)[index]
        let name = "000/00000\(index)"
        let facts = try #require(JSONSerialization.jsonObject(with: line) as? [String: Any])
        #expect(facts["file_name"] as? String == name + ".png")
        #expect(facts["text"] as? String == example.caption)
        #expect((facts["objects"] as? [Any])?.count == example.scene.objects.count)
        #expect(String(decoding: files[name + ".txt"]!, as: UTF8.self) == example.caption + "\n")
        #expect(try PNG.decode(Array(files[name + ".png"]!)) == example.scene.render(size: 32, atlas: atlas))
      }
    }
  }

  @Test func whatIsThereIsKept() throws {
    let atlas = try FullAtlas.get()
    try Project.inTemporaryFolder { folder in
      _ = try dataset(.folder, count: 3).write(to: folder, atlas: atlas, workers: 1) { _ in }
      let first = folder.appendingPathComponent("000/000000.png")
      try Data([1]).write(to: first)
      let work = try dataset(.folder, count: 5).write(to: folder, atlas: atlas, workers: 1) { _ in }
      #expect(work.made == 2 && work.kept == 3)
      #expect(try Data(contentsOf: first) == Data([1]))
    }
  }

  @Test func aFolderOfOtherSettingsIsRefused() throws {
    let atlas = try FullAtlas.get()
    try Project.inTemporaryFolder { folder in
      _ = try dataset(.folder).write(to: folder, atlas: atlas, workers: 1) { _ in }
      #expect(throws: SceneDataset.Failure.self) {
        try dataset(.folder, seed: 4).write(to: folder, atlas: atlas, workers: 1) { _ in }
      }
    }
  }
}
