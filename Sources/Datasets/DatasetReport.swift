import Images
import Support

/// Contents and problems of a data set, found by reading everything once.
public struct DatasetReport: Sendable, Encodable {
  /// The kinds of problems.
  public enum Kind: String, Sendable, Codable, CaseIterable {
    /// The image or its captions cannot be read.
    case unreadable
    /// The image has the same pixels as an earlier one.
    case duplicate
    /// The shorter side is less than half of the training size.
    case small
    /// One side is more than three times as long as the other.
    case narrow
    /// The image has no caption.
    case uncaptioned
    /// A caption is longer than the token limit.
    case cutCaption
    /// A caption is not UTF-8.
    case brokenText
  }

  /// One problem.
  public struct Finding: Sendable, Codable, Equatable {
    /// The class of the problem.
    public let kind: Kind
    /// Name of the image in its source.
    public let id: String
    /// The error, the size in pixels or the text at fault, for messages.
    public let detail: String
  }

  /// The tokenization of a caption, from the caller.
  public struct Reading: Sendable {
    /// Number of tokens of the whole caption, those beyond the limit included.
    public let tokens: Int
    /// Words that are cut off by the token limit, wholly or partly.
    public let dropped: [String]

    /// The token count of a whole caption, and the words that the limit cuts off.
    public init(tokens: Int, dropped: [String]) {
      self.tokens = tokens
      self.dropped = dropped
    }
  }

  /// Number of images, unreadable ones included.
  public let images: Int
  /// Number of captions of all images.
  public let captions: Int
  /// The source's digest, in 64 hexadecimal digits.
  public let digest: String
  /// All problems, in the order of the images.
  public private(set) var findings: [Finding] = []
  /// Shorter sides of all readable images, in pixels.
  public private(set) var shorterSides = Histogram(bounds: [64, 128, 256, 512, 1024, 2048, 4096])
  /// Tokens per caption, in classes up to the token limit and one beyond it.
  public private(set) var tokens: Histogram
  /// Square crops as in training, spread over the source.
  public private(set) var thumbnails: [Image] = []

  /// Number of images without problems.
  public var sound: Int { images - Set(findings.map { ByteString($0.id) }).count }

  private enum CodingKeys: String, CodingKey { case images, captions, digest, findings, shorterSides, tokens }

  /// Reads a whole source on all cores.
  ///
  /// - Parameters:
  ///   - source: the images and captions.
  ///   - size: the training size, in pixels.
  ///   - maxTokens: the token limit of captions.
  ///   - thumbnails: the maximum number of thumbnails, and their size in pixels.
  ///   - read: tokenizes a caption.
  ///   - progress: called with the number of images done.
  public init(
    of source: any CaptionedImages, size: Int, maxTokens: Int, thumbnails: (count: Int, side: Int)? = nil,
    read: (String) -> Reading, progress: (Int) -> Void = { _ in }
  ) {
    images = source.count
    digest = source.digest
    captions = (0..<source.count).reduce(0) { $0 + source.captions($1).count }
    let longest = min(maxTokens, Int.max - 1)
    let width = max(8, (longest / 64 + 7) / 8 * 8)  // tokens per class, for at most about 64 classes
    tokens = Histogram(bounds: Array(stride(from: width + 1, through: longest, by: width)) + [longest + 1])
    var firsts: [String: Int] = [:]  // of pixels, the first image that has them
    /// The size of an image's thumbnail; nil if it has none.
    func thumbnailSide(_ index: Int) -> Int? {
      guard let (count, side) = thumbnails else { return nil }
      return index % max(1, (source.count + count - 1) / count) == 0 ? side : nil
    }
    // In chunks, so that progress is reported by this thread; large enough to keep all cores busy.
    for start in stride(from: 0, to: source.count, by: 64) {
      let facts = Self.facts(source, start..<min(start + 64, source.count), thumbnail: thumbnailSide)
      for (offset, fact) in facts.enumerated() {
        note(fact, start + offset, of: source, size: size, &firsts)
        noteCaptions(start + offset, of: source, read)
      }
      progress(start + facts.count)
    }
  }

  private struct Facts: Sendable {
    let width: Int
    let height: Int
    let pixels: String  // a digest of size and pixels
    let thumbnail: Image?
  }

  /// Reads some images at once, in the order of their indices.
  private static func facts(
    _ source: any CaptionedImages, _ range: Range<Int>, thumbnail side: (Int) -> Int?
  ) -> [Result<Facts, DatasetError>] {
    Parallel.map(range.map { ($0, side($0)) }) { index, side in
      do throws(DatasetError) {
        return Result.success(try source.withImage(index) { measure($0, thumbnail: side) })
      } catch { return Result.failure(error) }
    }
  }

