import ArgumentParser
import Flux
import Foundation
import Runs
import Support
import Torch

/// `flux bench plots`: how the time of an image grows with what is asked for.
struct BenchPlots: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plots",
    abstract: "Times generation against steps, batch size, image size, prompt length and threads.",
    discussion: "Writes plots.svg, with a plot of each, and plots.csv with the numbers.")

  @Option(
    name: [.short, .long], help: "A model directory or the name of a bundled model (default: midi).",
    completion: Completions.models)
  var model: FilePath?
  @Option(name: .shortAndLong, help: "Folder to write.") var output: FilePath
  @Option(help: "Timed repetitions of every point, after one that is not timed; their median counts.") var rounds = 3
  @OptionGroup var options: BenchOptions

  func validate() throws {
    try CountLimit.check("--rounds", rounds, to: CountLimit.images)
    if options.json { throw ValidationError("--json has no use here: the numbers are in plots.csv") }
  }

  /// What is varied.
  private enum Axis: String, CaseIterable {
    case steps, batch, size, tokens, threads

    var title: String {
      switch self {
      case .steps: "steps"
      case .batch: "batch size"
      case .size: "image size"
      case .tokens: "prompt length"
      case .threads: "threads"
      }
    }

    var unit: String {
      switch self {
      case .steps: "steps"
      case .batch: "images"
      case .size: "pixels a side"
      case .tokens: "tokens"
      case .threads: "threads"
      }
    }
  }

  func run() throws {
    let device = try options.begin()
    let pipeline = try Pipeline(
      model: Home.model(model), textEncoder: Home.textEncoder, precision: options.precision, device: device)
    let folder = output.url
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    var panels: [PlotPanel] = []
    var table = "axis,value,seconds_per_image,images_per_second\n"
    for axis in Axis.allCases {
      let values = values(of: axis, pipeline)
      guard values.count > 1 else { continue }
      var points: [PlotPanel.Point] = []
      for value in values {
        let seconds = try secondsPerImage(axis, value, pipeline)
        points.append(.init(x: Double(value), y: 1 / seconds))
        table += "\(axis.rawValue),\(value),\(String(format: "%.4f,%.4f", seconds, 1 / seconds))\n"
        say("\(axis.title) \(value): \(String(format: "%.3f", seconds)) s an image")
      }
      panels.append(PlotPanel("images/s by \(axis.title)", measured: points, unit: axis.unit))
    }
    for (name, text) in [("plots.csv", table), ("plots.svg", PlotPanel.document(panels))] {
      try AtomicFile.write(Array(text.utf8), to: folder.appendingPathComponent(name))
      try printLine(folder.appendingPathComponent(name).relativePath)
    }
  }

  private func values(of axis: Axis, _ pipeline: Pipeline) -> [Int] {
    switch axis {
    case .steps: [1, 2, 4, 8, 12, 20, 50]
    case .batch: [1, 2, 4, 8]
    case .size: [1, 2, 3, 4].map { $0 * pipeline.model.geometry.imageSize }
    case .tokens: [4, 8, 16, 32, 48, 75].filter { $0 <= pipeline.conditioner.maxTokens }
    case .threads: options.threads == nil && pipeline.device == .cpu ? Array(1...Libtorch.threads) : []
    }
  }

  /// The median time of an image: one at a time, in twelve steps, but for what is varied.
  private func secondsPerImage(_ axis: Axis, _ value: Int, _ pipeline: Pipeline) throws -> Double {
    let threads = Libtorch.threads
    defer { Libtorch.threads = threads }
    if axis == .threads { Libtorch.threads = value }
    var request = GenerationRequest(prompt: "a red apple on a blue background", steps: axis == .steps ? value : 12)
    if axis == .size { (request.width, request.height) = (value, value) }
    if axis == .tokens { request.prompt = Array(repeating: "apple", count: value - 2).joined(separator: " ") }
    let count = axis == .batch ? value : 1
    _ = try pipeline.generate(request, count: count)
    let seconds = try (0..<rounds).map { _ in
      let watch = Stopwatch()
      _ = try pipeline.generate(request, count: count)
      pipeline.device.synchronize()
      return watch.seconds / Double(count)
    }.sorted()
    return seconds[seconds.count / 2]
  }
}
