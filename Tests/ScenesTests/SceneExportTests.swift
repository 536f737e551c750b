import Foundation
import Images
import TestSupport
import Testing

@testable import Scenes

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

  @Test func aFolderHoldsImagesCaptionsAndFacts() throws {
    let atlas = try FullAtlas.get()
    try Project.inTemporaryFolder { folder in
      let statistics = try dataset(.folder).write(to: folder, atlas: atlas, workers: 2) { _ in }
      #expect(statistics.made == 5 && statistics.kept == 0)
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
      let statistics = try dataset(.folder, count: 5).write(to: folder, atlas: atlas, workers: 1) { _ in }
      #expect(statistics.made == 2 && statistics.kept == 3)
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

  /// A box holds everything that differs from the plain background, and little more.
  @Test func boxesFitTheObjects() throws {
    let atlas = try FullAtlas.get()
    let examples = (0..<400).map { Scenes(seed: 5, world: .full)[$0] }
    for example in examples {
      let scene = example.scene
      guard case .plain = scene.background, scene.objects.count == 1, scene.look == .flat || scene.look == .sticker
      else { continue }
      let image = scene.render(size: 128, atlas: atlas)
      let box = SceneFacts(example, fileName: "", size: 128, atlas: atlas).objects[0].box
      let corner = Array(image.pixels[..<3])
      func differs(_ x: Int, _ y: Int) -> Bool {
        let at = 3 * (y * 128 + x)
        return (0..<3).contains { abs(Int(image.pixels[at + $0]) - Int(corner[$0])) > 12 }
      }
      let columns = (0..<128).filter { x in (0..<128).contains { differs(x, $0) } }
      let rows = (0..<128).filter { y in (0..<128).contains { differs($0, y) } }
      let found = [columns[0], rows[0], columns[columns.count - 1] + 1, rows[rows.count - 1] + 1].map(Double.init)
      let miss = zip(found, box).map { abs($0 - $1) }.max() ?? 0
      #expect(miss < 4, "\(example.caption): \(found) \(box)")
    }
  }

  @Test func aFolderThatCannotBeIsNamed() throws {
    let atlas = try FullAtlas.get()
    let error = #expect(throws: SceneDataset.Failure.self) {
      try dataset(.folder).write(to: URL(fileURLWithPath: "/proc/none"), atlas: atlas, workers: 1) { _ in }
    }
    #expect(error?.description == "the folder /proc/none cannot be created")
  }
}
