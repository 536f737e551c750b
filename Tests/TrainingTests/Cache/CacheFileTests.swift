import Foundation
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct CacheFileTests {
  /// A folder of cache files with the owner "own", and what it reports.
  private func with(_ body: (CacheFolder, URL, () -> [String]) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      var said: [String] = []
      let cache = CacheFolder(folder, owner: "own") { said.append($0) }
      try body(cache, folder) { said }
    }
  }

  private func read(_ cache: CacheFolder, _ name: String, shape: [Int] = [-1, 2]) -> Tensor? {
    cache.read(name) { file throws(CacheFile.Damage) in try file.tensor("x", shape: shape) }
  }

  private let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])

  @Test func whatIsWrittenIsReadBack() throws {
    try with { cache, _, said in
      cache.write([("x", tensor)], "b")
      cache.write([("x", tensor * 2)], "a")
      #expect(cache.names == ["a", "b"])
      #expect(read(cache, "b")?.floats() == tensor.floats() && read(cache, "c") == nil)
      #expect(said().isEmpty)
    }
  }

  @Test(arguments: [
    ([3, 3], "shape"), ([3], "shape"), ([-1, 2], "checksum"), ([-1, 2], "owner"), ([-1, 2], "key"),
  ])
  func aFileThatDoesNotFitIsToldAndDeleted(_ shape: [Int], _ fault: String) throws {
    try with { cache, folder, said in
      let file = folder.appendingPathComponent("a.safetensors")
      switch fault {
      case "owner": try CacheFile.write([("x", tensor)], owner: "other", to: file)
      case "key": cache.write([("y", tensor)], "a")
      default: cache.write([("x", tensor)], "a")
      }
      if fault == "checksum" {
        var bytes = try Data(contentsOf: file)
        bytes[bytes.count - 2] ^= 0x10
        try bytes.write(to: file)
      }
      #expect(read(cache, "a", shape: shape) == nil)
      let reason =
        switch fault {
        case "shape": "\(file.path): tensor \"x\" has shape [3, 2], expected \(shape)"
        case "checksum": "\(file.path): the checksum of \"x\" does not match"
        case "owner": "\(file.path) belongs to another cache"
        default: "\(file.path) has no tensor \"x\""
        }
      #expect(said() == ["a damaged cache file is recomputed: \(reason)"])
      #expect(!FileManager.default.fileExists(atPath: file.path))
    }
  }

  @Test func captionsAreFoundByTheirTokens() throws {
    try with { cache, folder, said in
      let files = CaptionFiles(cache)
      let states: [[Int32]: Tensor] = [[2, 7, 3]: Tensor.ones([3, 4]), [2, 3]: Tensor.zeros([2, 4])]
      files.keep(states)
      files.keep(states)  // known already
      #expect(cache.names.count == 1)
      // Another run, which reads what is there.
      let later = CaptionFiles(CacheFolder(folder, owner: "own") { _ in })
      let found = later.states(of: [[2, 7, 3], [2, 8, 3], [2, 3], [2, 3]], width: 4)
      #expect(Set(found.keys) == [[2, 7, 3], [2, 3]])
      #expect(found[[2, 7, 3]]?.dtype == .bfloat16 && found[[2, 7, 3]]?.mean().item() == 1)
      later.keep([[2, 8, 3]: Tensor.ones([3, 4]), [2, 3]: Tensor.ones([2, 4])])
      #expect(cache.names.count == 2 && later.states(of: [[2, 3]], width: 4)[[2, 3]]?.mean().item() == 0)
      #expect(said().isEmpty)
    }
  }

  @Test func captionsOfADamagedFileAreForgottenAndKeptAgain() throws {
    try with { cache, folder, said in
      let files = CaptionFiles(cache)
      files.keep([[2, 3]: Tensor.ones([2, 4])])
      let file = folder.appendingPathComponent("\(cache.names[0]).safetensors")
      try Data([1, 2, 3]).write(to: file)
      #expect(files.states(of: [[2, 3]], width: 4).isEmpty && said().count == 1 && cache.names.isEmpty)
      files.keep([[2, 3]: Tensor.ones([2, 4])])
      #expect(files.states(of: [[2, 3]], width: 4).count == 1)
    }
  }
}
