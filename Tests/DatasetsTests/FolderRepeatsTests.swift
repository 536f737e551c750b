import Foundation
import Support
import TestSupport
import Testing

@testable import Datasets

@Suite struct FolderRepeatsTests {
  private func folder(_ names: [String], _ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      for name in names {
        let file = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(name.utf8).write(to: file)
      }
      try body(folder)
    }
  }

  @Test func imagesCountAsOftenAsTheirFolderSays() throws {
    try folder(["3_cats/a.png", "3_cats/deep/b.png", "dogs/c.png", "d.png", "dogs/9_x/e.png"]) { folder in
      let repeated = try ImageFolder(folder, repeats: true)
      #expect(
        (0..<repeated.count).map(repeated.id) == [
          "3_cats/a.png", "3_cats/a.png", "3_cats/a.png", "3_cats/deep/b.png", "3_cats/deep/b.png",
          "3_cats/deep/b.png", "d.png", "dogs/9_x/e.png", "dogs/c.png",
        ])
      let once = try ImageFolder(folder)
      #expect(once.count == 5 && once.digest != repeated.digest)
    }
  }

  @Test(arguments: ["x_1/a.png", "_cats/a.png", "10cats/a.png", "0_cats/a.png", "10_a.png"])
  func aFolderWithoutANumberHasNoRepeats(_ name: String) throws {
    #expect(FolderRepeats.number(of: ByteString(name)) == nil)
    try folder([name]) { folder in
      #expect(throws: DatasetError.noRepeats(path: folder.path)) { _ = try ImageFolder(folder, repeats: true) }
    }
  }

  @Test func tooManyRepeatsAreRefused() throws {
    for number in ["1001", "99999999999999999999"] {
      try folder(["\(number)_cats/a.png"]) { folder in
        let error = #expect(throws: DatasetError.self) { _ = try ImageFolder(folder, repeats: true) }
        #expect(error == .manyRepeats(folder: "\(number)_cats", most: 1000))
      }
    }
  }
}
