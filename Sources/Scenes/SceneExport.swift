import Foundation
import Images
import Support

/// Exports scenes as files that any trainer reads: images with captions and facts.
///
/// The output depends only on the settings, not on the number of workers. Files are written atomically, and existing ones
/// are kept, so that the same call continues an interrupted export.
public struct SceneDataset: Sendable {
  /// Layout of the exported files.
  public enum Format: String, Sendable, Codable, CaseIterable {
    /// `000/000000.png` and `000/000000.txt`, a thousand images per subfolder, and one `metadata.jsonl`.
    case folder
    /// WebDataset: `scenes-000000.tar` and so on, each with the png, txt and json files of a thousand images.
    case tar
  }

  /// Why a dataset cannot be written.
  public enum Failure: Error, CustomStringConvertible, Sendable {
    /// The folder's `dataset.json` records other settings than those of this export.
    case otherSettings(folder: String, found: String, asked: String)
    /// The folder at this path cannot be created.
    case noFolder(String)

    public var description: String {
      switch self {
      case .otherSettings(let folder, let found, let asked):
        "\(folder) holds scenes of other settings (\(found), not \(asked)): choose another folder"
      case .noFolder(let path): "the folder \(path) cannot be created"
      }
    }
  }

  /// Progress, in images and in seconds of one core.
  public struct Statistics: Sendable {
    /// Number of images rendered by this call.
    public var made = 0
    /// Number of images that existed before.
    public var kept = 0
    /// Seconds of one core spent on rendering.
    public var drawing = 0.0
    /// Seconds of one core spent on PNG compression.
    public var encoding = 0.0
  }

  /// Images in a subfolder or a shard.
  static let groupSize = 1000

  /// The collection that images are taken from.
  public let scenes: Scenes
  /// Number of images: the scenes with the indices 0 ..< `count`.
  public let count: Int
  /// Width and height of the images in pixels.
  public let size: Int
  /// Layout of the files.
  public let format: Format

  /// An export of the first `count` scenes as images of `size` × `size` pixels.
  public init(_ scenes: Scenes, count: Int, size: Int, format: Format) {
    self.scenes = scenes
    self.count = count
    self.size = size
    self.format = format
  }

  /// Writes the files that `folder` does not have yet; nil writes nothing, for benchmarks.
  ///
  /// `progress` is called with the number of images done.
  public func write(
    to folder: URL?, atlas: GlyphAtlas, workers: Int, progress: (Int) -> Void
  ) throws -> Statistics {
    if let folder { try begin(folder, atlas.version) }
    var statistics = Statistics()
    for start in stride(from: 0, to: count, by: Self.groupSize) {
      let group = start..<min(start + Self.groupSize, count)
      switch (format, folder) {
      case (.tar, let folder?): try writeShard(group, in: folder, atlas, workers, &statistics, progress)
      case (.folder, let folder?): try writeSubfolder(group, in: folder, atlas, workers, &statistics, progress)
      case (_, nil): try make(group, atlas, workers, &statistics, progress) { _ in }
      }
    }
    if let folder, format == .folder { try writeMetadata(in: folder, atlas, workers) }
    return statistics
  }

  // MARK: - Formats

  private func writeSubfolder(
    _ group: Range<Int>, in folder: URL, _ atlas: GlyphAtlas, _ workers: Int, _ statistics: inout Statistics,
    _ progress: (Int) -> Void
  ) throws {
    let subfolder = folder.appendingPathComponent(Self.groupName(group.lowerBound))
    try Self.create(subfolder)
    let there = Set(try FileManager.default.contentsOfDirectory(atPath: subfolder.path))
    let missing = group.filter { !there.contains(Self.name($0) + ".png") }
    statistics.kept += group.count - missing.count
    try make(missing, atlas, workers, &statistics, progress) { made in
      // The image is written last: if it exists, all of its files do.
      let base = subfolder.appendingPathComponent(Self.name(made.index))
      try AtomicFile.write(
        Array(made.example.caption.utf8) + [10], to: base.appendingPathExtension("txt"), flushing: false)
      try AtomicFile.write(made.png, to: base.appendingPathExtension("png"), flushing: false)
    }
  }

