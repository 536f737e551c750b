import Images
import Scenes

/// Generates images for a prompt set, judges them and computes the metrics.
public struct GlyphEval {
  /// The source of images: a model, or the renderer to measure the judge's own errors.
  public struct ImageProvider {
    /// Generates an image of a prompt for each seed; `number` is the number of images before.
    let draw: (_ prompt: EvaluationPrompt, _ seeds: [UInt64], _ number: Int) throws -> [Image]
    /// Encodes and decodes an image; nil if there is no autoencoder.
    let reconstruct: ((Image) throws -> Image)?

    /// A provider that calls `draw` for every prompt; `reconstruct` is nil if there is no autoencoder.
    public init(
      draw: @escaping (_ prompt: EvaluationPrompt, _ seeds: [UInt64], _ number: Int) throws -> [Image],
      reconstruct: ((Image) throws -> Image)?
    ) {
      self.draw = draw
      self.reconstruct = reconstruct
    }
  }

  /// The prompts to generate.
  public let set: PromptSet
  /// Seed of the first image; image k of prompt i has `seed` + i · `seeds` + k.
  public let seed: UInt64
  /// Number of images per prompt.
  public let seeds: Int
  /// Side of the images, a multiple of 128 pixels.
  public let size: Int
  private let atlas: GlyphAtlas
  private let judge: Judge
  private let learned: Judge?
  private let others: PromptSet
  private let training: Scenes
  private let neighbors: Int
  private let meter: SharpnessMeter

  /// An evaluation of a prompt set.
  ///
  /// `others` are other prompts of the same categories, for the distance between different renders. `training` are the
  /// model's training scenes, of which the first `neighbors` are searched for nearest ones. `learned` is the second judge, if
  /// there is one for the world.
  public init(
    set: PromptSet, others: PromptSet, seed: UInt64, seeds: Int, size: Int, atlas: GlyphAtlas, training: Scenes,
    learned: Judge? = nil, neighbors: Int = 4000
  ) {
    self.set = set
    self.others = others
    self.neighbors = neighbors
    self.seed = seed
    self.seeds = seeds
    self.size = size
    self.atlas = atlas
    self.training = training
    self.learned = learned
    judge = Judge(atlas: atlas)
    meter = SharpnessMeter(side: size)
  }

  /// The number of images to generate.
  public var imageCount: Int { (set.prompts.count + set.paraphrases.count) * seeds }

  /// The prompt and seed of every image, in the order in which `run` asks for them.
  public var requests: [(prompt: EvaluationPrompt, seed: UInt64)] {
    let plain = set.prompts.enumerated().map { (index: $0.offset, prompt: $0.element) }
    return (plain + set.paraphrases.map { (index: $0.0, prompt: $0.1) }).flatMap { index, prompt in
      (0..<seeds).map { (prompt, seed(of: index, turn: $0)) }
    }
  }

  /// The seed of an image; a paraphrase has its prompt's index, and so its noise.
  private func seed(of index: Int, turn: Int) -> UInt64 { seed &+ UInt64(index * seeds + turn) }

