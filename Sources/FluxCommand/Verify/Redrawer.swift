import Flux
import Foundation
import Images
import Torch

/// Draws images again with the weights that they name; keeps the last model loaded.
final class Redrawer {
  /// A loaded model.
  struct Artist {
    /// Draws images with the seeds from that of the request on.
    let draw: (GenerationRequest, Int) throws -> [Image]
    /// Draws a request as one of several prompts, at the place and with the padding that its batch had.
    let drawAmongOthers: (GenerationRequest, GenerationRun.Batch) throws -> Image

    func draw(_ request: GenerationRequest, count: Int) throws -> [Image] { try draw(request, count) }

    /// Draws a request again with the size of its batch.
    ///
    /// An image does not depend on what else is in the batch, only on its size, the place in it and the padding of texts.
    func draw(_ request: GenerationRequest, in batch: GenerationRun.Batch) throws -> Image {
      if batch.tokens != nil, request.canShareBatch(with: request) { return try drawAmongOthers(request, batch) }
      return try draw(request.image(-batch.index), batch.count)[batch.index]
    }
  }

  /// The weights that an image names, or why they cannot be used.
  enum Search {
    /// The model, and the request with the pixels of its init image and mask.
    case found(Artist, GenerationRequest)
    /// The model has the right weights, and an init image or a mask is not found.
    case withoutImage(String)
    case missing(String)
    case other(String)
  }

  private let model: FilePath?
  private let vae: FilePath?
  private let loras: [FilePath]
  private let images: ImageFinder
  private let device: Device
  private let threads: Int?
  private var last: (key: [String], artist: Artist)?
  private var hashes: [String: String] = [:]  // of models, by path

  /// Looks for weights and images among those given, then beside each image and in the usual folders.
  init(
    model: FilePath?, vae: FilePath?, loras: [FilePath], images: [FilePath], device: Device, _ threads: Int?
  ) {
    (self.model, self.vae, self.loras, self.device, self.threads) = (model, vae, loras, device, threads)
    self.images = ImageFinder(given: images)
  }

  /// Whether an image was computed with this version, device and libtorch, so that its bits must be the same.
  func isSameMachinery(as record: ImageRecord?) -> Bool {
    guard let record, let run = record.run else { return false }
    return record.version == Version.current && run.device == device.description && run.libtorch == Libtorch.version
  }

  /// The model of an image, loaded, with the number of threads that it was drawn with.
  func artist(for replay: Replay) throws -> Search {
    let metadata = replay.metadata
    let (name, hash) = (metadata.model ?? "mini", metadata.modelHash ?? "")
    let directory: URL
    if let model {
      directory = try Home.model(model)
    } else if let found = InstalledModels.directory(hash: hash, named: name, nearby: replay.nearby)
      ?? InstalledModels.directory(named: name)
    {
      directory = found
    } else {
      return .missing("model \(name) not found")
    }
    guard InstalledModels.isHash(hash, of: try self.hash(of: directory)) else {
      return .other("model \(name) has other weights")
    }
    var files: [(file: URL, scale: Double)] = []
    let options: StableDiffusionModel.Options
    do throws(Failure) {
      files = try replay.loraFiles(among: loras).map { ($0.file.url, $0.scale) }
      options = try replay.options(
        under: FamilyOptions(clipSkip: nil, vae: vae, prediction: nil), for: directory)
    } catch { return .missing(error.description) }
    var request = replay.request
    if let edit = request.edit {
      switch images.complete(edit, in: replay.nearby) {
      case .success(let complete): request.edit = complete
      case .failure(let missing): return .withoutImage(missing.sentence)
      }
    }
    Libtorch.threads = threads ?? replay.threads ?? ProcessInfo.processInfo.activeProcessorCount
    let key =
      [directory.path, "\(replay.isFast)", "\(options)", replay.precision.rawValue]
      + files.flatMap { [$0.file.path, "\($0.scale)"] }
    if let last, last.key == key { return .found(last.artist, request) }
    last = nil
    let artist = try load(directory, isFast: replay.isFast, files, options, replay.precision)
    last = (key, artist)
    return .found(artist, request)
  }

  private func load(
    _ directory: URL, isFast: Bool, _ loras: [(file: URL, scale: Double)],
    _ options: StableDiffusionModel.Options, _ precision: Precision
  ) throws -> Artist {
    if PixelModel.isStored(in: directory) {
      let pipeline = try PixelPipeline(
        model: directory, vocabulary: Home.textEncoder.appendingPathComponent("vocab.txt"), device: device)
      return Artist(
        draw: { request, count in try pipeline.generate(request, count: count).map(\.image) },
        drawAmongOthers: { request, _ in try pipeline.generate(request, count: 1)[0].image })
    }
    let pipeline = try Pipeline(
      model: directory, textEncoder: Home.textEncoder, fast: isFast, loras: loras, options: options,
      precision: precision, device: device)
    return Artist(
      draw: { request, count in try pipeline.generate(request, count: count).map(\.image) },
      drawAmongOthers: { request, batch in
        let requests = [GenerationRequest](repeating: request, count: batch.count)
        return try pipeline.generate(together: requests, tokens: batch.tokens)[batch.index].image
      })
  }

  private func hash(of directory: URL) throws -> String {
    if let known = hashes[directory.path] { return known }
    let hash = try ModelSource(model: directory).hash
    hashes[directory.path] = hash
    return hash
  }
}
