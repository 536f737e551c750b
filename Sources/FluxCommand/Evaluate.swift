import ArgumentParser
import Data
import Diffusion
import Evaluation
import Files
import Flux
import Foundation
import Raster
import Torch

/// `flux evaluate`: how well pictures follow prompts, in numbers.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws prompts that training never saw and judges the pictures.",
    discussion: """
      Prompts are scenes with a held-out combination of known words. The judge compares pixels with known colours and
      parts of the picture with drawn templates; it shares nothing with the model. Beside the model's scores stand what
      real renders score (the judge's own errors), what encoding and decoding them leaves (the autoencoder's), and what
      pictures score against another prompt (chance).
      """)

  @Option(name: [.short, .long], help: "A model directory, or the name of a shipped model.") var model: String?
  @Option(help: "Prompts.") var count: Int = 200
  @Option(name: [.short, .long], help: "Seed of the prompts and of the pictures.") var seed: UInt64 = 1
  @Option(help: "Denoising steps.") var steps: Int = 20
  @Option(help: "Guidance scale.") var cfgScale: Double = 3
  @Option(help: "How much of the contrast that guidance adds is taken back, 0 to 1.") var cfgRescale: Double = 0
  @Option(name: .customLong("sampler"), help: "The sampler.") var sampler: String = SamplerKind.dpmpp_2m.rawValue
  @Option(name: [.short, .long], help: "A folder for scores.json and contact sheets.") var output: String?
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(help: "Print the scores as JSON.") var json = false
  @Flag(name: [.short, .long], help: "No progress.") var quiet = false

  func validate() throws {
    if count < 1 { throw ValidationError("--count \(count) must be at least 1") }
    if let threads, threads < 1 { throw ValidationError("--threads \(threads) must be at least 1") }
  }

  func run() throws {
    if let threads { Libtorch.threads = threads }
    let kind: SamplerKind
    do {
      kind = try SamplerKind(named: sampler)
    } catch { throw Failure("\(error)", code: 2) }
    let pipeline = try Pipeline(model: Home.model(model), textEncoder: Home.textEncoder)
    let size = pipeline.model.configuration.imageSize
    guard size % 128 == 0 else {
      throw Failure("the judge reads pictures of a multiple of 128 pixels; this model draws \(size)")
    }
    let folder = try output.map(makeFolder)
    let atlas = try GlyphAtlas()
    let judge = Judge(atlas: atlas)
    let source = Scenes(seed: seed, split: .heldOut)
    let asked = (0..<count).map { source[$0] }

    var report = Report(model: pipeline.source.name, modelHash: pipeline.source.hash, prompts: count, steps: steps)
    var drawn: [Image] = []
    let progress = StepProgress(pictures: count, quiet: quiet)
    for (index, scene) in asked.enumerated() {
      let request = GenerationRequest(
        prompt: scene.caption, seed: seed &+ UInt64(index), steps: steps, sampler: kind,
        guidance: Guidance(scale: cfgScale, rescale: cfgRescale))
      let image = try pipeline.generate(request) { progress.show(picture: index, step: $0.index, of: $0.count) }.image
      drawn.append(image)
      let real = scene.scene.render(size: size, atlas: atlas)
      let pixels = TensorImage.tensor([real])
      let copied = pipeline.decodeLatents(withInference { pipeline.model.autoencoder.encode(pixels) })[0]
      let verdicts = judge.judge(image, against: scene)
      report.pictures.append(Report.Judged(prompt: scene.caption, verdicts: verdicts))
      report.drawn.add(verdicts)
      report.autoencoded.add(judge.judge(copied, against: scene))
      report.rendered.add(judge.judge(real, against: scene))
    }
    progress.clear()
    // Half the list away, so that no picture meets its own prompt.
    for (index, scene) in asked.enumerated() where count > 1 {
      report.shuffled.add(judge.judge(drawn[(index + (count + 1) / 2) % count], against: scene))
    }
    if let folder { try write(report, drawn, to: folder) }
    print(json ? try report.json() : report.table)
  }

  private func makeFolder(_ path: String) throws(Failure) -> URL {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch { throw Failure("the folder \(path) cannot be created") }
    return URL(fileURLWithPath: path)
  }

  private func write(_ report: Report, _ pictures: [Image], to folder: URL) throws {
    try AtomicFile.write(Array(report.json().utf8) + [10], to: folder.appendingPathComponent("scores.json"))
    for (number, start) in stride(from: 0, to: pictures.count, by: 40).enumerated() {
      let sheet = ContactSheet.thumbnails(Array(pictures[start..<min(start + 40, pictures.count)]))
      try AtomicFile.write(PNG.encode(sheet), to: folder.appendingPathComponent("sheet-\(number + 1).png"))
    }
  }
}

/// The scores of one evaluation, with every verdict.
private struct Report: Encodable {
  struct Judged: Encodable {
    let prompt: String
    let verdicts: [Judge.Verdict]
  }

  let model: String
  let modelHash: String
  let prompts: Int
  let steps: Int
  var drawn = Scorecard()
  var autoencoded = Scorecard()
  var rendered = Scorecard()
  var shuffled = Scorecard()
  var pictures: [Judged] = []

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  var table: String {
    func percent(_ value: Double) -> String { String(format: "%5.1f", 100 * value) }
    func row(_ aspect: Judge.Aspect) -> String {
      let tally = drawn[aspect]
      let interval = "(\(percent(tally.interval.lowerBound))–\(percent(tally.interval.upperBound)))"
      let others = [autoencoded, rendered, shuffled].map { percent($0[aspect].share) }
      let name = aspect.rawValue.padding(toLength: 8, withPad: " ", startingAt: 0)
      return
        "\(name) \(percent(tally.share)) \(interval)   \(others[0])          \(others[1])    \(others[2])     \(tally.count)"
    }
    let head = "% right   drawn (95 % interval)  encode-decode  renders  shuffled  facts"
    return ([head] + Judge.Aspect.allCases.map(row)).joined(separator: "\n")
  }
}
