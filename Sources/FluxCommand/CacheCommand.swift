import ArgumentParser
import Foundation
import Support

/// `flux cache`: what Flux keeps on the disk beside models and images.
struct CacheCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cache", abstract: "Says what Flux keeps on the disk beside models and images.",
    discussion: """
      The cache, ~/.cache/flux (below XDG_CACHE_HOME, if that is set), holds what Flux makes again when it needs it. The \
      history holds the lines that were typed in flux draw. Models, LoRAs, training runs, their latent caches \
      (flux train --cache) and images are where they were put, and are none of it.

      EXAMPLES
        flux cache
        flux cache clear
      """, subcommands: [CacheList.self, CacheClear.self], defaultSubcommand: CacheList.self)
}

/// `flux cache list`, the default.
struct CacheList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "Lists it with its sizes (the default).")

  @Flag(help: "Print JSON, one line for each place.") var json = false

  func run() throws {
    for (name, place) in [("cache", KeptFiles.cache), ("history", KeptFiles.history)] {
      let size = KeptFiles.size(of: place)
      if json {
        try printLine(
          JSONValue.object([
            ("name", .string(name)), ("path", .string(place.path)), ("files", .int(size.files)),
            ("bytes", .int(size.bytes)),
          ]).text)
      } else {
        let files =
          size.files == 0 ? "empty" : ByteCount.text(size.bytes) + (size.files == 1 ? "" : ", \(size.files) files")
        try printLine("\(name)\(name == "cache" ? "  " : "")  \(place.path)  \(files)")
      }
    }
  }
}

/// `flux cache clear`.
struct CacheClear: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "clear", abstract: "Removes the cache; with --history also the lines of flux draw.")

  @Flag(help: "Also remove the history of flux draw.") var history = false

  func run() throws {
    for place in [KeptFiles.cache] + (history ? [KeptFiles.history] : []) {
      let size = KeptFiles.size(of: place)
      guard size.files > 0 || KeptFiles.exists(place) else { continue }
      do {
        try FileManager.default.removeItem(at: place)
      } catch { throw Failure("\(place.path) cannot be removed: \(error.localizedDescription)") }
      try printLine("\(place.path)  \(ByteCount.text(size.bytes)) removed")
    }
  }
}

/// The places of what Flux keeps for the user, by the XDG base directories.
enum KeptFiles {
  /// The folder of what can be made again.
  static var cache: URL { folder("XDG_CACHE_HOME", "~/.cache") }

  /// The file with the lines of `flux draw`.
  static var history: URL { folder("XDG_STATE_HOME", "~/.local/state").appendingPathComponent("history") }

  private static func folder(_ variable: String, _ standard: String) -> URL {
    let given = ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    return FilePath(given ?? standard).url.appendingPathComponent("flux")
  }

  /// Whether there is something, or a link.
  static func exists(_ place: URL) -> Bool {
    var facts = stat()
    return lstat(place.path, &facts) == 0
  }

  /// Number and bytes of the files in a place; links are not followed.
  static func size(of place: URL) -> (files: Int, bytes: Int) {
    var facts = stat()
    guard lstat(place.path, &facts) == 0 else { return (0, 0) }
    guard facts.st_mode & S_IFMT == S_IFDIR else { return (1, Int(facts.st_size)) }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: place.path)) ?? []
    return names.reduce((0, 0)) { sum, name in
      let inner = size(of: place.appendingPathComponent(name))
      return (sum.0 + inner.files, sum.1 + inner.bytes)
    }
  }
}