  private static func measure(_ image: Image, thumbnail side: Int?) -> Facts {
    let opaque = image.composited(on: Color(255, 255, 255))
    var hash = SHA256()
    Array("\(image.width) \(image.height)\n".utf8).withUnsafeBytes { hash.update($0) }
    opaque.pixels.withUnsafeBytes { hash.update($0) }
    var random = SplitMix64(seed: 0, index: 0)
    return Facts(
      width: image.width, height: image.height, pixels: hash.hexDigest(),
      thumbnail: side.map { Crop.center.square(of: opaque, size: $0, &random) })
  }

  private mutating func note(
    _ result: Result<Facts, DatasetError>, _ index: Int, of source: any CaptionedImages, size: Int,
    _ firsts: inout [String: Int]
  ) {
    let id = source.id(index)
    func found(_ kind: Kind, _ detail: String) { findings.append(Finding(kind: kind, id: id, detail: detail)) }
    switch result {
    case .failure(let error): found(.unreadable, error.description)
    case .success(let facts):
      let (shorter, longer) = (min(facts.width, facts.height), max(facts.width, facts.height))
      shorterSides.add(shorter)
      if let first = firsts[facts.pixels] {
        found(.duplicate, "the same pixels as \(source.id(first))")
      } else {
        firsts[facts.pixels] = index
      }
      if 2 * shorter < size { found(.small, "\(facts.width)×\(facts.height)") }
      if longer > 3 * shorter { found(.narrow, "\(facts.width)×\(facts.height)") }
      if let thumbnail = facts.thumbnail { thumbnails.append(thumbnail) }
    }
  }

  private mutating func noteCaptions(_ index: Int, of source: any CaptionedImages, _ read: (String) -> Reading) {
    let (id, captions) = (source.id(index), source.captions(index))
    if captions.isEmpty { findings.append(Finding(kind: .uncaptioned, id: id, detail: "no caption")) }
    for caption in captions {
      let reading = read(caption)
      tokens.add(reading.tokens)
      if !reading.dropped.isEmpty {
        let words = reading.dropped.prefix(3).joined(separator: " ") + (reading.dropped.count > 3 ? " …" : "")
        findings.append(
          Finding(kind: .cutCaption, id: id, detail: "\(reading.tokens) tokens; truncated: \"\(words)\""))
      }
      if caption.unicodeScalars.contains("\u{FFFD}") {
        findings.append(Finding(kind: .brokenText, id: id, detail: "\"\(caption.prefix(40))\""))
      }
    }
  }
}

/// A histogram over given bounds, with mean and maximum.
public struct Histogram: Sendable, Codable, Equatable {
  /// Lower bounds of all classes but the first, ascending.
  public let bounds: [Int]
  /// Number of values in each class; there is one class more than bounds.
  public private(set) var counts: [Int]
  /// Sum of all values.
  public private(set) var total = 0
  /// The largest value; 0 if there is none.
  public private(set) var largest = 0

  /// Classes below, between and above ascending bounds, of which there is at least one.
  public init(bounds: [Int]) {
    if bounds.isEmpty { fatalError("a histogram needs a bound between its classes") }
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  /// Adds a number, 0 or more.
  public mutating func add(_ value: Int) {
    counts[bounds.firstIndex { value < $0 } ?? bounds.count] += 1
    total += value
    largest = max(largest, value)
  }

  /// Number of values.
  public var count: Int { counts.reduce(0, +) }
  /// Mean of all values; 0 if there is none.
  public var mean: Double { count == 0 ? 0 : Double(total) / Double(count) }

  /// One line for each class from the first to the last non-empty one: range, bar and count.
  public var lines: [String] {
    guard let first = counts.firstIndex(where: { $0 > 0 }), let last = counts.lastIndex(where: { $0 > 0 }),
      let most = counts.max()
    else { return [] }
    let names = counts.indices.map(name)
    let width = names[first...last].map(\.count).max() ?? 0
    return (first...last).map { index in
      let padding = String(repeating: " ", count: width - names[index].count)
      let bar = String(repeating: "━", count: (24 * counts[index] + most - 1) / most)
      return "\(padding)\(names[index])  \(bar)\(bar.isEmpty ? "" : " ")\(counts[index])"
    }
  }

  private func name(_ index: Int) -> String {
    if index == 0 { return "under \(bounds[0])" }
    return index == bounds.count ? "\(bounds[index - 1]) or more" : "\(bounds[index - 1])–\(bounds[index] - 1)"
  }
}
