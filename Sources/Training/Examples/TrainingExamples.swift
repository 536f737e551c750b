import Flux
import Scenes
import Support
import Torch

/// A batch of captioned images.
struct ExampleBatch {
  var images: Tensor  // [B, 3, size, size], channels-last: in −1…1, or bytes that `Trainer.load` converts
  let captions: [String]
  let ids: [String]  // names in messages
  let labels: Tensor?  // [B, h · w], the object label of each latent cell, if the data set provides labels
  let focus: [Focus]  // per image, the center of interest: 0…1 from the left and from the top
  let items: [Int]  // indices of the images in their source

  struct Focus {
    var x: Double
    var y: Double
  }
}

extension ExampleBatch {
  /// What is random about a window: its shift from the focus by up to a cell, and whether it is flipped.
  struct WindowChoice {
    let right: Int
    let down: Int
    let isMirrored: Bool

    init(_ random: inout SplitMix64) {
      right = random.below(3) - 1
      down = random.below(3) - 1
      isMirrored = random.chance(0.5)
    }

    /// The first row and column, in cells, of the window around a focus.
    func corner(of focus: Focus, side: Int, window: Int) -> (row: Int, column: Int) {
      func start(_ center: Double, _ shift: Int) -> Int {
        min(max(Int(center * Double(side)) - window / 2 + shift, 0), side - window)
      }
      return (start(focus.y, down), start(focus.x, right))
    }
  }

  /// The examples of several batches of the same kind, at least one.
  static func joined(_ batches: [ExampleBatch]) -> ExampleBatch {
    if batches.count == 1 { return batches[0] }
    let labels = batches.compactMap(\.labels)
    return ExampleBatch(
      images: Tensor.cat(batches.map(\.images)), captions: batches.flatMap(\.captions), ids: batches.flatMap(\.ids),
      labels: labels.isEmpty ? nil : Tensor.cat(labels), focus: batches.flatMap(\.focus),
      items: batches.flatMap(\.items))
  }

  /// Crops of `window` × `window` cells from images of `side` × `side` cells, around the focus of each image: most of an
  /// image is background, which is learned quickly.
  ///
  /// Half of them are flipped horizontally. There is a choice for each image.
  func windows(side: Int, window: Int, _ choices: [WindowChoice]) -> (images: Tensor, labels: Tensor?) {
    let cell = images.shape[2] / side  // pixels
    let count = images.shape[0]
    let grid = labels?.reshaped([count, side, side])
    var (parts, labelParts): ([Tensor], [Tensor]) = ([], [])
    for (index, (focus, choice)) in zip(focus, choices).enumerated() {
      let (row, column) = choice.corner(of: focus, side: side, window: window)
      let part = images[index].narrowed(1, row * cell, window * cell).narrowed(2, column * cell, window * cell)
      parts.append(choice.isMirrored ? part.flipped([2]) : part)
      if let grid {
        let part = grid[index].narrowed(0, row, window).narrowed(1, column, window)
        labelParts.append((choice.isMirrored ? part.flipped([1]) : part).reshaped([window * window]))
      }
    }
    return (Tensor.stack(parts).channelsLast(), grid.map { _ in Tensor.stack(labelParts) })
  }
}

/// Captioned images in an order that depends only on the seed.
///
/// Every use (`ExampleStream`) has its own order, determined by a running index, so that a run can continue anywhere.
protocol TrainingExamples {
  /// Images that could not be read so far, with the reason.
  var failures: [String] { get }
  func batch(_ stream: ExampleStream, _ range: Range<Int>, size: Int) throws -> ExampleBatch
  /// The block of the diffusion stream that contains an index.
  func block(at index: Int) -> ExampleBlock
  /// The metadata of a block, as in `batch`, without its images; nil if the images are not `items` any more.
  func metadata(_ block: ExampleBlock, items: [Int], size: Int) throws -> ExampleMetadata?
  /// Identifies the images of the diffusion stream: a human-readable name and a hash.
  func identity(size: Int) throws -> (name: String, hash: String)
}

/// Captions, names and labels of images.
struct ExampleMetadata {
  let captions: [String]
  let ids: [String]
  let labels: Tensor?  // [B, h · w]
}

/// The uses of examples.
enum ExampleStream: UInt64 {
  case autoencoder = 1
  case joint, superResolution, diffusion, preview, decoder

  /// The seed of this stream in a run with a seed.
  func seed(of run: UInt64) -> UInt64 { run &* 16 &+ rawValue }
}

