import Datasets
import Flux
import Images
import Support
import Torch

/// Training images as latents, each encoded once and alone, so that its bits depend on nothing else.
///
/// An image has a normal distribution of latents, of which every step draws a new sample, as diffusers' trainers do; mean
/// and deviation stay in memory, up to a limit. Images whose crop or flip is new at every visit are encoded each time.
final class StableLatents {
  /// An image as the trainer sees it.
  struct Encoded {
    let item: Int  // index of the image that was read: another where one is unreadable
    let mean: Tensor  // [1, C, h, w], float32, on the CPU
    let deviation: Tensor?
  }

  private let images: ReadableImages
  private let crop: Crop
  private let mirror: Bool
  private let size: Int
  private let model: StableDiffusionModel
  private let device: Device
  private let winograd: Bool
  private var kept: [String: Encoded] = [:]
  private var room: Int  // bytes
  private(set) var seconds = 0.0  // spent reading and encoding

  /// Images of `size` × `size` pixels; up to `room` bytes of latents stay in memory.
  init(
    _ files: ImageFolder, crop: Crop, mirror: Bool, size: Int, model: StableDiffusionModel, device: Device,
    winograd: Bool, room: Int = 1 << 31
  ) {
    images = ReadableImages(files)
    (self.crop, self.mirror, self.size) = (crop, mirror, size)
    (self.model, self.device, self.winograd, self.room) = (model, device, winograd, room)
  }

  /// The images, readable or not.
  var source: any CaptionedImages { images.source }

  /// Images that could not be read so far, each with the reason.
  var failures: [String] {
    var named: Set<String> = []  // an image that is repeated is named once
    return images.failed.filter { named.insert($0.id).inserted }.map { "\($0.id): \($0.error)" }
  }

  /// The latents of an image; the seed decides crop and flip.
  func callAsFunction(_ item: Int, seed: UInt64) throws -> Encoded {
    if let known = kept[key(item)] { return known }
    let watch = Stopwatch()
    defer { seconds += watch.seconds }
    let (found, example) = try images.example(item, size: size, crop: crop, mirror: mirror, seed: seed)
    if !isNewAtEveryVisit, let known = kept[key(found)] {
      kept[key(item)] = known
      return known
    }
    try model.prepare(.autoencoder)
    let pixels = TensorImage.tensor([example.image]).to(device)
    let (mean, deviation) = withNoGrad { withWinograd(enabled: winograd) { model.latentDistribution(of: pixels) } }
    let encoded = Encoded(item: found, mean: mean.to(.cpu), deviation: deviation?.to(.cpu))
    let bytes = 8 * mean.count
    if !isNewAtEveryVisit, bytes <= room {
      (kept[key(item)], kept[key(found)]) = (encoded, encoded)
      room -= bytes
    }
    return encoded
  }

  /// Encodes all images that can be kept, and lets the autoencoder go if those are all; false if that was stopped.
  func fill(unless shouldStop: () -> Bool) throws -> Bool {
    if isNewAtEveryVisit { return true }
    for item in 0..<source.count where kept[key(item)] == nil {
      if shouldStop() { return false }
      _ = try self(item, seed: 0)
      if kept[key(item)] == nil { return true }  // there is no room for more
    }
    model.release(.autoencoder)
    return true
  }

  /// An image that is listed several times is one; names that are not UTF-8 may be those of several.
  private func key(_ item: Int) -> String {
    let id = source.id(item)
    return id.contains("\u{FFFD}") ? "\(item) \(id)" : id
  }

  /// Whether crops or flips change from visit to visit.
  private var isNewAtEveryVisit: Bool { crop == .random || mirror }
}
