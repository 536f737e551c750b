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

  @Test func pipesAndDevicesAreWrittenThrough() throws {
    try Project.inTemporaryFolder { folder in
      let path = folder.appendingPathComponent("pipe").path
      #expect(mkfifo(path, 0o600) == 0)
      for stream in [path, "/dev/null"] {
        let place = try OutputPlace(stream)
        #expect(place.isStream && place.exists && place.path == stream)
      }
    }
  }

  @Test func aPlaceIsTheEndOfItsLinks() throws {
    try Project.inTemporaryFolder { folder in
      func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
      for (link, end) in [("first", "second"), ("second", "new.png"), ("round", "about"), ("about", "round")] {
        try FileManager.default.createSymbolicLink(atPath: path(link), withDestinationPath: end)
      }
      let place = try OutputPlace(path("first"))
      #expect(place.path == path("new.png") && !place.exists && !place.isStream)
      try Data([1]).write(to: URL(fileURLWithPath: path("new.png")))
      #expect(try OutputPlace(path("first")).exists)
      #expect(reason(path("round")) == "cannot create \(path("round")): Too many levels of symbolic links")
      try FileManager.default.createSymbolicLink(atPath: path("lost"), withDestinationPath: "no/where.png")
      #expect(reason(path("lost")) == "cannot create \(path("no/where.png")): No such file or directory")
    }
  }

  @Test func aNewFileIsTheSameAsItselfOnly() throws {
    try Project.inTemporaryFolder { folder in
      func path(_ name: String) -> String { folder.appendingPathComponent(name).path }
      let (one, two) = try (OutputPlace(path("a")), OutputPlace(path("b")))
      #expect(try one.isSame(as: OutputPlace(folder.path + "/./a")) && !one.isSame(as: two))
      #expect(!one.isSame(asFile: path("a")), "there is no such file yet")
      try Data([1]).write(to: URL(fileURLWithPath: path("a")))
      #expect(link(path("a"), path("b")) == 0)
      #expect(try OutputPlace(path("a")).isSame(as: OutputPlace(path("b"))), "a hard link")
      #expect(reason(path("a/b")) == "cannot create \(path("a/b")): Not a directory")
    }
  }
}
