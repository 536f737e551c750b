import Evaluation
import Flux
import Foundation
import Images
import Scenes
import Support

// The sets held-out and autoencoder: scenes with combinations that training never used.

extension Evaluate {
  func heldOut(
    _ runner: ModelRunner, _ size: Int, _ atlas: GlyphAtlas, _ learned: LearnedReader?, _ folder: URL?
  ) throws {
    let (judge, count) = (Judge(atlas: atlas), count ?? Self.defaultCount)
    let scenes = HeldOutReport.scenes(world: atlas.world, seed: seed, count: count)
    var report = HeldOutReport(
      model: runner.pipeline.source.name, modelHash: runner.pipeline.source.hash, world: atlas.world,
      version: atlas.version, seed: seed, prompts: count, steps: runner.request.steps)
    var (thumbnails, renders): ([Image], [Image]) = ([], [])
    let meter = SharpnessMeter(side: size)
    let progress = StepProgress(images: count, quiet: quiet)
    var batch: [Image] = []
    for (index, scene) in scenes.enumerated() {
      let place = index % ModelRunner.batch
      if place == 0 {
        let next = scenes[index...].prefix(ModelRunner.batch).enumerated()
        batch = try runner.draw(next.map { ($1.caption, seed &+ UInt64(index + $0)) }, index, progress)
      }
      let image = batch[place]
      let render = scene.scene.render(size: size, atlas: atlas)
      let (reconstruction, reading) = (try runner.reconstruct(render), judge.read(image))
      report.add(
        scene, generated: reading, rendered: judge.read(render), reconstructed: judge.read(reconstruction),
        learned: learned.map { ($0.read(image), $0.read(render)) })
      let reference = meter.reference(render, of: scene.scene, atlas: atlas)
      // If the caption does not state the background, any plain one is right.
      let background: SharpnessMeter.Background =
        scene.claims.background ? .same : reading.isPlain ? .plain : .other
      report.add(
        generated: meter.compare(image, with: reference, background: background),
        reconstruction: meter.compare(reconstruction, with: reference))
      thumbnails.append(image.shrunk(by: size / 128))
      renders.append(render)
    }
    report.shuffle(scenes)
    report.denoising = runner.pipeline.denoisingErrors(renders, captions: scenes.map(\.caption), seed: seed).map {
      HeldOutReport.Denoising(timestep: $0.timestep, own: $0.own, other: $0.other)
    }
    progress.clear()
    if let folder { try write(report.json(), thumbnails, to: folder) }
    try printLine(json ? try report.json() : report.table)
  }

  func autoencoder(
    _ runner: ModelRunner, _ size: Int, _ atlas: GlyphAtlas, _ learned: LearnedReader?, _ folder: URL?
  ) throws {
    let (judge, second) = (Judge(atlas: atlas), learned.map { Judge($0) })
    let (count, latentNoise) = (count ?? Self.defaultCount, latentNoise ?? 0)
    let own = runner.pipeline.model.geometry.imageSize
    let output = try runner.pipeline.outputSize(
      GenerationRequest(prompt: "", width: size, height: size, upscaler: upscaler))
    if size < own { throw Failure("--size \(size) is below the model's size, \(own)", code: 2) }
    var report = AutoencoderReport(
      model: runner.pipeline.source.name, modelHash: runner.pipeline.source.hash, world: atlas.world,
      version: atlas.version, seed: seed, size: size, latentNoise: latentNoise)
    let meter = SharpnessMeter(side: size)
    var thumbnails: [Image] = []
    let progress = StepProgress(images: count, quiet: quiet)
    for (index, scene) in HeldOutReport.scenes(world: atlas.world, seed: seed, count: count).enumerated() {
      let render = scene.scene.render(size: size, atlas: atlas)
      let reconstruction = try runner.reconstruct(
        size == own ? render : scene.scene.render(size: own, atlas: atlas), noise: latentNoise,
        seed: seed &+ UInt64(index), at: output)
      let reference = meter.reference(render, of: scene.scene, atlas: atlas)
      report.add(
        scene, render: render, reconstruction: reconstruction,
        sharpness: meter.compare(reconstruction, with: reference), judge: judge,
        learned: second)
      thumbnails += [render, reconstruction].map { $0.shrunk(by: size / 128) }
      progress.show(image: index, step: 0, of: 1)
    }
    progress.clear()
    if let folder { try write(report.json(), thumbnails, to: folder) }
    try printLine(json ? try report.json() : report.table)
  }
}
