import Foundation
import Support
import TestSupport
import Testing

@Suite struct TarArchiveTests {
  /// Names and contents of an archive of these bytes.
  private func read(_ bytes: [UInt8]) throws -> [String: String] {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.tar")
      try Data(bytes).write(to: url)
      return try contents(url)
    }
  }

  private func contents(_ url: URL) throws -> [String: String] {
    let members = try TarArchive.members(of: FileSlice(path: url.path))
    return try Dictionary(
      uniqueKeysWithValues: members.map { ($0.name.description, String(decoding: try $0.slice.read(), as: UTF8.self)) })
  }

  @Test(arguments: ["ustar", "gnu", "pax", "v7"])
  func archivesOfTheTarProgramAreRead(_ format: String) throws {
    try Project.inTemporaryFolder { folder in
      // 100 bytes fit a header; ustar has room for 255 in two parts.
      let long = "folder-" + String(repeating: "x", count: 70) + "/" + String(repeating: "y", count: 60) + ".txt"
      var files = ["a.txt": "one", "b.txt": "", "c.bin": String(repeating: "z", count: 1300)]
      if format != "v7" { files[long] = "long" }
      if format == "pax" { files["bär.txt"] = "bear" }
      let inside = folder.appendingPathComponent("inside")
      for (name, text) in files {
        let url = inside.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
      }
      try FileManager.default.createSymbolicLink(
        at: inside.appendingPathComponent("link.txt"), withDestinationURL: URL(fileURLWithPath: "a.txt"))
      let tar = Process()
      tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      tar.currentDirectoryURL = inside
      let names = Set(files.keys.map { String($0.split(separator: "/")[0]) }).sorted() + ["link.txt"]
      tar.arguments = ["tar", "--format=\(format)", "-cf", "../a.tar"] + names
      try tar.run()
      tar.waitUntilExit()
      #expect(tar.terminationStatus == 0)
      #expect(try contents(folder.appendingPathComponent("a.tar")) == files)
    }
  }

  @Test func gnuNamesLongerThanAHeaderAreRead() throws {
    let name = String(repeating: "n", count: 300)
    let bytes =
      TarBytes.member("././@LongLink", Array(name.utf8) + [0], kind: "L", magic: "ustar  \u{0}")
      + TarBytes.member(String(name.prefix(100)), Array("x".utf8), magic: "ustar  \u{0}")
    #expect(try read(bytes + TarBytes.end) == [name: "x"])
  }

  @Test func theSizeOfPaxRecordsWins() throws {
    let records = Array("10 size=3\n".utf8)
    let bytes = TarBytes.member("pax", records, kind: "x") + TarBytes.member("a", Array("abc".utf8), claiming: 0)
    #expect(try read(bytes + TarBytes.end) == ["a": "abc"])
  }

  @Test func everyTruncationIsRefused() throws {
    let whole = TarBytes.archive([("a.txt", Array("one".utf8)), ("b.txt", [])])
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.tar")
      for count in 0..<whole.count - 512 {  // one of the two blocks of zeros at the end is enough
        try Data(whole[..<count]).write(to: url)
        #expect(throws: TarError.self, "\(count) of \(whole.count) bytes") {
          try TarArchive.members(of: FileSlice(path: url.path))
        }
      }
    }
  }

  @Test func damagedArchivesAreReadOrRefused() throws {
    let whole =
      TarBytes.member("pax", Array("10 path=b\n19 comment=nothing\n".utf8), kind: "x")
      + TarBytes.archive([("a.txt", Array("one".utf8))])
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.tar")
      for place in stride(from: 0, to: 1030, by: 3) {  // every field of the headers has more bytes than that
        for value: UInt8 in [0, 0x31, 0xff] where value != whole[place] {
          var bytes = whole
          bytes[place] = value
          try Data(bytes).write(to: url)
          _ = try? contents(url)
        }
      }
    }
  }

  @Test func headersThatLieAreRefusedWithTheirPlace() throws {
    func sentence(_ bytes: [UInt8]) throws -> String {
      let error = #expect(throws: TarError.self) { try read(bytes + TarBytes.end) }
      return try #require(error).description
    }
    let good = TarBytes.member("a", [1])
    #expect(
      try sentence(good + TarBytes.member("b", [2], claiming: 1 << 30))
        .hasSuffix("at byte 1024, \"b\" claims 1073741824 bytes, and 1536 follow"))
    var wrong = good
    wrong[0] = 0x7a
    #expect(try sentence(wrong).contains("at byte 0, the header's checksum is wrong"))
    let records = Array("99 path=b\n".utf8)
    #expect(try sentence(TarBytes.member("pax", records, kind: "x") + good).contains("pax records are damaged"))
    #expect(try sentence(TarBytes.member("a", [1], kind: "S")).contains("is a sparse file"))
  }

  @Test func foldersLinksAndGlobalRecordsAreNoFiles() throws {
    let bytes =
      TarBytes.member("pax_global", Array("10 path=b\n".utf8), kind: "g") + TarBytes.member("folder/", [], kind: "5")
      + TarBytes.member("old/", []) + TarBytes.member("link", [], kind: "2") + TarBytes.member("a", [0x78])
    #expect(try read(bytes + TarBytes.end) == ["a": "x"])
  }

  @Test func aMemberOfAnUnknownKindIsSkippedWithItsData() throws {
    let bytes = TarBytes.member("odd", [UInt8](repeating: 1, count: 700), kind: "Z") + TarBytes.member("a", [0x78])
    #expect(try read(bytes + TarBytes.end) == ["a": "x"])
  }

  @Test func recordsAreOfTheNextMemberOnly() throws {
    let bytes =
      TarBytes.member("pax", Array("10 path=b\n".utf8), kind: "x") + TarBytes.member("a", [0x78])
      + TarBytes.member("c", [0x79])
    #expect(try read(bytes + TarBytes.end) == ["b": "x", "c": "y"])
  }

  @Test func theBeginningOfALongNameIsUstarsAlone() throws {
    let name = TarBytes.member("name", [0x78], prefix: "some/folder")
    #expect(try read(name + TarBytes.end) == ["some/folder/name": "x"])
    let gnu = TarBytes.member("name", [0x78], magic: "ustar  \u{0}", prefix: "some/folder")
    #expect(try read(gnu + TarBytes.end) == ["name": "x"])
  }

  @Test func whatFollowsTheEndIsNotLookedAt() throws {
    let whole = TarBytes.archive([("a", [0x78])])
    #expect(try read(whole + TarBytes.member("b", [0x79])) == ["a": "x"])
    #expect(try read(TarBytes.end).isEmpty)
  }

  @Test func anArchiveThatIsMissingOrNoFileIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      for (path, reason) in [
        (folder.path, "it is not a regular file"), (folder.path + "/a.tar", "No such file or directory"),
      ] {
        let error = #expect(throws: TarError.self) { try TarArchive.members(of: FileSlice(path: path)) }
        #expect(error?.description == "cannot read \(path): \(reason)")
      }
    }
  }
}
