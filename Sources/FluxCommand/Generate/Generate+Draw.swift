import ArgumentParser
import Diffusion
import Flux
import Foundation
import Images
import Support
import Torch

// Drawing a series into its files.

extension Generate {
  /// Draws the images of a series, or those that an interruption of its call left, writes them and prints their names.
  func draw(
    _ series: Series, _ pipeline: Pipeline, to targets: OutputNames, _ call: InterruptedCall,
    goingOnWith resumption: Resumption?
  ) throws {
    let progress = StepProgress(images: targets.count, quiet: quiet)
    let preview = try previewing.open(isQuiet: quiet || report.json, hasSheet: grid != nil)
    defer { preview?.abandon() }  // what a failure left unfinished
    var drawn: [Image] = []
    let hasLargeLatents = try series.requests[0].largeLatents && pipeline.outputSize(series.requests[0]).isLarge
    var last: (request: GenerationRequest, text: Pipeline.PromptConditioning)?
    let existing = skipExisting ? existing(of: series, at: targets) : []
    if !existing.isEmpty, !quiet { say("\(existing.count) of \(targets.count) images exist already") }
    let batches = series.batches(of: batchSize ?? (hasLargeLatents ? 1 : 4))
    try resumption?.check(series, batches: batches, pipeline)
    let first = resumption?.call.first ?? 0
    Interruption.catchSignals(notice: Self.stopNotice)
    for batch in batches {
      // Batches are those of the whole series, so that its images are the same to the bit.
      let isWritten = batch.lowerBound < first && !(targets.isNothing && grid != nil)
      if isWritten || batch.allSatisfy(existing.contains) {
        if grid != nil { for index in batch { drawn.append(try read(index, of: series, at: targets)) } }
        continue
      }
      let request = series.requests[batch.lowerBound]
      let resumed = batch.lowerBound == first ? resumption : nil
      let keeper = keeper(of: batch, in: series, pipeline, targets, call, resumed)
      func show(_ step: DenoisingStep) throws {
        do {
          try keeper.note(step)
        } catch is StateKeeper.Stopped {
          progress.clear()
          preview?.abandon()
          say(keeper.sentence(after: step, images: batch, of: targets.count))
          throw ExitCode(130)
        }
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
        images = try pipeline.generate(
          request, count: batch.count, text: text, from: resumed?.images.state, onStep: show)
      } else {
        images = try pipeline.generate(
          together: Array(series.requests[batch]), from: resumed?.images.state, onStep: show)
      }
      progress.clear()
      for (index, result) in zip(batch, images) {
        preview?.finish(result.image) { format in try encoded(result, as: format) }
        if !existing.contains(index) { try save(result, index, to: targets) }
        if grid != nil { drawn.append(result.image) }
      }
      keeper.finish()
    }
    if let grid {
      let sheet = self.series.isLabeled ? series.grid(drawn) : ContactSheet.thumbnails(drawn)
      if previewing.show { preview?.finish(sheet: sheet) }
      try write(PNG.encode(sheet), to: grid.url)
      let name = grid.url.relativePath
      if !targets.isStandardOutput {
        try printLine(report.json ? JSONValue.object([("grid", .string(name))]).text : name)
      }
    }
  }

  /// What a terminal says at once after a signal, in the place of the progress line: a step can take long.
  private static var stopNotice: String? {
    let text = "flux: stopping after this step; Ctrl-C again ends at once"
    return Console.rewritesLines ? text + String(repeating: " ", count: max(0, Console.columns - 1 - text.count)) : nil
  }

  /// What saves the state of a batch: in the file that it goes on with, or in one beside its first image.
  private func keeper(
    of batch: Range<Int>, in series: Series, _ pipeline: Pipeline, _ targets: OutputNames, _ call: InterruptedCall,
    _ resumed: Resumption?
  ) -> StateKeeper {
    var call = call
    call.first = batch.lowerBound
    let beside = targets.stateFile(batch.lowerBound, seed: series.requests[batch.lowerBound].seed)
    return StateKeeper(
      Array(series.requests[batch]), call, pipeline,
      file: resumed.map { ($0.url, $0.file.text) } ?? (beside, beside.relativePath), every: state.saveStateEvery,
      isStored: resumed != nil)
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
    if targets.isNothing { return try report(shown: result, of: targets.count) }
    let bytes = try encoded(result, as: targets.format)
    guard let target = targets.url(index, seed: result.request.seed) else { return try writeOutput(bytes) }
    try write(bytes, to: target)
    try printLine(report.line(file: target, result))
  }

  private func encoded(_ result: GeneratedImage, as format: ImageFile) throws -> [UInt8] {
    try result.encoded(as: format, metadata: !withoutMetadata, quality: quality ?? 95)
  }

  /// Says which image of several was shown and not written.
  private func report(shown result: GeneratedImage, of count: Int) throws {
    if report.json { return try printLine(report.line(file: nil, result)) }
    if count > 1, grid == nil, !quiet { say("seed \(result.request.seed)") }
  }

  func write(_ bytes: [UInt8], to url: URL) throws {
    guard noOverwrite else { return try AtomicFile.write(bytes, to: url) }
    guard try AtomicFile.create(bytes, at: url) else {
      throw Failure("\(url.relativePath) was created meanwhile, and --no-overwrite was given")
    }
  }
}