  private func writeShard(
    _ group: Range<Int>, in folder: URL, _ atlas: GlyphAtlas, _ workers: Int, _ statistics: inout Statistics,
    _ progress: (Int) -> Void
  ) throws {
    let url = folder.appendingPathComponent("scenes-\(Self.padded(group.lowerBound / Self.groupSize, 6)).tar")
    if FileManager.default.fileExists(atPath: url.path) {
      statistics.kept += group.count
      progress(statistics.made + statistics.kept)
      return
    }
    let shard = try TarWriter(url)
    try make(Array(group), atlas, workers, &statistics, progress) { made in
      let name = Self.name(made.index)
      let facts = SceneFacts(made.example, fileName: name + ".png", size: size, atlas: atlas)
      try shard.add(name + ".json", facts.json())
      try shard.add(name + ".png", made.png)
      try shard.add(name + ".txt", Array(made.example.caption.utf8))
    }
    try shard.finish()
  }

  private func writeMetadata(in folder: URL, _ atlas: GlyphAtlas, _ workers: Int) throws {
    let file = try AtomicFile(folder.appendingPathComponent("metadata.jsonl"))
    for start in stride(from: 0, to: count, by: Self.groupSize) {
      let group = Array(start..<min(start + Self.groupSize, count))
      let lines = try Parallel.map(group, workers: workers) { index in
        let name = "\(Self.groupName(index))/\(Self.name(index)).png"
        return try SceneFacts(scenes[index], fileName: name, size: size, atlas: atlas).json() + [10]
      }
      for line in lines { try file.write(line) }
    }
    try file.commit()
  }

  // MARK: - Images

  private struct Made: Sendable {
    let index: Int
    let example: CaptionedScene
    let png: [UInt8]
    let drawing: Double
    let encoding: Double
  }

  /// Renders images with all workers, a few at a time, and stores them in order.
  private func make(
    _ indices: some Sequence<Int>, _ atlas: GlyphAtlas, _ workers: Int, _ statistics: inout Statistics,
    _ progress: (Int) -> Void,
    store: (Made) throws -> Void
  ) throws {
    var rest = Array(indices)[...]
    while !rest.isEmpty {
      let batch = Array(rest.prefix(16 * workers))
      rest = rest.dropFirst(batch.count)
      let made = try Parallel.map(batch, workers: workers) { index in
        let start = Parallel.threadSeconds
        let example = scenes[index]
        let image = example.scene.render(size: size, atlas: atlas)
        let drawn = Parallel.threadSeconds
        let png = try PNG.encode(image, effort: .fast)
        return Made(
          index: index, example: example, png: png, drawing: drawn - start,
          encoding: Parallel.threadSeconds - drawn)
      }
      for image in made {
        try store(image)
        statistics.made += 1
        statistics.drawing += image.drawing
        statistics.encoding += image.encoding
      }
      progress(statistics.made + statistics.kept)
    }
  }

  // MARK: - Names

  /// Records the settings in `dataset.json`; a folder with other settings is refused.
  private func begin(_ folder: URL, _ version: RenderingVersion) throws {
    try Self.create(folder)
    // A folder of files can be extended; an incomplete last shard cannot.
    let count = format == .tar ? "\"count\":\(count)," : ""
    // Folders of version 1 do not state the version.
    let rendering = version == .v1 ? "" : "\"version\":\(version.rawValue),"
    let emphasis = scenes.emphasis == .none ? "" : "\"emphasis\":\"\(scenes.emphasis.name)\","
    let settings =
      "{\(count)\(emphasis)\"format\":\"\(format.rawValue)\",\"seed\":\(scenes.seed),\"size\":\(size),"
      + "\"split\":\"\(scenes.split.rawValue)\",\(rendering)\"world\":\"\(scenes.world.rawValue)\"}"
    let url = folder.appendingPathComponent("dataset.json")
    if let found = try? String(contentsOf: url, encoding: .utf8) {
      let held = found.trimmingCharacters(in: .whitespacesAndNewlines)
      guard held == settings else { throw Failure.otherSettings(folder: folder.path, found: held, asked: settings) }
      return
    }
    try AtomicFile.write(Array(settings.utf8) + [10], to: url)
  }

  private static func create(_ folder: URL) throws(Failure) {
    do {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    } catch { throw .noFolder(folder.path) }
  }

  private static func name(_ index: Int) -> String { padded(index, 6) }
  private static func groupName(_ index: Int) -> String { padded(index / groupSize, 3) }
  private static func padded(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
