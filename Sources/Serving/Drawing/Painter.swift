import Diffusion
import Flux
import Foundation
import Images
import Support
import Torch

/// Draws jobs with the pipelines that it keeps in memory; belongs to one thread.
public final class Painter {
  private let catalog: ModelCatalog
  private let textEncoder: URL
  private let previewDecoder: URL?
  private let precision: Precision
  private let device: Device
  private let kept: Int
  private let limits: ServerLimits
  private let metrics: ServerMetrics
  private var loaded: [(name: String, fast: Bool, pipeline: Pipeline)] = []  // the latest used last

  /// A painter that keeps up to `kept` pipelines in memory, which compute in the given precision.
  ///
  /// `previewDecoder` is the directory of what draws previews of the catalog's models of Stable Diffusion, nil without one.
  public init(
    _ catalog: ModelCatalog, textEncoder: URL, previewDecoder: URL? = nil, precision: Precision = .float32,
    device: Device = .cpu, kept: Int = 2, limits: ServerLimits, metrics: ServerMetrics
  ) {
    (self.catalog, self.textEncoder, self.previewDecoder) = (catalog, textEncoder, previewDecoder)
    (self.precision, self.device) = (precision, device)
    (self.kept, self.limits, self.metrics) = (max(1, kept), limits, metrics)
  }

  /// Loads the default model.
  public func loadStandard() throws { _ = try pipeline(catalog.standard.name, fast: false) }

  private func pipeline(_ name: String, fast: Bool) throws -> Pipeline {
    if let index = loaded.firstIndex(where: { $0.name == name && $0.fast == fast }) {
      let entry = loaded.remove(at: index)
      loaded.append(entry)
      return entry.pipeline
    }
    guard let model = catalog.find(name) else {
      throw JobFailure(code: "model_not_found", message: "there is no model \(name)")
    }
    while loaded.count >= kept { loaded.removeFirst() }
    let isStable = StableDiffusionFiles.isStored(at: model.directory)
    let pipeline = try Pipeline(
      model: model.directory, textEncoder: textEncoder, fast: fast,
      options: .init(previewDecoder: isStable ? previewDecoder : nil), precision: precision, device: device)
    loaded.append((name, fast, pipeline))
    metrics.loadedModels(loaded.count)
    return pipeline
  }

  // MARK: - Jobs

  /// One image of a job.
  private struct Place {
    let job: Job
    let request: GenerationRequest
  }

  /// Draws jobs that can share a batch, and reports steps, images and the end of every job.
  public func draw(_ jobs: [Job], for queue: JobQueue) {
    guard let first = jobs.first else { return }
    var stops: [String: Job.Stop] = [:]
    do {
      let pipeline = try pipeline(first.order.model, fast: first.order.fast)
      let places = jobs.flatMap { job in
        job.order.request.batch(job.order.count).map { Place(job: job, request: $0) }
      }
      for (round, start) in stride(from: 0, to: places.count, by: limits.batch).enumerated() {
        let part = Array(places[start..<min(start + limits.batch, places.count)])
        let step = round * first.order.steps
        try draw(part, after: step, with: pipeline, for: queue, &stops)
        if jobs.allSatisfy({ stops[$0.id] != nil }) { break }
      }
      for job in jobs {
        switch stops[job.id] {
        case nil: queue.complete(job.id)
        case .interrupt: queue.complete(job.id, isInterrupted: true)
        case .cancel(let reason): queue.confirmCancelled(job.id, reason)
        }
      }
    } catch {
      for job in jobs {
        if case .cancel(let reason) = stops[job.id] {
          queue.confirmCancelled(job.id, reason)
        } else {
          queue.fail(job.id, Self.failure(error))
        }
      }
    }
  }

  /// Draws one batch after `step` steps of earlier ones; `stops` gets the jobs that stopped.
  private func draw(
    _ places: [Place], after step: Int, with pipeline: Pipeline, for queue: JobQueue, _ stops: inout [String: Job.Stop]
  ) throws {
    let ids = places.map(\.job.id).reduce(into: [String]()) { if $0.last != $1 { $0.append($1) } }
    let drawing = try Self.denoising(places, pipeline)
    // Where an init image stays as it is, there is no step, and the first latent is the last.
    var latents = places.indices.map { drawing.steps.latent[$0..<$0 + 1] }
    let clock = ContinuousClock()
    let begin = clock.now
    var last = begin
    var done = 0
    for one in drawing.steps {
      guard one.latent.allFinite else {
        throw GenerationError.notFinite(.unet, step: one.index, loras: pipeline.source.loras.map(\.name))
      }
      for (row, place) in places.enumerated() where stops[place.job.id] == nil {
        latents[row] = one.latent[row..<row + 1]
      }
      try showPreviews(of: one, places, drawing, queue)
      let now = clock.now
      metrics.stepped(Self.seconds(now - last))
      last = now
      done += 1
      let running = ids.filter { stops[$0] == nil }
      for (id, stop) in queue.report(step: step + done, of: running) {
        stops[id] = stop
        // What is there now is noisy; the estimate of the clean latent is an image.
        for (row, place) in places.enumerated() where place.job.id == id { latents[row] = one.clean[row..<row + 1] }
      }
      if ids.allSatisfy({ stops[$0] != nil }) { break }
    }
    metrics.drew(stage: "denoise", Self.seconds(clock.now - begin))
    let decoding = clock.now
    for (row, place) in places.enumerated() {
      if case .cancel = stops[place.job.id] { continue }
      let image = try drawing.image(of: latents[row])
      let isFinished = stops[place.job.id] == nil
      queue.report(image: try Self.served(image, row, of: drawing, place.job, isFinished), of: place.job.id)
    }
    metrics.drew(stage: "decode", Self.seconds(clock.now - decoding))
  }

