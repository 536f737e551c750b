import Flux
import Foundation
import Images

/// The images of a call in their order, and how a labeled grid shows them.
struct Series {
  /// The request of every image, with its prompt and seed.
  private(set) var requests: [GenerationRequest]
  /// Labels of the columns of the grid.
  let columns: [String]
  /// Labels of its rows.
  let rows: [String]

  /// One value of an axis: its label and what it does to a request.
  private typealias Value = (label: String, apply: (inout GenerationRequest) throws -> Void)

  /// All combinations of prompts, rows, images of the batch and columns; the columns vary first, and are the batch where
  /// there is no setting for them.
  ///
  /// Throws where an axis has a value that is none of its setting, or a file of alternatives is missing.
  init(
    _ batch: [GenerationRequest], prompts: [String], _ options: SeriesOptions, _ prompting: PromptOptions
  ) throws {
    if options.promptMatrix, let long = prompts.first(where: { $0.split(separator: "|").count > Self.mostParts }) {
      throw Failure("a prompt matrix has at most \(Self.mostParts - 1) parts after the first: \(long)", code: 2)
    }
    let variants = options.promptMatrix ? prompts.flatMap(Self.matrix) : prompts.map { (label: $0, prompt: $0) }
    let (y, x) = (options.gridY.map(Self.values) ?? [Self.neutral], options.gridX.map(Self.values) ?? [Self.neutral])
    let showsSeeds = batch.count > 1 || options.seeds != nil
    func label(_ parts: [String]) -> String { parts.filter { !$0.isEmpty }.joined(separator: ", ") }
    func seed(_ request: GenerationRequest) -> String { showsSeeds ? "seed \(request.seed)" : "" }
    columns = options.gridX == nil ? batch.map(seed) : x.map(\.label)
    var (rows, requests): ([String], [GenerationRequest]) = ([], [])
    var templates: [String: PromptTemplate] = [:]
    for variant in variants {
      for row in y {
        let name = label([variants.count > 1 ? variant.label : "", row.label])
        rows += options.gridX == nil ? [name] : batch.map { label([name, seed($0)]) }
        for base in batch {
          for column in x {
            var one = base
            one.prompt = variant.prompt
            try row.apply(&one)
            try column.apply(&one)
            if one.promptSyntax == .weighted {
              let template = try templates[one.prompt] ?? PromptTemplate(one.prompt, wildcards: prompting.wildcards.url)
              templates[one.prompt] = template
              one.prompt = template.prompt(seed: one.seed)
            }
            requests.append(one)
          }
        }
      }
    }
    (self.rows, self.requests) = (rows, requests)
  }

  private static var neutral: Value { ("", { _ in }) }

  private static func values(of axis: SeriesAxis) -> [Value] {
    axis.values.map { value in (axis.label(value), { try axis.apply(value, to: &$0) }) }
  }

  /// Every combination of the parts after the first `|`, with the parts as label.
  static func matrix(_ prompt: String) -> [(label: String, prompt: String)] {
    let parts = prompt.split(separator: "|", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    return (0..<1 << (parts.count - 1)).map { set in
      let chosen = parts.dropFirst().enumerated().filter { set >> $0.offset & 1 == 1 }.map(\.element)
      return (chosen.isEmpty ? parts[0] : chosen.joined(separator: ", "), ([parts[0]] + chosen).joined(separator: ", "))
    }
  }

  /// The prompts, each once.
  var prompts: [String] {
    var seen: Set<String> = []
    return requests.map(\.prompt).filter { seen.insert($0).inserted }
  }

  /// The same series with changed requests.
  func map(_ change: (GenerationRequest) -> GenerationRequest) -> Series {
    var series = self
    series.requests = requests.map(change)
    return series
  }

  /// Whether two requests have the same text, so that it is encoded once.
  static func haveSameText(_ a: GenerationRequest, _ b: GenerationRequest) -> Bool {
    (a.prompt, a.negativePrompt, a.promptSyntax) == (b.prompt, b.negativePrompt, b.promptSyntax)
  }

  /// The most parts of a prompt matrix: with ten optional ones there are 1024 prompts.
  static let mostParts = 11

  /// The runs of images that can be denoised together, at most `size` of them: equal but for consecutive seeds, or for
  /// prompts and seeds where they can share a batch.
  func batches(of size: Int) -> [Range<Int>] {
    var batches: [Range<Int>] = []
    var start = 0
    while start < requests.count {
      let first = requests[start]
      let count = requests[start...].prefix(size).enumerated().prefix { index, request in
        index == 0 || first.canShareBatch(with: request) || request == first.image(index)
      }.count
      batches.append(start..<start + count)
      start += count
    }
    return batches
  }

  /// Whether the images of a batch are those of one request with consecutive seeds.
  func isOneRequest(_ batch: Range<Int>) -> Bool {
    let first = requests[batch.lowerBound]
    return requests[batch].enumerated().allSatisfy { $1 == first.image($0) }
  }

  /// The labeled grid of the finished images, made smaller where a side would exceed 4096 pixels.
  func grid(_ images: [Image]) -> Image {
    guard let first = images.first else { fatalError("a series has at least one image") }
    let longest = max(columns.count * first.width, rows.count * first.height)
    let factor = min(1, 4096 / Double(longest))
    let (width, height) = (max(16, Int(Double(first.width) * factor)), max(16, Int(Double(first.height) * factor)))
    let shown = factor == 1 ? images : images.map { $0.resized(width: width, height: height, filter: .lanczos) }
    return LabeledGrid.lay(shown, columns: columns, rows: rows)
  }
}
