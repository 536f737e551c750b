import Diffusion
import Flux
import Foundation
import Images
import Torch

// Models of the pixel-space example.

extension Generate {
  /// The options that apply to the pixel-space example, by their long names.
  private static let applicable: Set<String> = [
    "prompt", "prompt-file", "model", "output", "format", "quality", "no-overwrite", "grid", "seed", "batch-count",
    "batch-size", "replay", "steps", "sampler", "scheduler", "eta", "device", "threads", "disable-image-metadata",
    "quiet", "show",
  ]

  /// Draws with a model of the pixel-space example: DDPM with all timesteps, unless sampler or steps are given.
  func drawInPixelSpace(
    _ directory: URL, _ request: GenerationRequest, _ prompts: [String], to targets: OutputNames, on device: Device
  ) throws {
    try Arguments.refuseOptions(
      except: Self.applicable,
      "\(directory.lastPathComponent) is a model of the pixel-space example, to which not all options apply")
    let pipeline = try PixelPipeline(
      model: directory, vocabulary: Home.textEncoder.appendingPathComponent("vocab.txt"), device: device)
    var request = request
    request.guidance = Guidance(scale: 1)
    if replay.replay == nil {
      if sampler == nil { request.sampler = .ddpm }
      if steps == nil, request.sampler == .ddpm { request.steps = pipeline.model.schedule.count }
    }
    try pipeline.timeGrid(request)
    if seed.isRandom, !quiet { say("seed \(request.seed)") }
    if request.eta != 0, request.sampler != .ddim {
      say("flux: --eta has no effect with the sampler \(request.sampler.rawValue): only ddim adds noise by it")
    }
    for prompt in prompts {
      PromptAdvice.lines(on: prompt, "prompt", tokens: pipeline.tokens(of: prompt)).forEach { say("flux: \($0)") }
      if !withoutMetadata { try checkLength(of: prompt, for: targets.format) }
    }
    try targets.makeFolder()
    try draw(prompts, request, pipeline, to: targets)
  }

  private func draw(
    _ prompts: [String], _ request: GenerationRequest, _ pipeline: PixelPipeline, to targets: OutputNames
  ) throws {
    let progress = StepProgress(images: targets.count, quiet: quiet)
    let shown = try previewing.show ? previewing.open(isQuiet: true, hasSheet: grid != nil) : nil
    var drawn: [Image] = []
    var index = 0
    for prompt in prompts {
      let text = pipeline.encodeText(prompt)
      for start in stride(from: 0, to: batchCount, by: batchSize ?? 4) {
        let count = min(batchSize ?? 4, batchCount - start)
        var batch = request
        (batch.prompt, batch.seed) = (prompt, request.seed &+ UInt64(start))
        let images = try pipeline.generate(batch, count: count, text: text) { step in
          progress.show(images: index..<index + count, step: step.index, of: step.count, seed: batch.seed)
        }
        progress.clear()
        for result in images {
          shown?.finish(result.image)
          try save(result, index, to: targets)
          drawn.append(result.image)
          index += 1
        }
      }
    }
    guard let grid else { return }
    let sheet = ContactSheet.lay(drawn, columns: min(8, drawn.count))
    shown?.finish(sheet: sheet)
    try write(PNG.encode(sheet), to: grid.url)
    if !targets.isStandardOutput { try printLine(grid.url.relativePath) }
  }
}
