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
  private let sides: [(width: Int, height: Int)]  // of each image, in pixels
  private let model: StableDiffusionModel
  private let device: Device
  private let winograd: Bool
  private var kept: [Key: Encoded] = [:]
  private var room: Int  // bytes
  private(set) var seconds = 0.0  // spent reading and encoding
  private(set) var areAllKept = false

  /// What an image is kept by; another that stands in for it has its shape.
  private struct Key: Hashable {
    let name: String
    let width: Int
    let height: Int
  }

  /// Squares of `size` pixels, or the shapes that the images have; up to `room` bytes of latents stay in memory.
  init(
    _ own: StableImages, size: Int, model: StableDiffusionModel, device: Device, winograd: Bool, room: Int = 1 << 31
  ) {
    images = ReadableImages(own.files)
    (crop, mirror) = (own.crop, own.mirror)
    (self.model, self.device, self.winograd, self.room) = (model, device, winograd, room)
    var sides = [(width: Int, height: Int)](repeating: (size, size), count: own.files.count)
    let cell = model.geometry.cell
    for case (let bucket?, let items) in own.shapes.groups {
      for item in items { sides[item] = (bucket.width * cell, bucket.height * cell) }
    }
    self.sides = sides
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
    if let known = kept[key(item, shapedAs: item)] { return known }
    let watch = Stopwatch()
    defer { seconds += watch.seconds }
    let (width, height) = sides[item]
    let (found, example) = try images.example(
      item, width: width, height: height, crop: crop, mirror: mirror, seed: seed)
    if !isNewAtEveryVisit, let known = kept[key(found, shapedAs: item)] {
      kept[key(item, shapedAs: item)] = known
      return known
    }
    try model.prepare(.autoencoder)
    let pixels = TensorImage.tensor([example.image]).to(device)
    let (mean, deviation) = withNoGrad { withWinograd(enabled: winograd) { model.latentDistribution(of: pixels) } }
    let encoded = Encoded(item: found, mean: mean.to(.cpu), deviation: deviation?.to(.cpu))
    let bytes = 8 * mean.count
    if !isNewAtEveryVisit, bytes <= room {
      for index in [item, found] { kept[key(index, shapedAs: item)] = encoded }
      room -= bytes
    }
    return encoded
  }

  /// Encodes all images that can be kept; false if that was stopped.
  func fill(unless shouldStop: () -> Bool) throws -> Bool {
    if isNewAtEveryVisit { return true }
    for item in 0..<source.count where !isKept(item) {
      if shouldStop() { return false }
      _ = try self(item, seed: 0)
      if !isKept(item) { return true }  // there is no room for more
    }
    areAllKept = true
    return true
  }

  private func isKept(_ item: Int) -> Bool { kept[key(item, shapedAs: item)] != nil }

  /// An image that is listed several times is one; names that are not UTF-8 may be those of several.
  private func key(_ item: Int, shapedAs other: Int) -> Key {
    let (id, (width, height)) = (source.id(item), sides[other])
    return Key(name: id.contains("\u{FFFD}") ? "\(item) \(id)" : id, width: width, height: height)
  }

  /// Whether crops or flips change from visit to visit.
  private var isNewAtEveryVisit: Bool { crop == .random || mirror }
}
