import Foundation

/// Files that the tests compare with, and what set-up fetched.
public enum Project {
  /// The root of the checkout.
  public static let root = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file or folder under Tests/Golden.
  public static func golden(_ name: String) -> URL { root.appendingPathComponent("Tests/Golden/\(name)") }

  /// The folder of the pretrained text encoder.
  public static var minilm: URL { root.appendingPathComponent(".deps/minilm") }

  /// An empty folder for one test, which removes it.
  public static func temporaryFolder() throws -> URL {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("flux-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    return url
  }

  /// Runs `body` with an empty folder, which is removed afterwards.
  @discardableResult
  public static func inTemporaryFolder<R>(_ body: (URL) throws -> R) throws -> R {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
  }
}
