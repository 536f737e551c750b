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

/// `flux evaluate`: how well pictures follow prompts, in numbers.
struct Evaluate: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Draws prompts and judges the pictures: GlyphEval.",
    discussion: """
      --set categories: the six categories of GenEval on the objects of Scenes, four pictures a prompt, \
      and a fifth of the prompts in other words.
      --set held-out: scenes with a combination of known words that training never saw.
      --set autoencoder: what encoding and decoding leave of such scenes; nothing is drawn from prompts.
      The judge compares pixels with known colours and parts of the picture with drawn templates; it \
      shares nothing with the model. A second judge, trained on renders, tells how far the first is to be \
      trusted. Beside the model's scores stand what real renders score (the judge's own errors), what \
      encoding and decoding them leaves (the autoencoder's), and what pictures score against another \
      prompt (chance). docs/evaluation.md says more.
      """)

  /// Which prompts are drawn.
  enum Prompts: String, ExpressibleByArgument, CaseIterable {
    case categories
    case heldOut = "held-out"
    case autoencoder
  }

  @Option(name: [.short, .long], help: "A model directory, or the name of a shipped model.") var model: FilePath?
  @Option(name: .customLong("set"), help: "categories, held-out or autoencoder.") var prompts: Prompts = .categories
  @Option(name: .customLong("world"), help: "The world that the model knows: small, medium or full (default: its own).")
  var askedWorld: World?
  @Option(help: "How scenes are drawn: 1 or 2 (default: as the model learned them).")
  var scenesVersion: RenderingVersion?
  @Option(help: "Pictures of each prompt of the categories.") var seeds: Int = 4
  @Flag(help: "A tenth of the categories' prompts.") var quick = false
  @Option(help: "Scenes of --set held-out and autoencoder.") var count: Int = 200
  @Option(help: "Deviation of noise added to the normalized latents of --set autoencoder before decoding.")
  var latentNoise: Double = 0
  @Option(name: [.short, .long], help: "Seed of the prompts and of the pictures.") var seed: UInt64 = 1
  @Option(
    help: "Seed of the run that trained the model, whose scenes are searched for near neighbours (with its --pairs).")
  var trainingSeed: UInt64 = 1
  @OptionGroup var trainingEmphasis: EmphasisOptions
  @Flag(help: "Draw with the model's few-step student (flux distil), whose steps and guidance are fixed.")
  var fast = false
  @Option(help: "Denoising steps (default: 20).") var steps: Int?
  @Option(help: "Guidance scale (default: 3).") var cfgScale: Double?
  @Option(help: "How much of the contrast that guidance adds is taken back, 0 to 1 (default: 0).")
  var cfgRescale: Double?
  @Option(name: .customLong("sampler"), help: "The sampler (default: dpmpp_2m).") var sampler: String?
  @Option(help: "A learnt judge, as flux train-judge makes them (default: the shipped one).") var judge: FilePath?
  @Flag(help: "Judge renders of the categories instead of a model: the judge's own errors.") var renders = false
  @Option(name: [.short, .long], help: "A folder for scores.json, report.html and contact sheets.")
  var output: FilePath?
  @Option(help: "A file for how much the model needs to see each object: for flux train --need.")
  var writeNeed: FilePath?
  @Option(help: "Where to draw: cpu, cuda or cuda:N; the judges stay on the CPU.") var device: String = "cpu"
  @Option(name: [.short, .long], help: "CPU threads (default: all cores).") var threads: Int?
  @Flag(help: "Print the scores as JSON.") var json = false
  @Flag(name: [.short, .long], help: "No progress.") var quiet = false

  func validate() throws {
    if count < 1 { throw ValidationError("--count \(count) must be at least 1") }
    if !(1...100).contains(seeds) { throw ValidationError("--seeds \(seeds) must be 1 to 100") }
    try ThreadCount.check(threads)
    if let cfgScale, !(0...100).contains(cfgScale) {
      throw ValidationError("--cfg-scale \(cfgScale) must be 0 to 100")
    }
    if let cfgRescale, !(0...1).contains(cfgRescale) {
      throw ValidationError("--cfg-rescale \(cfgRescale) must be 0 to 1")
    }
    if !(0...100).contains(latentNoise) { throw ValidationError("--latent-noise \(latentNoise) must be 0 to 100") }
    if latentNoise > 0, prompts != .autoencoder { throw ValidationError("--latent-noise is for --set autoencoder") }
    if renders, model != nil { throw ValidationError("--renders judges no model: leave out --model") }
    if renders, prompts != .categories { throw ValidationError("--renders is about the categories") }
    if writeNeed != nil, prompts != .categories { throw ValidationError("--write-need is about the categories") }
    if renders, fast { throw ValidationError("--renders judges no model: leave out --fast") }
    if fast {
      try FastOptions.check([
        ("--steps", steps != nil), ("--cfg-scale", cfgScale != nil), ("--cfg-rescale", cfgRescale != nil),
        ("--sampler", sampler != nil),
      ])
    }
  }

  func run() throws {
    if let threads { Libtorch.threads = threads }
    let kind: SamplerKind
    do {
      kind = try sampler.map { try SamplerKind(named: $0) } ?? .dpmpp_2m
    } catch { throw Failure("\(error)", code: 2) }
    try output.map { try OutputFile.checkFolder($0.url) }
    let device = try Device(flag: device)
    let pipeline =
      renders ? nil : try Pipeline(model: Home.model(model), textEncoder: Home.textEncoder, fast: fast, device: device)
    let size = pipeline?.model.configuration.imageSize ?? 512
    guard size % 128 == 0 else {
      throw Failure("the judge reads pictures of a multiple of 128 pixels; this model draws \(size)")
    }
    let atlas = try atlas(for: pipeline)
    let learnt = try learntJudge(of: atlas.world)
    let folder = try output.map(makeFolder)
    switch (prompts, pipeline) {
    case (.autoencoder, let pipeline?): try copies(Painter(pipeline, self, kind), size, atlas, learnt, folder)
    case (.heldOut, let pipeline?): try heldOut(Painter(pipeline, self, kind), size, atlas, learnt, folder)
    default: try categories(pipeline.map { Painter($0, self, kind) }, size, atlas, learnt, folder)
    }
  }

  /// A model with the settings of the call.
  private struct Painter {
    let pipeline: Pipeline
    let request: GenerationRequest

    init(_ pipeline: Pipeline, _ call: Evaluate, _ kind: SamplerKind) {
      self.pipeline = pipeline
      let asked = GenerationRequest(
        prompt: "", steps: call.steps ?? 20, sampler: kind,
        guidance: Guidance(scale: call.cfgScale ?? 3, rescale: call.cfgRescale ?? 0))
      request = pipeline.student?.request(asked) ?? asked
    }

    func draw(_ prompt: String, _ seed: UInt64, _ number: Int, _ progress: StepProgress) throws -> Image {
      var request = request
      (request.prompt, request.seed) = (prompt, seed)
      return try pipeline.generate(request) { progress.show(image: number, step: $0.index, of: $0.count) }.image
    }

    /// What encoding and decoding leave of a picture, with noise on its latents that depends on `seed` alone.
    func copy(_ image: Image, noise: Double = 0, seed: UInt64 = 0) throws -> Image {
      let pixels = TensorImage.tensor([image]).to(pipeline.device)
      let latents = withInference {
        let clean = pipeline.model.autoencoder.encode(pixels)  // [1, C, h, w]
        guard noise > 0 else { return clean }
        return clean + Tensor.randn(clean.shape, generator: Generator(seed: seed)).to(pipeline.device) * noise
      }
      return try pipeline.decodeLatents(latents)[0]
    }
  }

  private func categories(
    _ painter: Painter?, _ size: Int, _ atlas: GlyphAtlas, _ learnt: LearntReader?, _ folder: URL?
  ) throws {
    let evaluation = GlyphEval(
      set: PromptSet(world: atlas.world, seed: seed, quick: quick),
      others: PromptSet(world: atlas.world, seed: seed &+ 1, quick: quick), seed: seed, seeds: renders ? 1 : seeds,
      size: size, atlas: atlas,
      training: TrainingScenes.diffusion(
        seed: trainingSeed, world: atlas.world, emphasis: try trainingEmphasis.emphasis(in: atlas.world)),
      learnt: learnt.map { Judge($0) })
    let progress = StepProgress(images: evaluation.pictureCount, quiet: quiet)
    let artist = GlyphEval.Artist(
      draw: { prompt, seed, number in
        if let painter { return try painter.draw(prompt.text, seed, number, progress) }
        progress.show(image: number, step: 0, of: 1)
        return prompt.scene.render(size: size, atlas: atlas)
      }, copy: painter.map { painter in { try painter.copy($0) } })
    let settings = EvaluationReport.Settings(
      version: Version.current, model: painter?.pipeline.source.name, modelHash: painter?.pipeline.source.hash,
      seed: seed, seeds: evaluation.seeds, quick: quick, steps: painter?.request.steps,
      sampler: painter?.request.sampler.rawValue, guidance: painter?.request.guidance.scale,
      guidanceRescale: painter?.request.guidance.rescale, fast: painter?.pipeline.source.fast,
      learntJudge: learnt?.hash, scenesVersion: atlas.version.rawValue)
    let (report, thumbnails) = try evaluation.run(artist, settings)
    progress.clear()
    if let folder {
      try AtomicFile.write(
        Array(report.html(thumbnails).utf8), to: folder.appendingPathComponent("report.html"))
      try write(report.json(), thumbnails, to: folder)
    }
    if let writeNeed { try AtomicFile.write(report.need.json, to: writeNeed.url) }
    try printLine(json ? try report.json() : report.table)
  }

  private func heldOut(
    _ painter: Painter, _ size: Int, _ atlas: GlyphAtlas, _ learnt: LearntReader?, _ folder: URL?
  ) throws {
    let judge = Judge(atlas: atlas)
    let scenes = HeldOutReport.scenes(world: atlas.world, seed: seed, count: count)
    var report = HeldOutReport(
      model: painter.pipeline.source.name, modelHash: painter.pipeline.source.hash, world: atlas.world,
      version: atlas.version, seed: seed, prompts: count, steps: painter.request.steps)
    var (thumbnails, renders): ([Image], [Image]) = ([], [])
    let meter = SharpnessMeter(side: size)
    let progress = StepProgress(images: count, quiet: quiet)
    for (index, scene) in scenes.enumerated() {
      let image = try painter.draw(scene.caption, seed &+ UInt64(index), index, progress)
      let render = scene.scene.render(size: size, atlas: atlas)
      let (copy, reading) = (try painter.copy(render), judge.read(image))
      report.add(
        scene, drawn: reading, rendered: judge.read(render), copied: judge.read(copy),
        learnt: learnt.map { ($0.read(image), $0.read(render)) })
      let reference = meter.reference(render, of: scene.scene, atlas: atlas)
      // A caption may leave the background open; then a plain one is as good as the render's.
      let background: SharpnessMeter.Background =
        scene.claims.background ? .same : reading.isPlain ? .plain : .other
      report.add(
        drawn: meter.compare(image, with: reference, background: background),
        reconstruction: meter.compare(copy, with: reference))
      thumbnails.append(image.shrunk(by: size / 128))
      renders.append(render)
    }
    report.shuffle(scenes)
    report.denoising = painter.pipeline.denoisingErrors(renders, captions: scenes.map(\.caption), seed: seed).map {
      HeldOutReport.Denoising(timestep: $0.timestep, own: $0.own, other: $0.other)
    }
    progress.clear()
    if let folder { try write(report.json(), thumbnails, to: folder) }
    try printLine(json ? try report.json() : report.table)
  }

  private func copies(
    _ painter: Painter, _ size: Int, _ atlas: GlyphAtlas, _ learnt: LearntReader?, _ folder: URL?
  ) throws {
    let (judge, second) = (Judge(atlas: atlas), learnt.map { Judge($0) })
    var report = AutoencoderReport(
      model: painter.pipeline.source.name, modelHash: painter.pipeline.source.hash, world: atlas.world,
      version: atlas.version, seed: seed, size: size, latentNoise: latentNoise)
    let meter = SharpnessMeter(side: size)
    var thumbnails: [Image] = []
    let progress = StepProgress(images: count, quiet: quiet)
    for (index, scene) in HeldOutReport.scenes(world: atlas.world, seed: seed, count: count).enumerated() {
      let render = scene.scene.render(size: size, atlas: atlas)
      let copy = try painter.copy(render, noise: latentNoise, seed: seed &+ UInt64(index))
      let reference = meter.reference(render, of: scene.scene, atlas: atlas)
      report.add(
        scene, render: render, copy: copy, sharpness: meter.compare(copy, with: reference), judge: judge,
        learnt: second)
      thumbnails += [render, copy].map { $0.shrunk(by: size / 128) }
      progress.show(image: index, step: 0, of: 1)
    }
    progress.clear()
    if let folder { try write(report.json(), thumbnails, to: folder) }
    try printLine(json ? try report.json() : report.table)
  }

  /// The objects of the world that the model learned, drawn as it learned them; models from before there was a choice
  /// learned version 1, and their directories do not say the world.
  private func atlas(for pipeline: Pipeline?) throws -> GlyphAtlas {
    let own = pipeline?.model.scenes
    let (ownWorld, ownVersion) = (
      own.flatMap { World(rawValue: $0.world) }, own.flatMap { RenderingVersion(rawValue: $0.version) }
    )
    return try GlyphAtlas(
      world: askedWorld ?? ownWorld ?? .small,
      version: scenesVersion ?? ownVersion ?? (pipeline == nil ? .latest : .v1))
  }

  /// The learnt judge of a world; nil where none is shipped, which the report says.
  private func learntJudge(of world: World) throws -> LearntReader? {
    let shipped = Home.judge
    if judge == nil, !FileManager.default.fileExists(atPath: shipped.path) { return nil }
    let reader = try LearntReader(directory: judge?.url ?? shipped)
    return reader.world == world ? reader : nil
  }

  private func makeFolder(_ path: FilePath) throws(Failure) -> URL {
    do {
      try FileManager.default.createDirectory(atPath: path.path, withIntermediateDirectories: true)
    } catch { throw Failure("the folder \(path.text) cannot be created") }
    return path.url
  }

  private func write(_ json: String, _ thumbnails: [Image], to folder: URL) throws {
    try AtomicFile.write(Array(json.utf8) + [10], to: folder.appendingPathComponent("scores.json"))
    for (number, start) in stride(from: 0, to: thumbnails.count, by: 40).enumerated() {
      let sheet = ContactSheet.lay(Array(thumbnails[start..<min(start + 40, thumbnails.count)]), columns: 8)
      try AtomicFile.write(PNG.encode(sheet), to: folder.appendingPathComponent("sheet-\(number + 1).png"))
    }
  }
}