  /// A report with its images, 128 pixels wide, in the order of `report.images`.
  public func run(
    _ provider: ImageProvider, _ settings: EvaluationReport.Settings
  ) throws -> (report: EvaluationReport, thumbnails: [Image]) {
    var report = EvaluationReport(settings: settings, world: set.world)
    var thumbnails: [Image] = []
    var readings: [[ImageReading]] = []  // of each plain prompt
    var features: [[ImageFeatures]] = []

    func draw(
      _ prompt: EvaluationPrompt, like index: Int, as kind: EvaluationReport.Kind,
      _ see: (Image, ImageReading) -> Void = { _, _ in }
    ) throws {
      readings.append([])
      features.append([])
      let seeds = (0..<seeds).map { seed(of: index, turn: $0) }
      for (seed, image) in zip(seeds, try provider.draw(prompt, seeds, thumbnails.count)) {
        let reading = judge.read(image)
        see(image, reading)
        report.noteObjects(reading, of: prompt)
        report.images.append(
          EvaluationReport.Judged(
            kind: kind, category: prompt.category, index: index, prompt: prompt.text, seed: seed,
            isRight: Judge.isRight(reading, for: prompt), found: reading.summary,
            learned: learned.map { EvaluationReport.Opinion($0.read(image), of: prompt) }))
        readings[readings.count - 1].append(reading)
        features[features.count - 1].append(ImageFeatures(image))
        thumbnails.append(image.shrunk(by: size / 128))
      }
    }

    var (renders, reconstructions): ([ImageFeatures], [ImageFeatures]) = ([], [])
    var fidelity: [Fidelity] = []
    var sharpness: [PromptCategory: Sharpness] = [:]
    var reconstructionSharpness = Sharpness()
    for (index, prompt) in set.prompts.enumerated() {
      let render = prompt.scene.render(size: size, atlas: atlas)
      let reference = meter.reference(render, of: prompt.scene, atlas: atlas)
      try draw(prompt, like: index, as: .plain) { image, reading in
        // The prompt does not state the background: it may differ from the render's.
        let sample = meter.compare(image, with: reference, background: reading.isPlain ? .plain : .other)
        sharpness[prompt.category, default: Sharpness()].add(sample)
      }
      renders.append(ImageFeatures(render))
      report.note(judge.read(render), of: prompt, as: .renders)
      if let learned { report.note(learned.read(render), of: prompt, as: .learnedRenders) }
      guard let reconstruction = try provider.reconstruct?(render) else { continue }
      reconstructions.append(ImageFeatures(reconstruction))
      fidelity.append(Fidelity(of: reconstruction, to: render))
      reconstructionSharpness.add(meter.compare(reconstruction, with: reference))
      report.note(judge.read(reconstruction), of: prompt, as: .reconstructions)
    }
    report.shuffle(readings, set.prompts)
    let plain = features
    for (index, prompt) in set.paraphrases { try draw(prompt, like: index, as: .paraphrase) }
    report.fidelity = Fidelity.mean(fidelity)
    report.note(sharpness, reconstructions: fidelity.isEmpty ? nil : reconstructionSharpness)
    report.measures = measures(plain, renders: renders, reconstructions: reconstructions)
    report.finish()
    return (report, thumbnails)
  }

  private func measures(
    _ generated: [[ImageFeatures]], renders: [ImageFeatures], reconstructions: [ImageFeatures]
  ) -> EvaluationReport.Measures {
    func features(_ scene: CaptionedScene) -> ImageFeatures {
      ImageFeatures(scene.scene.render(size: 128, atlas: atlas))
    }
    let trained = (0..<neighbors).map { features(training[$0]) }
    let unseen = Scenes(seed: seed, split: .heldOut, world: set.world)
    let heldOut = (0..<neighbors / 8).map { features(unseen[$0]) }
    let otherRenders = others.prompts.map { ImageFeatures($0.scene.render(size: 128, atlas: atlas)) }
    func nearest(_ images: [ImageFeatures]) -> Double? {
      if trained.isEmpty { return nil }
      return FeatureDistances.median(FeatureDistances.nearest(images, among: trained))
    }
    func frechet(_ images: [ImageFeatures]) -> Double? {
      images.count > 1 && renders.count > 1 ? FrechetDistance.between(images, renders) : nil
    }
    return EvaluationReport.Measures(
      neighbors: neighbors,
      withinPrompts: FeatureDistances.within(generated), betweenPrompts: FeatureDistances.between(generated),
      nearestOfGenerated: nearest(Array(generated.joined())), nearestOfRenders: nearest(renders),
      nearestOfHeldOut: nearest(heldOut), frechetOfGenerated: frechet(generated.compactMap(\.first)),
      frechetOfReconstructions: frechet(reconstructions), frechetOfRenders: frechet(otherRenders))
  }
}
