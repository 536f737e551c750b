import ArgumentParser
import Diffusion
import Flux
import Foundation
import Images
import Support
import Torch

/// `flux generate`: pictures from prompts.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws pictures from prompts.",
    discussion: """
      EXAMPLES
        flux generate "a red apple on a blue background" -o apple.png
        flux generate "a cat to the left of a tree" -s 7 -b 4 -o cats.png
        flux generate --prompt-file prompts.txt -o pictures/
        flux generate --fast "a red apple" -o apple.png
      """)

  @Argument(help: "What to draw.") var text: String?
  @Option(name: [.short, .customLong("prompt")], help: "What to draw; the same as the argument.") var prompt: String?
  @Option(help: "A file with a prompt on every line; - is standard input.") var promptFile: String?
  @Option(name: [.short, .long], help: "What to lead away from.") var negativePrompt: String = ""
  @Option(name: [.short, .long], help: "A model directory, or the name of a shipped model.") var model: String?
  @Option(
    name: [.short, .long],
    help: "PNG to write; with several pictures a folder, a name with %d in it, or a name that gets -1, -2, …")
  var output: String = "output.png"
  @Option(help: "Also all pictures as one contact sheet, four times smaller, in this PNG.") var grid: String?

  @Flag(help: "Draw with the model's few-step student (flux distil), whose steps and guidance are fixed.")
  var fast = false
  @Option(help: "A LoRA of the U-Net as diffusers stores them; may be given several times.") var lora: [String] = []
  @Option(help: "How much of each LoRA is added, in their order (default: 1).") var loraScale: [Double] = []

  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: "Picture k of a batch uses seed + k; a negative one stands for a random one.")
  var seed: Seed = Seed(value: 42)
  @Option(
    name: [.short, .customLong("batch-count"), .customLong("image-count"), .customLong("num-samples")],
    help: "Pictures per prompt.")
  var batchCount: Int = 1
  @Option(
    name: [.customLong("steps"), .customLong("num-inference-steps"), .customLong("step-count")],
    help: "Denoising steps (default: 20).")
  var steps: Int?
  @Option(name: [.customShort("W"), .long], help: "Width in pixels (default: the model's).") var width: Int?
  @Option(name: [.customShort("H"), .long], help: "Height in pixels (default: the model's).") var height: Int?
  @Option(
    name: [
      .customLong("cfg-scale"), .customLong("guidance-scale"), .customLong("cfg"), .customLong("guidance"),
    ], help: "How strongly the prompt steers; 1 is no guidance (default: 3).")
  var guidanceScale: Double?
  @Option(
    name: .customLong("cfg-rescale"),
    help: "How much of the contrast that guidance adds is taken back, 0 to 1 (default: 0).")
  var guidanceRescale: Double?
  @Option(
    name: .customLong("cfg-interval"),
    help: "Noise levels at which guidance applies, as LOW-HIGH (default: all).")
  var guidanceInterval: Interval?
  @Option(
    name: [.customLong("sampler"), .customLong("sampling-method")],
    help: ArgumentHelp(
      "One of \(SamplerKind.allCases.map(\.rawValue).joined(separator: ", ")) (default: \(SamplerKind.dpmpp_2m))."))
  var sampler: String?
  @Option(
    name: [.customLong("scheduler"), .customLong("schedule")],
    help: ArgumentHelp(
      "How the steps are spread: one of \(Spacing.allCases.map(\.rawValue).joined(separator: ", ")) (default: the sampler's)."
    ))
  var scheduler: String?
  @Option(help: "DDIM's share of ancestral noise, 0 to 1 (default: 0).") var eta: Double?

  @Option(help: "cpu, cuda or cuda:N.") var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(
    name: .customLong("disable-image-metadata"),
    help: "Leave out the PNG text that says how the picture was made.")
  var withoutMetadata = false
  @Flag(name: [.short, .long], help: "No progress.") var quiet = false

  func validate() throws {
    let given = [text, prompt, promptFile].compactMap { $0 }.count
    if given == 0 { throw ValidationError("there is no prompt: flux generate \"a red apple\"") }
    if given > 1 {
      throw ValidationError(
        "the prompt is given \(given) times: as an argument, with --prompt or with --prompt-file")
    }
    if !(1...10_000).contains(batchCount) {
      throw ValidationError("--batch-count \(batchCount) must be 1 to 10000")
    }
    if let threads, threads < 1 { throw ValidationError("--threads \(threads) must be at least 1") }
    if let guidanceScale, !(0...100).contains(guidanceScale) {
      throw ValidationError("--cfg-scale \(guidanceScale) must be 0 to 100")
    }
    if let guidanceRescale, !(0...1).contains(guidanceRescale) {
      throw ValidationError("--cfg-rescale \(guidanceRescale) must be 0 to 1")
    }
    if let grid, !grid.lowercased().hasSuffix(".png") {
      throw ValidationError("the contact sheet is a PNG: let the name --grid \(grid) end in .png")
    }
    if let eta, !(0...1).contains(eta) { throw ValidationError("--eta \(eta) must be 0 to 1") }
    if !loraScale.isEmpty, loraScale.count != lora.count {
      throw ValidationError(
        "--lora-scale is given \(loraScale.count) times, --lora \(lora.count) times: give one for each")
    }
    if fast {
      try FastOptions.check([
        ("--steps", steps != nil), ("--cfg-scale", guidanceScale != nil), ("--cfg-rescale", guidanceRescale != nil),
        ("--cfg-interval", guidanceInterval != nil), ("--sampler", sampler != nil), ("--scheduler", scheduler != nil),
        ("--eta", eta != nil), ("--negative-prompt", !negativePrompt.isEmpty), ("--lora", !lora.isEmpty),
      ])
    }
  }

  func run() throws {
    // All that can be wrong with the request is found before the first second of work.
    let device = try Device(flag: device)
    let request = try request()
    let prompts = try Prompts.read(argument: text ?? prompt, file: promptFile)
    let targets = try OutputNames(output, count: prompts.count * batchCount)
    if let threads { Libtorch.threads = threads }

    let pipeline = try Pipeline(
      model: Home.model(model), textEncoder: Home.textEncoder, fast: fast,
      loras: lora.enumerated().map { (URL(fileURLWithPath: $1), loraScale.isEmpty ? 1 : loraScale[$0]) }, device: device
    )
    let batches = prompts.map { prompt in
      var one = pipeline.student?.request(request) ?? request
      one.prompt = prompt
      return one.batch(batchCount)
    }
    let progress = StepProgress(pictures: targets.count, quiet: quiet)
    var drawn: [Image] = []
    for (index, one) in batches.joined().enumerated() {
      if index % batchCount == 0 { warn(of: pipeline.encodeText(one.prompt).dropped, in: one.prompt) }
      let picture = try pipeline.generate(one) { step in
        progress.show(picture: index, step: step.index, of: step.count)
      }
      progress.clear()
      let target = targets.url(index, seed: one.seed)
      try picture.write(to: target, metadata: !withoutMetadata)
      print(target.relativePath)
      if grid != nil { drawn.append(picture.image) }
    }
    if let grid {
      try AtomicFile.write(PNG.encode(ContactSheet.thumbnails(drawn)), to: URL(fileURLWithPath: grid))
      print(grid)
    }
  }

  /// The request without its prompt; names are looked up here.
  private func request() throws -> GenerationRequest {
    do {
      return GenerationRequest(
        prompt: "", negativePrompt: negativePrompt, seed: seed.value, steps: steps ?? 20,
        sampler: try sampler.map { try SamplerKind(named: $0) } ?? .dpmpp_2m,
        spacing: try scheduler.map { try Spacing(named: $0) }, eta: eta ?? 0,
        guidance: Guidance(
          scale: guidanceScale ?? 3, interval: guidanceInterval?.range, rescale: guidanceRescale ?? 0),
        width: width, height: height)
    } catch let error as SamplingError { throw Failure(error.description, code: 2) }
  }

  private func warn(of dropped: [String], in prompt: String) {
    if dropped.isEmpty { return }
    say("flux: the prompt is too long; these words are not read: \(dropped.joined(separator: " "))")
  }

  /// A seed: any number that 64 bits hold, or a random one for a negative number.
  struct Seed: ExpressibleByArgument {
    let value: UInt64
    var defaultValueDescription: String { "\(value)" }

    init(value: UInt64) { self.value = value }

    init?(argument: String) {
      if let value = UInt64(argument) {
        self.value = value
      } else if let negative = Int64(argument), negative < 0 {
        value = UInt64.random(in: 0...UInt64(UInt32.max))
      } else {
        return nil
      }
    }
  }

  /// `0.2-5`: a range of noise levels.
  struct Interval: ExpressibleByArgument {
    let range: ClosedRange<Double>

    init?(argument: String) {
      let ends = argument.split(separator: "-").compactMap { Double($0) }
      guard ends.count == 2, ends[0] >= 0, ends[0] <= ends[1] else { return nil }
      range = ends[0]...ends[1]
    }
  }
}

/// What `--fast` leaves no choice about.
enum FastOptions {
  /// Throws where one of these flags is given beside it.
  static func check(_ flags: [(name: String, isGiven: Bool)]) throws {
    let given = flags.filter(\.isGiven).map(\.name)
    if given.isEmpty { return }
    throw ValidationError(
      "--fast draws as the student was trained, with its own steps, sampler and guidance: leave out "
        + given.joined(separator: ", "))
  }
}
