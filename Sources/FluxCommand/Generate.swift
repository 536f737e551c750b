import ArgumentParser
import Diffusion
import Flux
import Foundation
import Images
import RegexBuilder
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
  @Option(help: "A file with a prompt on every line; - is standard input.") var promptFile: FilePath?
  @Option(name: [.short, .long], help: "What to lead away from.") var negativePrompt: String = ""
  @Option(name: [.short, .long], help: "A model directory, or the name of a shipped model.") var model: FilePath?
  @Option(
    name: [.short, .long],
    help: """
      PNG, JPEG or WebP to write; with several pictures a folder, a name with %d in it, or a name that gets -1, -2, …; - \
      is standard output.
      """)
  var output = FilePath("output.png")
  @Option(help: "Format in a folder or on standard output: png, jpg or webp (default: png).") var format: ImageFile?
  @Option(help: "Quality of JPEG and WebP, 1 to 100 (default: 95).") var quality: Int?
  @Flag(help: "Draw nothing where a file would be overwritten.") var noOverwrite = false
  @Option(help: "Also all pictures as one contact sheet, four times smaller, in this PNG.") var grid: FilePath?

  @Flag(help: "Draw with the model's few-step student (flux distil), whose steps and guidance are fixed.")
  var fast = false
  @Option(help: "A LoRA of the U-Net as diffusers stores them; may be given several times.") var lora: [FilePath] = []
  @Option(help: "How much of each LoRA is added, in their order (default: 1).") var loraScale: [Double] = []

  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: "Picture k of a batch uses seed + k; a negative one stands for a random one, which is printed.")
  var seed: Seed = Seed(value: 42)
  @Option(
    name: [.short, .customLong("batch-count"), .customLong("image-count"), .customLong("num-samples")],
    help: "Pictures per prompt.")
  var batchCount: Int = 1
  @Option(
    help: """
      Images of a prompt that are denoised together, which is faster; 1 gives each the very bits that it has alone \
      (default: 4, or 1 above the model's own size).
      """)
  var batchSize: Int?
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
    help: "Leave out the text in the file that says how the picture was made.")
  var withoutMetadata = false
  @Flag(name: [.short, .long], help: "No progress.") var quiet = false

  func validate() throws {
    let given = [text, prompt, promptFile?.text].compactMap { $0 }.count
    if given == 0 { throw ValidationError("there is no prompt: flux generate \"a red apple\"") }
    if given > 1 {
      throw ValidationError(
        "the prompt is given \(given) times: as an argument, with --prompt or with --prompt-file")
    }
    if !(1...10_000).contains(batchCount) {
      throw ValidationError("--batch-count \(batchCount) must be 1 to 10000")
    }
    if let batchSize, !(1...256).contains(batchSize) {
      throw ValidationError("--batch-size \(batchSize) must be 1 to 256")
    }
    try ThreadCount.check(threads)
    if let quality, !(1...100).contains(quality) { throw ValidationError("--quality \(quality) must be 1 to 100") }
    if let guidanceScale, !(0...100).contains(guidanceScale) {
      throw ValidationError("--cfg-scale \(guidanceScale) must be 0 to 100")
    }
    if let guidanceRescale, !(0...1).contains(guidanceRescale) {
      throw ValidationError("--cfg-rescale \(guidanceRescale) must be 0 to 1")
    }
    if let eta, !(0...1).contains(eta) { throw ValidationError("--eta \(eta) must be 0 to 1") }
    if !loraScale.isEmpty, loraScale.count != lora.count {
      throw ValidationError(
        "--lora-scale is given \(loraScale.count) times, --lora \(lora.count) times: give one for each")
    }
    if let scale = loraScale.first(where: { !(-100...100).contains($0) }) {
      throw ValidationError("--lora-scale \(scale) must be -100 to 100")
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
    var request = try request()
    let prompts = try Prompts.read(argument: text ?? prompt, file: promptFile)
    let targets = try OutputNames(output, count: prompts.count * batchCount, format: format)
    if quality != nil, targets.format == .png { say("flux: --quality has no effect on PNG, which loses nothing") }
    try targets.check(
      seeds: prompts.flatMap { _ in request.batch(batchCount).map(\.seed) }, grid: grid,
      inputs: lora + [promptFile].compactMap { $0 }, overwriting: !noOverwrite)
    if let threads { Libtorch.threads = threads }

    let pipeline = try Pipeline(
      model: Home.model(model), textEncoder: Home.textEncoder, fast: fast,
      loras: lora.enumerated().map { ($1.url, loraScale.isEmpty ? 1 : loraScale[$0]) }, device: device
    )
    request = pipeline.student?.request(request) ?? request
    let grid = try pipeline.timeGrid(request)
    let requests = prompts.map { prompt in
      var one = request
      one.prompt = prompt
      return one
    }
    advise(on: request, along: grid, prompts, pipeline)
    for prompt in prompts where !withoutMetadata { try checkLength(of: prompt + negativePrompt, for: targets.format) }
    try targets.makeFolder()
    try draw(requests, pipeline, to: targets)
  }

  private func draw(_ requests: [GenerationRequest], _ pipeline: Pipeline, to targets: OutputNames) throws {
    let progress = StepProgress(images: targets.count, quiet: quiet)
    var drawn: [Image] = []
    var index = 0
    let side = pipeline.model.configuration.imageSize
    let isLarge = (width ?? side) * (height ?? side) > side * side
    let batchSize = batchSize ?? (isLarge ? 1 : 4)
    for request in requests {  // one a prompt
      let text = try pipeline.encodeText(request.prompt, negative: request.negativePrompt)
      for start in stride(from: 0, to: batchCount, by: batchSize) {
        let count = min(batchSize, batchCount - start)
        var batch = request
        batch.seed = request.seed &+ UInt64(start)
        let pictures = try pipeline.generate(batch, count: count, text: text) { step in
          progress.show(images: index..<index + count, step: step.index, of: step.count, seed: batch.seed)
        }
        progress.clear()
        for picture in pictures {
          try save(picture, index, to: targets)
          if grid != nil { drawn.append(picture.image) }
          index += 1
        }
      }
    }
    if let grid {
      try write(PNG.encode(ContactSheet.thumbnails(drawn)), to: grid.url)
      if !targets.isStandardOutput { try printLine(grid.url.relativePath) }
    }
  }

  private func save(_ picture: Picture, _ index: Int, to targets: OutputNames) throws {
    let bytes = try picture.encoded(as: targets.format, metadata: !withoutMetadata, quality: quality ?? 95)
    guard let target = targets.url(index, seed: picture.request.seed) else { return try writeOutput(bytes) }
    try write(bytes, to: target)
    try printLine(target.relativePath)
  }

  private func write(_ bytes: [UInt8], to url: URL) throws {
    guard noOverwrite else { return try AtomicFile.write(bytes, to: url) }
    guard try AtomicFile.create(bytes, at: url) else {
      throw Failure("\(url.relativePath) exists by now, and --no-overwrite was given")
    }
  }

  /// The request without its prompt; names are looked up here.
  private func request() throws -> GenerationRequest {
    do {
      let named = try sampler.map { try SamplerKind.read($0) } ?? (.dpmpp_2m, nil)
      let isAutomatic = scheduler?.lowercased() == "automatic"  // the web UI's word for the sampler's own
      let asked = try isAutomatic ? nil : scheduler.map { try Spacing(named: $0) }
      if let spacing = named.spacing, let asked, spacing != asked {
        throw Failure(
          "the sampler \"\(sampler ?? "")\" and --scheduler \(asked.rawValue) do not agree: leave one of them out",
          code: 2)
      }
      return GenerationRequest(
        prompt: "", negativePrompt: negativePrompt, seed: seed.value, steps: steps ?? 20, sampler: named.kind,
        spacing: asked ?? named.spacing, eta: eta ?? 0,
        guidance: Guidance(
          scale: guidanceScale ?? 3, interval: guidanceInterval?.range, rescale: guidanceRescale ?? 0),
        width: width, height: height)
    } catch let error as SamplingError { throw Failure(error.description, code: 2) }
  }

  /// Says what of the call has no effect, and what of the prompts is not read as it may be meant.
  private func advise(
    on request: GenerationRequest, along grid: TimeGrid, _ prompts: [String], _ pipeline: Pipeline
  ) {
    if seed.isRandom, !quiet { say("seed \(request.seed)") }
    let effective = request.effective(along: grid)
    if effective.eta != request.eta {
      say("flux: --eta has no effect with the sampler \(request.sampler.rawValue): only ddim adds noise by it")
    }
    if effective.guidance != request.guidance {
      let lost = [
        ("--negative-prompt", !request.negativePrompt.isEmpty), ("--cfg-rescale", request.guidance.rescale != 0),
        ("--cfg-interval", request.guidance.interval != nil), ("--cfg-scale", request.guidance.scale != 1),
      ].filter(\.1).map(\.0)
      say("flux: no step is guided, so these have no effect: \(lost.joined(separator: ", "))")
    } else if effective.negativePrompt != request.negativePrompt {
      say("flux: --negative-prompt has no effect at --cfg-scale 1, which is no guidance")
    }
    if request.guidance.scale == 0 {
      say("flux: --cfg-scale 0 follows the negative prompt alone: the prompt has no effect")
    }
    for (file, scale) in zip(lora, loraScale) where scale == 0 {
      say("flux: --lora-scale 0: \(file.text) has no effect")
    }
    if !request.negativePrompt.isEmpty {
      PromptAdvice.lines(on: request.negativePrompt, "negative prompt", for: pipeline).forEach { say("flux: \($0)") }
    }
    for prompt in prompts {
      PromptAdvice.lines(on: prompt, "prompt", for: pipeline).forEach { say("flux: \($0)") }
    }
  }

  private func checkLength(of texts: String, for format: ImageFile) throws(Failure) {
    let others = 1000 + 300 * lora.count  // the text has further fields
    guard let longest = format.longestParameters, texts.utf16.count > longest - others else { return }
    throw Failure(
      "the prompt is too long for what a \(format.rawValue) can say of how it was made: write PNG or WebP, or give"
        + " --disable-image-metadata", code: 2)
  }

  /// A seed: any number that 64 bits hold, or a random one for a negative number.
  struct Seed: ExpressibleByArgument {
    let value: UInt64
    let isRandom: Bool
    var defaultValueDescription: String { "\(value)" }

    init(value: UInt64, isRandom: Bool = false) {
      self.value = value
      self.isRandom = isRandom
    }

    init?(argument: String) {
      if let value = UInt64(argument) {
        self.init(value: value)
      } else if let negative = Int64(argument), negative < 0 {
        self.init(value: .random(in: 0...UInt64(UInt32.max)), isRandom: true)
      } else {
        return nil
      }
    }
  }

  /// `0.2-5`: a range of noise levels, both plain numbers from 0 up.
  struct Interval: ExpressibleByArgument {
    let range: ClosedRange<Double>

    init?(argument: String) {
      // The dash between the numbers is not that of an exponent (1e-1-5).
      let number = /[0-9]+\.?[0-9]*(?:[eE][+\-]?[0-9]+)?|\.[0-9]+(?:[eE][+\-]?[0-9]+)?/
      let form = Regex {
        Capture(number)
        "-"
        Capture(number)
      }
      guard let match = argument.wholeMatch(of: form), let low = Double(match.1), let high = Double(match.2),
        low <= high, high.isFinite
      else { return nil }
      range = low...high
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
