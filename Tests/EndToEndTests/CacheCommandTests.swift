import Foundation
import TestSupport
import Testing

@Suite struct CacheCommandTests {
  @Test func theCacheIsListedAndRemoved() throws {
    try Project.inTemporaryFolder { folder in
      let environment = ["XDG_CACHE_HOME": folder.path + "/c", "XDG_STATE_HOME": folder.path + "/s"]
      func flux(_ arguments: [String]) throws -> Program.Result {
        try Program.run(["cache"] + arguments, in: folder, environment: environment)
      }
      let (cache, history) = ("\(folder.path)/c/flux", "\(folder.path)/s/flux/history")
      #expect(try flux([]).output == "cache    \(cache)  empty\nhistory  \(history)  empty\n")
      let nothing = try flux(["clear"])
      #expect(nothing.code == 0 && nothing.output.isEmpty && nothing.errors.isEmpty)

      try FileManager.default.createDirectory(atPath: cache + "/a/b", withIntermediateDirectories: true)
      try Data(repeating: 1, count: 1500).write(to: URL(fileURLWithPath: cache + "/a/b/x"))
      try Data(repeating: 1, count: 500).write(to: URL(fileURLWithPath: cache + "/y"))
      // What a link leads to is neither counted nor removed.
      let outside = folder.appendingPathComponent("outside")
      try FileManager.default.createDirectory(at: outside, withIntermediateDirectories: true)
      try Data(repeating: 1, count: 9000).write(to: outside.appendingPathComponent("z"))
      try FileManager.default.createSymbolicLink(atPath: cache + "/link", withDestinationPath: outside.path)
      try FileManager.default.createDirectory(atPath: folder.path + "/s/flux", withIntermediateDirectories: true)
      try Data("a cat\n".utf8).write(to: URL(fileURLWithPath: history))
      let bytes = 2000 + outside.path.utf8.count
      let listed = try flux(["--json"]).output
      #expect(
        listed
          == "{\"name\":\"cache\",\"path\":\"\(cache)\",\"files\":3,\"bytes\":\(bytes)}\n"
          + "{\"name\":\"history\",\"path\":\"\(history)\",\"files\":1,\"bytes\":6}\n")
      let cleared = try flux(["clear"]).output
      #expect(cleared.hasPrefix("\(cache)  2.") && cleared.hasSuffix(" kB removed\n"))
      #expect(!FileManager.default.fileExists(atPath: cache))
      #expect(FileManager.default.fileExists(atPath: history))
      #expect(try flux(["clear", "--history"]).output == "\(history)  6 bytes removed\n")
      #expect(FileManager.default.fileExists(atPath: outside.path + "/z"))
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/c").isEmpty)
    }
  }
}
