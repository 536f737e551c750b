import Diffusion
import Flux
import Foundation
import Images
import Support
import Torch

// Drawing a series into its files.

extension Generate {
  /// Draws the images of a series, writes them and prints their names.
  func draw(_ series: Series, _ pipeline: Pipeline, to targets: OutputNames) throws {
    let progress = StepProgress(images: targets.count, quiet: quiet)
    let preview = ImagePreview(preview)
    var drawn: [Image] = []
    let hasLargeLatents = try series.requests[0].largeLatents && pipeline.outputSize(series.requests[0]).isLarge
    var last: (request: GenerationRequest, text: Pipeline.PromptConditioning)?
    let existing = skipExisting ? existing(of: series, at: targets) : []
    if !existing.isEmpty, !quiet { say("\(existing.count) of \(targets.count) images exist already") }
    for batch in series.batches(of: batchSize ?? (hasLargeLatents ? 1 : 4)) {
      // Batches are those of the whole series, so that its images are the same to the bit.
      if batch.allSatisfy(existing.contains) {
        if grid != nil { for index in batch { drawn.append(try read(index, of: series, at: targets)) } }
        continue
      }
      let request = series.requests[batch.lowerBound]
      func show(_ step: DenoisingStep) {
        preview?.show(step, of: pipeline)
        progress.show(images: batch, step: step.index, of: step.count, seed: request.seed)
      }
      let images: [GeneratedImage]
      if series.isOneRequest(batch) {
        let text: Pipeline.PromptConditioning
        if let last, Series.haveSameText(last.request, request) {
          text = last.text
        } else {
          text = try pipeline.encodeText(
            request.prompt, negative: request.negativePrompt, syntax: request.promptSyntax)
          last = (request, text)
        }
        images = try pipeline.generate(request, count: batch.count, text: text, onStep: show)
      } else {
        images = try pipeline.generate(together: Array(series.requests[batch]), onStep: show)
      }
      progress.clear()
      for (index, result) in zip(batch, images) {
        preview?.finish(result.image)
        if !existing.contains(index) { try save(result, index, to: targets) }
        if grid != nil { drawn.append(result.image) }
      }
    }
    if let grid {
      let sheet = self.series.isLabeled ? series.grid(drawn) : ContactSheet.thumbnails(drawn)
      try write(PNG.encode(sheet), to: grid.url)
      if !targets.isStandardOutput { try printLine(grid.url.relativePath) }
    }
  }

  /// The images whose files are there; files appear only when they are complete.
  private func existing(of series: Series, at targets: OutputNames) -> Set<Int> {
    Set(
      series.requests.indices.filter { index in
        targets.url(index, seed: series.requests[index].seed).map { FileManager.default.fileExists(atPath: $0.path) }
          ?? false
      })
  }

  /// An image that was drawn before, for the contact sheet.
  private func read(_ index: Int, of series: Series, at targets: OutputNames) throws -> Image {
    guard let url = targets.url(index, seed: series.requests[index].seed) else {
      fatalError("only files exist already")
    }
    return try ImageFile.decode(FileSlice(path: url.path).read(limit: 1 << 30), file: url.relativePath)
  }

  func save(_ result: GeneratedImage, _ index: Int, to targets: OutputNames) throws {
    let bytes = try result.encoded(as: targets.format, metadata: !withoutMetadata, quality: quality ?? 95)
    guard let target = targets.url(index, seed: result.request.seed) else { return try writeOutput(bytes) }
    try write(bytes, to: target)
    try printLine(report.line(file: target, result))
  }

  func write(_ bytes: [UInt8], to url: URL) throws {
    guard noOverwrite else { return try AtomicFile.write(bytes, to: url) }
    guard try AtomicFile.create(bytes, at: url) else {
      throw Failure("\(url.relativePath) was created meanwhile, and --no-overwrite was given")
    }
  }
}