  /// Begins one batch: of jobs that can share one, or of one job.
  private static func denoising(_ places: [Place], _ pipeline: Pipeline) throws -> ImageDenoising {
    let first = places[0].request
    if first.canShareBatch(with: first) { return try pipeline.denoising(together: places.map(\.request)) }
    return try pipeline.denoising(first, count: places.count)
  }

  /// Decodes the estimate of the first image of every job that wants previews now.
  private func showPreviews(
    of step: DenoisingStep, _ places: [Place], _ drawing: ImageDenoising, _ queue: JobQueue
  ) throws {
    var seen: Set<String> = []
    for (row, place) in places.enumerated() where seen.insert(place.job.id).inserted {
      guard step.index + 1 < step.count, queue.wantsPreview(place.job.id, step: step.index + 1) else { continue }
      guard let image = try? drawing.preview(of: step.clean[row..<row + 1]) else { continue }
      queue.report(preview: try Self.preview(image), of: place.job.id)
    }
  }

  /// Longer side of previews, in pixels.
  private static let previewSide = 256

  private static func preview(_ image: Image) throws(ImageError) -> [UInt8] {
    let longest = max(image.width, image.height)
    func side(_ side: Int) -> Int { max(1, side * min(previewSide, longest) / longest) }
    let small = image.resized(width: side(image.width), height: side(image.height), filter: .lanczos)
    return try ImageFile.jpeg.encode(small, quality: 80)
  }

  /// The file of an image, at the size that was asked for.
  private static func served(
    _ image: Image, _ row: Int, of drawing: ImageDenoising, _ job: Job, _ isFinished: Bool
  ) throws -> ServedImage {
    let order = job.order
    var (result, note) = (image, "")
    if let size = order.finalSize {
      result = image.fitted(width: size.width, height: size.height, .cover)
      note = ", Drawn at: \(image.width)x\(image.height)"
    }
    let generated = drawing.generated(result, row: row)
    let parameters = generated.parameters + note
    // Nobody can draw an image again that was interrupted.
    var record: ImageRecord?
    let bytes = try order.format.encode(
      result, parameters: order.hasMetadata ? parameters : nil, quality: order.quality
    ) { pixels in
      guard isFinished else { return nil }
      record = ImageRecord(generated, pixels: pixels, quality: order.format == .png ? nil : order.quality)
      record?.request.forgetImages()
      if order.finalSize != nil { record?.isResized = true }
      return record?.json
    }
    return ServedImage(
      bytes: bytes, format: order.format, seed: generated.request.seed,
      size: PixelSize(width: result.width, height: result.height), parameters: parameters, record: record,
      hash: SHA256.hexDigest(bytes))
  }

  private static func seconds(_ duration: Duration) -> Double {
    Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
  }

  private static func failure(_ error: any Error) -> JobFailure {
    switch error {
    case let failure as JobFailure: failure
    case let error as GenerationError:
      switch error {
      case .edit, .size, .upscaler: JobFailure(code: JobFailure.invalidRequest, message: error.description)
      default: JobFailure(code: "generation_failed", message: error.description)
      }
    default: JobFailure(code: "failed", message: "\(error)")
    }
  }
}

/// The thread that draws: it owns the painter, since pipelines belong to one thread.
public enum DrawingThread {
  /// Starts it.
  ///
  /// It makes its painter, opens the queue when the default model is loaded, and draws until the queue ends.
  ///
  /// `failed` is called where the model cannot be loaded.
  public static func start(
    for queue: JobQueue, painter: @escaping @Sendable () throws -> Painter,
    failed: @escaping @Sendable (any Error) -> Void
  ) {
    let thread = Thread {
      do {
        let painter = try painter()
        try painter.loadStandard()
        queue.open()
        while let jobs = queue.take() { painter.draw(jobs, for: queue) }
      } catch { failed(error) }
    }
    thread.name = "drawing"
    thread.stackSize = 16 << 20  // libtorch's kernels need more than the half megabyte of a secondary thread
    thread.start()
  }
}
