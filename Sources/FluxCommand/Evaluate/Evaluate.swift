import ArgumentParser
import Diffusion
import Evaluation
import Flux
import Foundation
import Images
import Scenes
import Support
import Torch
import Training

/// `flux evaluate`: measures prompt following and image quality.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Generates images for a prompt set and scores them (GlyphEval).",
    discussion: """
      --set categories: the six categories of GenEval on the objects of Scenes, four images per prompt; \
      a fifth of the prompts is also paraphrased.
      --set held-out: scenes with combinations of known words that training never used.
      --set autoencoder: reconstructions of such scenes; nothing is generated from prompts.
      The first judge uses pixels and template matching; the second is a detector trained on renders. \
      Neither shares anything with the model. For comparison the report has the scores of renders (the \
      judge's own errors), of reconstructions (the autoencoder's limit) and of images judged against \
      another prompt (chance). See docs/evaluation.md.

      Images of other programs are judged on the same prompts:
        flux evaluate --world medium --write-prompts prompts.json
        flux evaluate --images drawn/ --prompts prompts.json
      """)

  /// The prompt sets.
  enum Prompts: String, ExpressibleByArgument, CaseIterable {
    case categories
    case heldOut = "held-out"
    case autoencoder
  }

  @Option(
    name: [.short, .long], help: "A model directory or the name of a bundled model.", completion: Completions.models)
  var model: FilePath?
  @Option(name: .customLong("set"), help: "Prompt set: categories, held-out or autoencoder.")
  var prompts: Prompts = .categories
  @Option(name: .customLong("world"), help: "World of the prompts: small, medium or full (default: the model's).")
  var askedWorld: World?
  @Option(help: "Version of the scene renderer: 1 or 2 (default: the one the model was trained with).")
  var scenesVersion: RenderingVersion?
  @Option(help: "Images per prompt in --set categories (default: 4).") var seeds: Int?
  @Flag(help: "Use a tenth of the prompts of --set categories.") var quick = false
  @Option(help: "Number of scenes in --set held-out and autoencoder (default: 200).") var count: Int?
  @Option(
    help: "Standard deviation of noise added to normalized latents before decoding (--set autoencoder; default: 0).")
  var latentNoise: Double?
  @Option(help: "Side of the images in pixels (--set autoencoder): decoded larger than the model's size.")
  var size: Int?
  @Option(help: "How they are made larger: decoder or lanczos (--set autoencoder with --size).")
  var upscaler: Upscaler?
  @Option(name: [.short, .long], help: "Seed of prompts and images.") var seed: UInt64 = 1
  @Option(
    help: """
      Seed of the model's training run, for the nearest-neighbor search in its training scenes in --set categories, with \
      its --pairs (default: 1).
      """)
  var trainingSeed: UInt64?
  @OptionGroup var trainingEmphasis: EmphasisOptions
  @Flag(help: "Use the model's few-step student (flux distill), which has fixed steps and guidance.")
  var fast = false
  @Option(
    help: """
      Compute precision: float32, or bfloat16, which takes half the memory and is faster on GPUs and on CPUs with AVX-512 \
      BF16 or AMX (default: float32).
      """)
  var precision: Precision?
  @Option(help: "Number of sampling steps (default: the model's).") var steps: Int?
  @Option(help: "Classifier-free guidance scale (default: the model's).") var cfgScale: Double?
  @Option(help: "CFG rescale φ, 0 to 1 (default: the model's).")
  var cfgRescale: Double?
  @Option(
    name: .customLong("cfg-interval"), help: "Noise levels at which CFG applies, as LOW-HIGH (default: the model's).")
  var interval: Generate.Interval?
  @Option(
    name: .customLong("sampler"), help: "Sampler (default: the model's, or dpmpp_2m).", completion: Completions.samplers
  ) var sampler: String?
  @Option(help: "Directory of a learned judge, from flux train-judge (default: the bundled one).") var judge: FilePath?
  @Flag(help: "Score renders instead of a model: the judge's own errors.") var renders = false
  @OptionGroup(title: "Images of other programs") var others: OtherImagesOptions
  @Option(name: [.short, .long], help: "Folder for scores.json, report.html and contact sheets.")
  var output: FilePath?
  @Option(help: "JSON file to write, with sampling weights per object for flux train --sampling-weights.")
  var writeSamplingWeights: FilePath?
  @Option(help: "Device for the model: cpu, cuda or cuda:N (default: cpu); the judges run on the CPU.")
  var device: String?
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(help: "Print the scores as JSON.") var json = false
  @Flag(name: [.short, .long], help: "No progress output.") var quiet = false

  func validate() throws {
    try CountLimit.check("--count", count, to: CountLimit.images)
    if let seeds, !(1...100).contains(seeds) { throw ValidationError("--seeds \(seeds) must be 1 to 100") }
    try ThreadCount.check(threads)
    try NumberRange.check("--cfg-scale", cfgScale, 0...100)
    try NumberRange.check("--cfg-rescale", cfgRescale, 0...1)
    try NumberRange.check("--latent-noise", latentNoise, 0...100)
    try refuseOptionsWithoutEffect()
    try others.check(otherOptions)
    if fast {
      try FastOptions.check([
        ("--steps", steps != nil), ("--cfg-scale", cfgScale != nil), ("--cfg-rescale", cfgRescale != nil),
        ("--cfg-interval", interval != nil), ("--sampler", sampler != nil),
      ])
    }
  }

  /// Throws if an option was given that the prompt set does not use.
  private func refuseOptionsWithoutEffect() throws(ValidationError) {
    func names(_ flags: [(String, Bool)]) -> String? {
      let given = flags.filter(\.1).map(\.0)
      return given.isEmpty ? nil : given.joined(separator: ", ")
    }
    let sampling = [
      ("--fast", fast), ("--precision", precision != nil), ("--steps", steps != nil), ("--cfg-scale", cfgScale != nil),
      ("--cfg-rescale", cfgRescale != nil), ("--cfg-interval", interval != nil), ("--sampler", sampler != nil),
    ]
    if renders {
      if prompts != .categories { throw ValidationError("--renders needs --set categories") }
      let model = [("--model", model != nil), ("--device", device != nil), ("--seeds", seeds != nil)]
      if let names = names(model + sampling) { throw ValidationError("--renders scores no model: remove \(names)") }
    }
    if prompts != .categories {
      let ofCategories = [
        ("--seeds", seeds != nil), ("--quick", quick), ("--training-seed", trainingSeed != nil),
        ("--pairs", trainingEmphasis.pairs > 0), ("--shape-pairs", trainingEmphasis.shapePairs > 0),
        ("--full-captions", trainingEmphasis.fullCaptions != nil),
        ("--plain-pairs", trainingEmphasis.plainPairs != nil),
        ("--sampling-weights", trainingEmphasis.samplingWeights != nil),
        ("--write-sampling-weights", writeSamplingWeights != nil),
      ]
      if let names = names(ofCategories) {
        throw ValidationError("--set \(prompts.rawValue) has no use for \(names), which --set categories has")
      }
    }
    if prompts == .categories, count != nil { throw ValidationError("--count needs --set held-out or autoencoder") }
    let ofAutoencoder = [
      ("--latent-noise", latentNoise != nil), ("--size", size != nil), ("--upscaler", upscaler != nil),
    ]
    if prompts != .autoencoder, let name = ofAutoencoder.first(where: \.1)?.0 {
      throw ValidationError("\(name) needs --set autoencoder")
    }
    if upscaler != nil, size == nil { throw ValidationError("--upscaler needs --size") }
    if prompts == .autoencoder, let names = names(sampling) {
      throw ValidationError("--set autoencoder generates nothing from prompts: remove \(names)")
    }
  }

  func run() throws {
    if let threads { Libtorch.threads = threads }
    if let file = others.writePrompts { return try writePrompts(to: file) }
    if let list = try others.read() { return try judge(list) }
    let kind: SamplerKind?
    do {
      kind = try sampler.map { try SamplerKind(named: $0) }
    } catch { throw Failure("\(error)", code: 2) }
    try output.map { try OutputFile.checkFolder($0.url) }
    let device = try Device(flag: device ?? "cpu")
    let pipeline = renders ? nil : try pipeline(on: device)
    let size = size ?? pipeline?.model.geometry.imageSize ?? 512
    guard size % 128 == 0 else {
      throw Failure("the judge needs an image size that is a multiple of 128, not \(size) pixels")
    }
    let atlas = try atlas(for: pipeline)
    let learned = try learnedJudge(of: atlas.world)
    if prompts != .autoencoder, let pipeline {
      let request = ModelRunner(pipeline, self, kind).request
      GuidanceAdvice.lines(on: request, along: try pipeline.timeGrid(request)).forEach { say("flux: \($0)") }
    }
    let folder = try output.map(makeFolder)
    switch (prompts, pipeline) {
    case (.autoencoder, let pipeline?): try autoencoder(ModelRunner(pipeline, self, kind), size, atlas, learned, folder)
    case (.heldOut, let pipeline?): try heldOut(ModelRunner(pipeline, self, kind), size, atlas, learned, folder)
    default: try categories(pipeline.map { ModelRunner($0, self, kind) }, size, atlas, learned, folder)
    }
  }

  /// The model; the autoencoder's set needs no more than the directory of an autoencoder.
  private func pipeline(on device: Device) throws -> Pipeline {
    let directory = try Home.model(model, allowsAutoencoder: prompts == .autoencoder)
    guard ModelBundle.isAutoencoder(directory) else {
      return try Pipeline(
        model: directory, textEncoder: Home.textEncoder, fast: fast, precision: precision ?? .float32, device: device)
    }
    let model = try ModelBundle(autoencoder: directory)
    model.move(to: device)
    let prompts = try PromptEncoder(directory: Home.textEncoder, device: device)
    return Pipeline(model: model, prompts: prompts, source: try ModelSource(model: directory))
  }

  /// A pipeline with the settings of the command line.
  struct ModelRunner {
    let pipeline: Pipeline
    let request: GenerationRequest

    init(_ pipeline: Pipeline, _ call: Evaluate, _ kind: SamplerKind?) {
      self.pipeline = pipeline
      let defaults = pipeline.model.sampling ?? .standard
      let asked = GenerationRequest(
        prompt: "", steps: call.steps ?? defaults.steps,
        sampler: kind ?? defaults.sampler ?? .dpmpp_2m,
        guidance: defaults.guidance(
          scale: call.cfgScale, interval: call.interval?.range, rescale: call.cfgRescale))
      request = pipeline.student?.request(asked) ?? asked
    }

    /// Images that are denoised together.
    static let batch = 4

    /// An image for each prompt and seed, after `number` earlier ones.
    func draw(
      _ images: [(prompt: String, seed: UInt64)], _ number: Int, _ progress: StepProgress
    ) throws -> [Image] {
      try stride(from: 0, to: images.count, by: Self.batch).flatMap { start in
        let requests = images[start..<min(start + Self.batch, images.count)].map { prompt, seed in
          var request = request
          (request.prompt, request.seed) = (prompt, seed)
          return request
        }
        return try pipeline.generate(together: requests) { step in
          let shown = number + start..<number + start + requests.count
          progress.show(images: shown, step: step.index, of: step.count)
        }.map(\.image)
      }
    }

    /// Encodes an image of the model's size and decodes it, at `size` if given; the noise added to its latents depends on
    /// `seed` only.
    func reconstruct(_ image: Image, noise: Double = 0, seed: UInt64 = 0, at size: OutputSize? = nil) throws -> Image {
      let pixels = TensorImage.tensor([image]).to(pipeline.device)
      let latents = withInference {
        let clean = pipeline.model.encode(pixels) { .zeros([1]).to(pipeline.device) }  // [1, C, h, w]
        guard noise > 0 else { return clean }
        return clean + Tensor.randn(clean.shape, generator: Generator(seed: seed)).to(pipeline.device) * noise
      }
      return try pipeline.decodeLatents(latents, size: size)[0]
    }
  }

  static let defaultCount = 200  // scenes

  private func categories(
    _ runner: ModelRunner?, _ size: Int, _ atlas: GlyphAtlas, _ learned: LearnedReader?, _ folder: URL?
  ) throws {
    let evaluation = try evaluation(
      seed: seed, seeds: renders ? 1 : seeds ?? 4, quick: quick, size, atlas, learned)
    let progress = StepProgress(images: evaluation.imageCount, quiet: quiet)
    let provider = GlyphEval.ImageProvider(
      draw: { prompt, seeds, number in
        if let runner { return try runner.draw(seeds.map { (prompt.text, $0) }, number, progress) }
        progress.show(image: number, step: 0, of: 1)
        return seeds.map { _ in prompt.scene.render(size: size, atlas: atlas) }
      }, reconstruct: runner.map { runner in { try runner.reconstruct($0) } })
    let settings = EvaluationReport.Settings(
      version: Version.current, model: runner?.pipeline.source.name, modelHash: runner?.pipeline.source.hash,
      seed: seed, seeds: evaluation.seeds, quick: quick, steps: runner?.request.steps,
      sampler: runner?.request.sampler.rawValue, guidance: runner?.request.guidance.scale,
      guidanceRescale: runner?.request.guidance.rescale, guidanceInterval: runner?.request.guidance.interval,
      fast: runner?.pipeline.source.fast, precision: runner.map { $0.pipeline.precision.rawValue },
      learnedJudge: learned?.hash, scenesVersion: atlas.version.rawValue)
    let (report, thumbnails) = try evaluation.run(provider, settings)
    progress.clear()
    try show(report, thumbnails, in: folder)
  }

  /// The evaluation of prompts of a world.
  func evaluation(
    seed: UInt64, seeds: Int, quick: Bool, _ size: Int, _ atlas: GlyphAtlas, _ learned: LearnedReader?,
    neighbors: Int = 4000
  ) throws -> GlyphEval {
    GlyphEval(
      set: PromptSet(world: atlas.world, seed: seed, quick: quick),
      others: PromptSet(world: atlas.world, seed: seed &+ 1, quick: quick), seed: seed, seeds: seeds,
      size: size, atlas: atlas,
      training: TrainingScenes.diffusion(
        seed: trainingSeed ?? 1, world: atlas.world, emphasis: try trainingEmphasis.emphasis(in: atlas.world)),
      learned: learned.map { Judge($0) }, neighbors: neighbors)
  }

  /// Prints a report and writes what was asked for.
  func show(_ report: EvaluationReport, _ thumbnails: [Image], in folder: URL?) throws {
    if let folder {
      try AtomicFile.write(
        Array(report.html(thumbnails).utf8), to: folder.appendingPathComponent("report.html"))
      try write(report.json(), thumbnails, to: folder)
    }
    if let writeSamplingWeights { try AtomicFile.write(report.samplingWeights.json, to: writeSamplingWeights.url) }
    try printLine(json ? try report.json() : report.table)
  }

  /// The sprites of the world and renderer version that the model was trained with; older model directories name
  /// neither, and their models were trained on version 1.
  private func atlas(for pipeline: Pipeline?) throws -> GlyphAtlas {
    let own = pipeline?.bundle?.scenes
    let (ownWorld, ownVersion) = (
      own.flatMap { World(rawValue: $0.world) }, own.flatMap { RenderingVersion(rawValue: $0.version) }
    )
    return try GlyphAtlas(
      world: askedWorld ?? ownWorld ?? .small,
      version: scenesVersion ?? ownVersion ?? (pipeline == nil ? .latest : .v1))
  }

  /// The learned judge of a world; nil if none is bundled for it, which the report mentions.
  func learnedJudge(of world: World) throws -> LearnedReader? {
    guard let judge else {
      let bundled = Home.judge(of: world)
      guard FileManager.default.fileExists(atPath: bundled.path) else { return nil }
      let reader = try LearnedReader(directory: bundled)
      return reader.world == world ? reader : nil
    }
    let reader = try LearnedReader(directory: judge.url)
    guard reader.world == world else {
      throw Failure(
        "--judge \(judge.text) was trained for the world \(reader.world.rawValue), the prompts are of the world "
          + world.rawValue, code: 2)
    }
    return reader
  }

  func makeFolder(_ path: FilePath) throws(Failure) -> URL {
    do {
      try FileManager.default.createDirectory(atPath: path.path, withIntermediateDirectories: true)
    } catch { throw Failure("the folder \(path.text) cannot be created") }
    return path.url
  }

  func write(_ json: String, _ thumbnails: [Image], to folder: URL) throws {
    try AtomicFile.write(Array(json.utf8) + [10], to: folder.appendingPathComponent("scores.json"))
    for (number, start) in stride(from: 0, to: thumbnails.count, by: 40).enumerated() {
      let sheet = ContactSheet.lay(Array(thumbnails[start..<min(start + 40, thumbnails.count)]), columns: 8)
      try AtomicFile.write(PNG.encode(sheet), to: folder.appendingPathComponent("sheet-\(number + 1).png"))
    }
  }
}
