import Foundation
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct CacheManifestTests {
  private let manifest = CacheManifest(
    encoder: String(repeating: "a", count: 64), statistics: String(repeating: "b", count: 64), data: "small scenes",
    images: String(repeating: "c", count: 64), imageSize: 64, textEncoder: String(repeating: "d", count: 64),
    longestCaption: 24, precision: "float32")

  private func changed(_ change: (inout CacheManifest) -> Void) -> CacheManifest {
    var copy = manifest
    change(&copy)
    return copy
  }

  @Test func everyFieldIsPartOfTheDigest() {
    let others = [
      changed { $0.format = 2 }, changed { $0.encoder = "x" }, changed { $0.statistics = "x" },
      changed { $0.data = "x" }, changed { $0.images = "x" }, changed { $0.imageSize = 65 },
      changed { $0.textEncoder = "x" }, changed { $0.longestCaption = 25 }, changed { $0.precision = "bfloat16" },
    ]
    #expect(Set(others.map(\.digest) + [manifest.digest]).count == 10 && manifest.digest.count == 64)
    for other in others { #expect(manifest.differences(from: other).count == 1) }
    #expect(manifest.differences(from: manifest).isEmpty)
  }

  /// Caches that exist would be refused if a name changed.
  @Test func theFileHasTheNamesOfFormatOne() throws {
    let table = try #require(try JSONSerialization.jsonObject(with: Data(manifest.json)) as? [String: Any])
    #expect(
      table.keys.sorted() == [
        "data", "encoder", "format", "longestCaption", "pictureSize", "pictures", "precision", "statistics",
        "textEncoder",
      ])
    #expect(try JSONDecoder().decode(CacheManifest.self, from: Data(manifest.json)) == manifest)
  }

  @Test func differencesAreToldInWordsAndHashesCutShort() {
    let other = changed { ($0.encoder, $0.imageSize) = (String(repeating: "f", count: 64), 128) }
    let error = CacheError.other(folder: "c", manifest.differences(from: other))
    #expect(
      error.description == "the cache c does not match the encoder or data of this run: encoder: expected "
        + "aaaaaaaaaaaa, found ffffffffffff; image size: expected 64, found 128. Use another folder for --cache, or "
        + "delete this one")
  }

  @Test func whileTheEncoderLearnsOnlyTheRestIsCompared() {
    let other = changed { ($0.encoder, $0.statistics, $0.precision) = ("x", "y", "bfloat16") }
    let differences = manifest.differences(from: other, whileEncoderLearns: true)
    #expect(differences.map(\.what) == ["precision"])
  }

  @Test func theHashOfTensorsCoversNamesTypesShapesAndElements() {
    let tensor = Tensor([1, 2, 3, 4] as [Float])
    let others: [[(String, Tensor)]] = [
      [("a", tensor)], [("b", tensor)], [("a", tensor.reshaped([2, 2]))], [("a", tensor.to(.float64))],
      [("a", Tensor([1, 2, 3, 5] as [Float]))], [("a", tensor), ("a", tensor)], [],
    ]
    #expect(Set(others.map { CacheManifest.hash(of: $0.map { (key: $0.0, tensor: $0.1) }) }).count == others.count)
  }

  @Test func theHashOfFilesTellsWhereOneEndsAndTheNextBegins() throws {
    try Project.inTemporaryFolder { folder in
      func hash(_ a: String, _ b: String) throws -> String {
        try Data(a.utf8).write(to: folder.appendingPathComponent("a"))
        try Data(b.utf8).write(to: folder.appendingPathComponent("b"))
        return try CacheManifest.hash(of: ["a", "b"], in: folder)
      }
      let first = try hash("12", "3")
      #expect(try hash("12", "3") == first)
      #expect(try hash("1", "23") != first)
      #expect(throws: (any Error).self) { try CacheManifest.hash(of: ["c"], in: folder) }
    }
  }
}
