import Foundation
import Support
import TestSupport
import Testing

@Suite struct OutputPlaceTests {
  private func reason(_ path: String) -> String? {
    do throws(FileError) {
      _ = try OutputPlace(path)
      return nil
    } catch { return error.description }
  }

  @Test func whatCannotBeWrittenIsSaidBeforehand() throws {
    try Project.inTemporaryFolder { folder in
      let path = folder.path
      #expect(reason("\(path)/new.png") == nil)
      #expect(reason(path) == "cannot write \(path): it is a folder")
      #expect(reason("\(path)/no/new.png") == "cannot create \(path)/no/new.png: No such file or directory")
      let long = "\(path)/\(String(repeating: "a", count: 256))"
      #expect(reason(long) == "cannot create \(long): File name too long")
      let names = try FileManager.default.contentsOfDirectory(atPath: path)
      #expect(names.isEmpty)
    }
  }

  @Test func oneFileUnderTwoNamesIsOnePlace() throws {
    try Project.inTemporaryFolder { folder in
      func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
      try FileManager.default.createDirectory(atPath: path("sub"), withIntermediateDirectories: false)
      try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: "sub")
      let (one, linked, other) = try (
        OutputPlace(path("sub/a.png")), OutputPlace(path("link/a.png")), OutputPlace(path("sub/b.png"))
      )
      #expect(one.isSame(as: linked) && !one.isSame(as: other))
      try Data([1]).write(to: URL(fileURLWithPath: path("sub/a.png")))
      try FileManager.default.createSymbolicLink(atPath: path("other.png"), withDestinationPath: "sub/a.png")
      let place = try OutputPlace(path("other.png"))
      #expect(place.isSame(asFile: path("link/a.png")))
    }
  }
}