/// Scenes, rendered on the fly: endless, or the first `count` in a shuffled order per epoch.
struct SceneExamples: TrainingExamples {
  let seed: UInt64
  let world: World
  var emphasis = SceneEmphasis.none
  let count: Int?
  let side: Int  // of the latent, in cells
  let atlas: GlyphAtlas
  /// Fraction of the autoencoder's images that are textures instead of scenes, for more varied content.
  var textures = 0.0
  var failures: [String] { [] }

  func batch(_ stream: ExampleStream, _ range: Range<Int>, size: Int) -> ExampleBatch {
    let streamSeed = stream.seed(of: seed)
    let (indices, chosen) = scenes(stream, range)
    let focus = zip(range, chosen).map { index, example in
      var random = SplitMix64(seed: streamSeed &+ 0xf0c5, index: UInt64(index))
      if random.chance(0.25) || isTexture(stream, index) {
        return ExampleBatch.Focus(x: random.unit(), y: random.unit())
      }
      let object = random.pick(example.scene.objects)  // any point of it, to include the edges of large objects
      return ExampleBatch.Focus(
        x: object.x + random.real(-0.4, 0.4) * object.side, y: object.y + random.real(-0.4, 0.4) * object.side)
    }
    let metadata = metadata(stream, indices, chosen)
    let images = Parallel.map(Array(zip(indices, chosen))) { index, example in
      isTexture(stream, index)
        ? TexturePatterns.render(seed: streamSeed, index: index, size: size)
        : example.scene.render(size: size, atlas: atlas)
    }
    return ExampleBatch(
      images: TensorImage.bytes(images), captions: metadata.captions, ids: metadata.ids,
      labels: metadata.labels, focus: focus, items: indices)
  }

  /// Whether an image of a stream is a texture instead of its scene; only in the autoencoder stream, without captions.
  private func isTexture(_ stream: ExampleStream, _ index: Int) -> Bool {
    guard stream == .autoencoder, textures > 0 else { return false }
    var random = SplitMix64(seed: stream.seed(of: seed) &+ 0x7e87, index: UInt64(index))
    return random.chance(textures)
  }

  func block(at index: Int) -> ExampleBlock { ExampleBlock(endless: index) }

  func metadata(_ block: ExampleBlock, items: [Int], size: Int) -> ExampleMetadata? {
    let (indices, chosen) = scenes(.diffusion, block.range)
    return indices == items ? metadata(.diffusion, indices, chosen) : nil
  }

  /// Includes the pixels of a few scenes, which depend on fonts and renderer.
  func identity(size: Int) -> (name: String, hash: String) {
    let pixels = batch(.diffusion, 0..<8, size: size).images
    let name =
      (count.map { "the first \($0) " } ?? "")
      + "\(world.rawValue) scenes\(emphasis.name)\(atlas.version.name), seed \(seed)"
    return (name, CacheManifest.hash(of: [(name, pixels)]))
  }

  private func source(_ stream: ExampleStream) -> Scenes {
    Scenes(seed: count == nil ? stream.seed(of: seed) : 0, world: world, emphasis: emphasis)
  }

  private func scenes(_ stream: ExampleStream, _ range: Range<Int>) -> (indices: [Int], examples: [CaptionedScene]) {
    let order = count.map { EpochOrder(count: $0, seed: stream.seed(of: seed)) }
    let indices = range.map { order?[$0] ?? $0 }
    let source = source(stream)
    return (indices, indices.map { source[$0] })
  }

  private func metadata(_ stream: ExampleStream, _ indices: [Int], _ chosen: [CaptionedScene]) -> ExampleMetadata {
    let seed = source(stream).seed
    return ExampleMetadata(
      captions: chosen.map(\.caption), ids: indices.map { "scene \($0) of seed \(seed)" },
      labels: SceneBatches.labels(chosen.map(\.scene), side: side, world: world))
  }
}

/// The order of a finite collection over epochs: each has every item once, shuffled by seed and epoch only.
struct EpochOrder {
  let count: Int
  let seed: UInt64

  /// The item at a running index over all epochs.
  ///
  /// A Feistel network permutes the next power of four, with cycle walking for values outside the range: no table is
  /// needed, and any index is computed directly.
  subscript(index: Int) -> Int {
    let (epoch, place) = index.quotientAndRemainder(dividingBy: count)
    var half: UInt64 = 1
    while (1 << (2 * half)) < UInt64(count) { half += 1 }
    let mask: UInt64 = (1 << half) - 1
    var item = UInt64(place)
    repeat {
      var (left, right) = (item >> half, item & mask)
      for round in 0..<4 as Range<UInt64> {
        var random = SplitMix64(seed: seed &+ UInt64(epoch) &* 0x51_7cc1, index: right << 3 | round)
        (left, right) = (right, left ^ (random.next() & mask))
      }
      item = left << half | right
    } while item >= UInt64(count)
    return Int(item)
  }
}
