import Images
import Scenes

/// Asks for the prompts of a set, judges the pictures, and measures.
public struct GlyphEval {
  /// Whoever draws: a model, or the renderer to see the judge's own errors.
  public struct Artist {
    /// A picture of a prompt for a seed; `number` counts the pictures from 0.
    let draw: (_ prompt: EvaluationPrompt, _ seed: UInt64, _ number: Int) throws -> Image
    /// What encoding and decoding leave of a picture; nil where there is no autoencoder.
    let copy: ((Image) throws -> Image)?

    public init(
      draw: @escaping (_ prompt: EvaluationPrompt, _ seed: UInt64, _ number: Int) throws -> Image,
      copy: ((Image) throws -> Image)?
    ) {
      self.draw = draw
      self.copy = copy
    }
  }

  public let set: PromptSet
  public let seed: UInt64
  public let seeds: Int  // pictures of a prompt
  public let size: Int  // of the pictures, a multiple of 128 pixels
  private let atlas: GlyphAtlas
  private let judge: Judge
  private let learnt: Judge?
  private let others: PromptSet
  private let training: Scenes
  private let neighbours: Int
  private let meter: SharpnessMeter

  /// What is asked, and who judges.
  ///
  /// `others` are other prompts of the same categories, whose renders tell how far renders are from renders;
  /// `training` is what the model learnt from: nearest neighbours are looked for in the first of it. `learnt` is the
  /// second judge, where there is one for the world.
  public init(
    set: PromptSet, others: PromptSet, seed: UInt64, seeds: Int, size: Int, atlas: GlyphAtlas, training: Scenes,
    learnt: Judge? = nil, neighbours: Int = 4000
  ) {
    self.set = set
    self.others = others
    self.neighbours = neighbours
    self.seed = seed
    self.seeds = seeds
    self.size = size
    self.atlas = atlas
    self.training = training
    self.learnt = learnt
    judge = Judge(atlas: atlas)
    meter = SharpnessMeter(side: size)
  }

  /// How many pictures will be drawn.
  public var pictureCount: Int { (set.prompts.count + set.paraphrases.count) * seeds }

  /// A report with its pictures, 128 pixels wide, in the order of `report.pictures`.
  public func run(
    _ artist: Artist, _ settings: EvaluationReport.Settings
  ) throws -> (report: EvaluationReport, thumbnails: [Image]) {
    var report = EvaluationReport(settings: settings, world: set.world)
    var thumbnails: [Image] = []
    var readings: [[PictureReading]] = []  // of each plain prompt
    var features: [[PictureFeatures]] = []

    func draw(
      _ prompt: EvaluationPrompt, like index: Int, as kind: EvaluationReport.Kind,
      _ see: (Image, PictureReading) -> Void = { _, _ in }
    ) throws {
      readings.append([])
      features.append([])
      for turn in 0..<seeds {
        let seed = seed &+ UInt64(index * seeds + turn)  // a paraphrase has its prompt's noise
        let image = try artist.draw(prompt, seed, thumbnails.count)
        let reading = judge.read(image)
        see(image, reading)
        report.noteObjects(reading, of: prompt)
        report.pictures.append(
          EvaluationReport.Judged(
            kind: kind, category: prompt.category, index: index, prompt: prompt.text, seed: seed,
            isRight: Judge.isRight(reading, for: prompt), found: reading.summary,
            learnt: learnt.map { EvaluationReport.Opinion($0.read(image), of: prompt) }))
        readings[readings.count - 1].append(reading)
        features[features.count - 1].append(PictureFeatures(image))
        thumbnails.append(image.shrunk(by: size / 128))
      }
    }

    var (renders, copies): ([PictureFeatures], [PictureFeatures]) = ([], [])
    var fidelity: [Fidelity] = []
    var sharpness: [PromptCategory: Sharpness] = [:]
    var reconstructions = Sharpness()
    for (index, prompt) in set.prompts.enumerated() {
      let render = prompt.scene.render(size: size, atlas: atlas)
      let reference = meter.reference(render, of: prompt.scene, atlas: atlas)
      try draw(prompt, like: index, as: .plain) { image, reading in
        // A prompt leaves the background open: a drawn one need not be plain where the render's is.
        let sample = meter.compare(image, with: reference, background: reading.isPlain ? .plain : .other)
        sharpness[prompt.category, default: Sharpness()].add(sample)
      }
      renders.append(PictureFeatures(render))
      report.note(judge.read(render), of: prompt, as: .renders)
      if let learnt { report.note(learnt.read(render), of: prompt, as: .learntRenders) }
      guard let copy = try artist.copy?(render) else { continue }
      copies.append(PictureFeatures(copy))
      fidelity.append(Fidelity(of: copy, to: render))
      reconstructions.add(meter.compare(copy, with: reference))
      report.note(judge.read(copy), of: prompt, as: .copies)
    }
    report.shuffle(readings, set.prompts)
    let plain = features
    for (index, prompt) in set.paraphrases { try draw(prompt, like: index, as: .paraphrase) }
    report.fidelity = Fidelity.mean(fidelity)
    report.note(sharpness, reconstructions: fidelity.isEmpty ? nil : reconstructions)
    report.measures = measures(plain, renders: renders, copies: copies)
    report.finish()
    return (report, thumbnails)
  }

  private func measures(
    _ drawn: [[PictureFeatures]], renders: [PictureFeatures], copies: [PictureFeatures]
  ) -> EvaluationReport.Measures {
    func features(_ scene: CaptionedScene) -> PictureFeatures {
      PictureFeatures(scene.scene.render(size: 128, atlas: atlas))
    }
    let trained = (0..<neighbours).map { features(training[$0]) }
    let unseen = Scenes(seed: seed, split: .heldOut, world: set.world)
    let heldOut = (0..<neighbours / 8).map { features(unseen[$0]) }
    let otherRenders = others.prompts.map { PictureFeatures($0.scene.render(size: 128, atlas: atlas)) }
    func nearest(_ pictures: [PictureFeatures]) -> Double? {
      FeatureDistances.median(FeatureDistances.nearest(pictures, among: trained))
    }
    func frechet(_ pictures: [PictureFeatures]) -> Double? {
      pictures.count > 1 && renders.count > 1 ? FrechetDistance.between(pictures, renders) : nil
    }
    return EvaluationReport.Measures(
      neighbours: neighbours,
      withinPrompts: FeatureDistances.within(drawn), betweenPrompts: FeatureDistances.between(drawn),
      nearestOfDrawn: nearest(Array(drawn.joined())), nearestOfRenders: nearest(renders),
      nearestOfHeldOut: nearest(heldOut), frechetOfDrawn: frechet(drawn.compactMap(\.first)),
      frechetOfCopies: frechet(copies), frechetOfRenders: frechet(otherRenders))
  }
}
