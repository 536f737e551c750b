import ArgumentParser
import Diffusion
import Flux
import Foundation
import Images
import Support
import Torch

/// `flux generate`: generates images from prompts.
struct Generate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generates images from text prompts.",
    discussion: """
      EXAMPLES
        flux generate "a red apple on a blue background" -o apple.png
        flux generate "a cat to the left of a tree" -s 7 -b 4 -o cats.png
        flux generate --prompt-file prompts.txt -o images/
        flux generate --fast "a red apple" -o apple.png
        flux generate "a green apple" -i apple.png --strength 0.6 -o green.png
        flux generate "a cat" -i photo.png --mask hole.png -o cat.png
        flux generate --replay apple.png --steps 50 -o finer.png
        flux generate --resume apple.part.safetensors
        flux generate "a red apple" --seeds 1-4 --grid-y steps=5,10,20 --grid plot.png -o plot/
        flux generate "a {red|blue} (apple:1.3)" --prompt-syntax weighted -b 4 -o apples/
      """)

  @Argument(help: "The prompt.") var text: String?
  @Option(name: [.short, .customLong("prompt")], help: "The prompt; same as the argument.") var prompt: String?
  @Option(help: "File with one prompt per line; - is standard input.") var promptFile: FilePath?
  @Option(name: [.short, .long], help: "The negative prompt.") var negativePrompt: String = ""
  @Option(
    name: [.short, .long], help: "A model directory, a .safetensors file, or the name of an installed model.",
    completion: Completions.models)
  var model: FilePath?
  @Option(
    name: [.short, .long],
    help: """
      PNG, JPEG or WebP file to write. For several images: a folder, a name with %d in it, or a name to which -1, -2, … \
      is added. - is standard output (default: output.png).
      """)
  var output: FilePath?
  @Option(help: "File format in a folder or on standard output: png, jpg or webp (default: png).")
  var format: ImageFile?
  @Option(help: "JPEG or WebP quality, 1 to 100 (default: 95).") var quality: Int?
  @Flag(help: "Refuse to overwrite existing files.") var noOverwrite = false
  @Flag(help: "Draw only images whose files do not exist yet: the same command continues an interrupted series.")
  var skipExisting = false
  @Option(
    help:
      "PNG file for a contact sheet of all images at a quarter of their size; that of a series is larger and has labels."
  )
  var grid: FilePath?

  @Flag(help: "Use the model's few-step student (flux distill), which has fixed steps and guidance.")
  var fast = false
  @OptionGroup var loras: LoRAOptions
  @Option(
    help: """
      Compute precision: float32, or bfloat16, which takes half the memory and is faster on GPUs and on CPUs with \
      AVX-512 BF16 or AMX (default: float32, or with --replay that of the image).
      """)
  var precision: Precision?
  @OptionGroup(title: "Models of Stable Diffusion") var family: FamilyOptions
  @OptionGroup(title: "Drawing from an image") var images: ImageOptions
  @OptionGroup(title: "Variations") var variations: VariationOptions
  @OptionGroup var replay: ReplayOptions
  @OptionGroup(title: "Series and grids") var series: SeriesOptions
  @OptionGroup(title: "Prompt syntax") var prompting: PromptOptions
  @OptionGroup(title: "Interruptions") var state: StateOptions
  @OptionGroup(title: "Reports") var report: ReportOptions
  @OptionGroup(title: "Showing images") var previewing: PreviewOptions

  @Option(
    name: [.short, .long], parsing: .unconditional,
    help: "Seed; image k of a batch uses seed + k. A negative number selects a random seed, which is printed.")
  var seed: Seed = Seed(value: 42)
  @Option(
    name: [.short, .customLong("batch-count"), .customLong("image-count"), .customLong("num-samples")],
    help: "Number of images per prompt.")
  var batchCount: Int = 1
  @Option(
    help: """
      Images that are denoised together. More is faster; images may differ from those of 1 in the last bits \
      (default: 4, or 1 with --large-latents).
      """)
  var batchSize: Int?
  @Option(
    name: [.customLong("steps"), .customLong("num-inference-steps"), .customLong("step-count")],
    help: "Number of sampling steps (default: the model's).")
  var steps: Int?
  @Option(name: [.customShort("W"), .long], help: "Width in pixels (default: the model's).") var width: Int?
  @Option(name: [.customShort("H"), .long], help: "Height in pixels (default: the model's).") var height: Int?
  @Option(
    help:
      "Width and height in pixels. Above the model's size an image is denoised at the model's size and rendered larger."
  )
  var size: Int?
  @Option(
    help: """
      How an image above the model's size is rendered: decoder (its edges are sharp at every size) or lanczos (default: \
      decoder where the model has a palette decoder).
      """)
  var upscaler: Upscaler?
  @Flag(help: "Denoise an image above the model's size at its full size; objects repeat there.")
  var largeLatents = false
  @Option(
    name: [
      .customLong("cfg-scale"), .customLong("guidance-scale"), .customLong("cfg"), .customLong("guidance"),
    ], help: "Classifier-free guidance scale; 1 disables guidance (default: the model's).")
  var guidanceScale: Double?
  @Option(
    name: .customLong("cfg-rescale"),
    help: "CFG rescale φ, 0 to 1 (default: the model's).")
  var guidanceRescale: Double?
  @Option(
    name: .customLong("cfg-interval"),
    help: "Noise levels σ at which CFG applies, as LOW-HIGH (default: the model's).")
  var guidanceInterval: Interval?
  @Option(
    name: [.customLong("sampler"), .customLong("sampling-method")],
    help: ArgumentHelp(
      "Sampler: \(SamplerKind.allCases.map(\.rawValue).joined(separator: ", ")) (default: \(SamplerKind.dpmpp_2m))."),
    completion: Completions.samplers)
  var sampler: String?
  @Option(
    name: [.customLong("scheduler"), .customLong("schedule")],
    help: ArgumentHelp(
      "Timestep spacing: \(Spacing.allCases.map(\.rawValue).joined(separator: ", ")) (default: the sampler's)."
    ), completion: Completions.spacings)
  var scheduler: String?
  @Option(help: "η of DDIM, 0 to 1 (default: 0).") var eta: Double?

  @Option(help: "Device: cpu, cuda or cuda:N.", completion: Completions.devices) var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: all cores, or with --replay those of the image).")
  var threads: Int?
  @Flag(
    name: .customLong("disable-image-metadata"),
    help: "Do not embed generation parameters in the image file.")
  var withoutMetadata = false
  @Flag(name: [.short, .long], help: "No progress output.") var quiet = false

  /// The file without `--output`.
  static let defaultOutput = FilePath("output.png")
  /// The most images that are denoised together.
  static let largestBatch = 256

  func validate() throws {
    let given = [text, prompt, promptFile?.text].compactMap { $0 }.count
    if given == 0, replay.replay == nil, state.resume == nil {
      throw ValidationError("there is no prompt: flux generate \"a red apple\"")
    }
    if given > 1 {
      throw ValidationError(
        "the prompt is given \(given) times: as an argument, with --prompt or with --prompt-file")
    }
    try series.check(batchCount: batchCount)
    if !(1...10_000).contains(batchCount) {
      throw ValidationError("--batch-count \(batchCount) must be 1 to 10000")
    }
    if let batchSize, !(1...Self.largestBatch).contains(batchSize) {
      throw ValidationError("--batch-size \(batchSize) must be 1 to \(Self.largestBatch)")
    }
    try ThreadCount.check(threads)
    if report.json, output?.text == "-" {
      throw ValidationError("--json and -o - both write to standard output: choose a file for the image")
    }
    if skipExisting, noOverwrite {
      throw ValidationError("--skip-existing never overwrites: remove --no-overwrite")
    }
    if size != nil, width != nil || height != nil {
      throw ValidationError("--size sets width and height: remove \(width != nil ? "--width" : "--height")")
    }
    if replay.replay == nil, state.resume == nil { try images.check() }
    try images.checkSize(width: size ?? width, height: size ?? height, largeLatents: largeLatents)
    if largeLatents, upscaler != nil {
      throw ValidationError("--large-latents enlarges nothing: remove --upscaler")
    }
    if let quality, !(1...100).contains(quality) { throw ValidationError("--quality \(quality) must be 1 to 100") }
    try NumberRange.check("--cfg-scale", guidanceScale, 0...100)
    try NumberRange.check("--cfg-rescale", guidanceRescale, 0...1)
    try NumberRange.check("--eta", eta, 0...1)
    try previewing.check(
      output: output,
      [
        ("--format", format != nil), ("--quality", quality != nil), ("--skip-existing", skipExisting),
        ("--no-overwrite", noOverwrite && grid == nil), ("--disable-image-metadata", withoutMetadata),
      ])
    if fast { try checkFastOptions() }
  }

  private func checkFastOptions(of replayed: Replay? = nil) throws {
    let who = fast ? nil : replayed.map { "\($0.file.text) was drawn with --fast, which" }
    try FastOptions.check(
      who: who ?? "--fast",
      [
        ("--steps", steps != nil), ("--cfg-scale", guidanceScale != nil), ("--cfg-rescale", guidanceRescale != nil),
        ("--cfg-interval", guidanceInterval != nil), ("--sampler", sampler != nil), ("--scheduler", scheduler != nil),
        ("--eta", eta != nil), ("--negative-prompt", !negativePrompt.isEmpty), ("--lora", !loras.lora.isEmpty),
      ])
  }

  func run() throws {
    guard let file = state.resume else { return try draw(goingOnWith: nil) }
    try state.check(prompt: text)
    var given = self
    given.model = try model.map { FilePath(try Home.model($0).absoluteURL.path) }  // before the folder changes
    try Resumption(file).run(given)
  }

  /// Draws the images of the call, or those that an interruption of it left.
  func draw(goingOnWith resumption: Resumption?) throws {
    // Check the whole request before any work starts.
    let device = try Device(flag: device)
    _ = try previewing.graphicsOfShow()
    let replayed = try replay.read()
    var request = try request(over: replayed?.request)
    if let (variation, isRandom) = variations.variation() {
      request.variation = variation
      if isRandom, !quiet { say("variation seed \(variation.seed)") }
    }
    let edit = try edit(over: replayed)
    request.edit = edit?.edit
    let isFast = fast || replayed?.isFast == true
    if isFast { try checkFastOptions(of: replayed) }
    let ownPrompt = promptFile == nil ? replayed?.request.prompt : nil
    let prompts =
      try resumption?.call.prompts ?? Prompts.read(argument: text ?? prompt ?? ownPrompt, file: promptFile)
    let call = InterruptedCall(try Arguments.text(), prompts: prompts, request: request)
    let batch = try series.batch(of: request, count: batchCount)
    let plan = try Series(batch, prompts: prompts, series, prompting)
    let file = previewing.show ? output : output ?? Self.defaultOutput
    let targets = try OutputNames(file, count: plan.requests.count, format: format)
    if quality != nil, targets.format == .png { say("flux: --quality has no effect on PNG, which is lossless") }
    try targets.check(
      seeds: plan.requests.map(\.seed), grid: grid,
      inputs: loras.files + (edit?.files ?? []) + [promptFile, replay.replay].compactMap { $0 },
      overwriting: !noOverwrite, preview: previewing.file, from: resumption?.call.first)
    let (directory, weights) = try weights(of: replayed)
    if let threads = threads ?? replayed?.threads { Libtorch.threads = threads }
    if PixelModel.isStored(in: directory) {
      return try drawInPixelSpace(directory, request, prompts, to: targets, on: device)
    }
    let (tags, untagged) = try prompting.takeLoRAs(from: plan)
    var options = try replayed?.options(under: family, for: directory) ?? family.options
    options.previewDecoder = previewing.previewDecoder?.url
    let precision = precision ?? replayed?.precision ?? .float32
    if report.dryRun {
      return try report.printForecast(
        untagged.requests, model: directory, options, precision, isFast: isFast, device: device, batch: batchSize ?? 4)
    }
    if edit == nil {  // whose images would be resized twice
      let sizes = try Pipeline.sizes(ofModel: directory, options: options)
      for request in untagged.requests { try sizes.timeGrid(request) }
    }
    let pipeline = try Pipeline(
      model: directory, textEncoder: Home.textEncoder, fast: isFast, loras: weights + tags, options: options,
      precision: precision, residency: .needed, device: device)
    let drawing = untagged.map { pipeline.student?.request($0) ?? $0 }
    request = drawing.requests[0]
    let (grid, size) = (try pipeline.timeGrid(request), try pipeline.outputSize(request))
    if series.isLabeled { for request in drawing.requests { try pipeline.timeGrid(request) } }
    let texts = drawing.prompts
    advise(on: request, along: grid, at: size, texts, pipeline)
    for prompt in texts where !withoutMetadata { try checkLength(of: prompt + negativePrompt, for: targets.format) }
    try targets.makeFolder()
    try draw(drawing, pipeline, to: targets, call, goingOnWith: resumption)
  }

  /// What the image is made from, which an image that is drawn again names if no option does.
  private func edit(over replayed: Replay?) throws -> ImageOptions.ReadEdit? {
    let edit = try images.edit(over: replayed)
    try images.checkSize(
      width: size ?? width, height: size ?? height, largeLatents: largeLatents, over: replayed?.request.edit)
    edit?.warnings.forEach { say("flux: \($0)") }
    if !quiet { edit?.notes.forEach { say($0) } }
    return edit
  }

  /// The model and the LoRAs, which an image that is drawn again names if no option does.
  private func weights(of replayed: Replay?) throws -> (model: URL, loras: [(file: URL, scale: Double)]) {
    let given: [(file: URL, scale: Double)] = loras.scaled.map { ($0.file.url, $0.scale) }
    guard let replayed else { return (try Home.model(model), given) }
    let (directory, notes) = model == nil ? try replayed.model() : (try Home.model(model), [])
    for note in replayed.notes + notes { say("flux: \(note)") }
    if let skip = replayed.metadata[field: "Clip skip"], !StableDiffusionFiles.isStored(at: directory) {
      say("flux: Clip skip: \(skip) of \(replayed.file.text) is for models of Stable Diffusion: it has no effect")
    }
    if !given.isEmpty { return (directory, given) }
    return (directory, try replayed.loraFiles().map { ($0.file.url, $0.scale) })
  }

  /// The request without its prompt: the options over those of an image; resolves sampler and scheduler names.
  private func request(over replayed: GenerationRequest?) throws -> GenerationRequest {
    do {
      let base = replayed ?? GenerationRequest(prompt: "")
      // A model that is not there is reported when it is read.
      let defaults =
        replayed.map { SamplingDefaults(steps: $0.steps, guidance: $0.guidance, sampler: $0.sampler) }
        ?? (try? SamplingDefaults(of: Home.model(model), prediction: family.prediction)) ?? .standard
      let given = replayed == nil ? [] : Arguments.options(in: try Arguments.text())
      let named =
        try sampler.map { try SamplerKind.read($0) } ?? (kind: defaults.sampler ?? base.sampler, spacing: base.spacing)
      let isAutomatic = scheduler?.lowercased() == "automatic"  // AUTOMATIC1111's name for the sampler's default
      let asked = try isAutomatic ? nil : scheduler.map { try Spacing(named: $0) }
      if sampler != nil, let spacing = named.spacing, let asked, spacing != asked {
        throw Failure(
          "the sampler \"\(sampler ?? "")\" and --scheduler \(asked.rawValue) contradict each other: remove one",
          code: 2)
      }
      let isSeedReplayed = replayed != nil && !given.contains("--seed")
      let isNegativeReplayed = replayed != nil && !given.contains("--negative-prompt")
      return GenerationRequest(
        prompt: "", negativePrompt: isNegativeReplayed ? base.negativePrompt : negativePrompt,
        seed: isSeedReplayed ? base.seed : seed.value, steps: steps ?? defaults.steps, sampler: named.kind,
        spacing: isAutomatic ? nil : asked ?? named.spacing, eta: eta ?? base.eta,
        guidance: defaults.guidance(
          scale: guidanceScale, interval: guidanceInterval?.range, rescale: guidanceRescale),
        width: size ?? width ?? base.width, height: size ?? height ?? base.height,
        upscaler: upscaler ?? base.upscaler, largeLatents: largeLatents || base.largeLatents,
        variation: base.variation, edit: base.edit,
        promptSyntax: replayed == nil || given.contains("--prompt-syntax") ? prompting.promptSyntax : base.promptSyntax)
    } catch let error as SamplingError { throw Failure(error.description, code: 2) }
  }

  /// Warns about options without effect and about prompts that may not be read as intended.
  private func advise(
    on request: GenerationRequest, along grid: TimeGrid, at size: OutputSize, _ prompts: [String], _ pipeline: Pipeline
  ) {
    if seed.isRandom, !quiet { say("seed \(request.seed)") }
    if pipeline.precision == .bfloat16, pipeline.device == .cpu, !Precision.cpuComputesInBFloat16 {
      say("flux: --precision bfloat16 saves memory, but is slower here: this processor has no AVX-512 BF16 and no AMX")
    }
    let effective = request.effective(along: grid, at: size)
    if effective.eta != request.eta {
      say("flux: --eta has no effect with the sampler \(request.sampler.rawValue): only ddim adds noise by it")
    }
    if let edit = request.edit, let start = try? grid.start(strength: edit.strength),
      let line = ImageOptions.advice(edit, steps: grid.count, start: start)
    {
      say("flux: \(line)")
    }
    let given = Arguments.options(in: (try? Arguments.text()) ?? [])
    GuidanceAdvice.lines(on: request, along: grid, given: given).forEach { say("flux: \($0)") }
    if !size.isLarge {
      for (name, isGiven) in [("--upscaler", upscaler != nil), ("--large-latents", largeLatents)] where isGiven {
        let own = pipeline.model.geometry.imageSize
        say("flux: \(name) has no effect: the image is not larger than the model's \(own) pixels")
      }
    }
    for (file, scale) in loras.scaled where scale == 0 {
      say("flux: --lora-scale 0: \(file.text) has no effect")
    }
    if !request.negativePrompt.isEmpty {
      PromptAdvice.lines(on: request.negativePrompt, "negative prompt", request.promptSyntax, for: pipeline)
        .forEach { say("flux: \($0)") }
    }
    for prompt in prompts {
      PromptAdvice.lines(on: prompt, "prompt", request.promptSyntax, for: pipeline).forEach { say("flux: \($0)") }
    }
  }

  func checkLength(of texts: String, for format: ImageFile) throws(Failure) {
    let others = 1000 + 300 * loras.lora.count  // for the other fields of the text
    guard let longest = format.longestParameters, texts.utf16.count > longest - others else { return }
    throw Failure(
      "the prompt is too long for the metadata of a \(format.rawValue) file: write PNG or WebP, or use"
        + " --disable-image-metadata", code: 2)
  }
}

/// The options that `--fast` fixes.
enum FastOptions {
  /// Throws if one of these options is given together with `--fast`.
  static func check(who: String = "--fast", _ flags: [(name: String, isGiven: Bool)]) throws {
    let given = flags.filter(\.isGiven).map(\.name)
    if given.isEmpty { return }
    throw ValidationError(
      "\(who) uses the steps, sampler and guidance that the student was trained with: remove "
        + given.joined(separator: ", "))
  }
}

extension Upscaler: ExpressibleByArgument {}
