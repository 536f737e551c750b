import Flux
import Scenes
import Support
import Torch

/// What a step learns from.
struct ExampleBatch {
  var pictures: Tensor  // [B, 3, size, size], channels-last: in −1…1, or bytes that `Trainer.load` makes that of
  let captions: [String]
  let ids: [String]  // what messages call them
  let labels: Tensor?  // [B, h · w], what stands in each latent cell, where somebody knows
  let focus: [Focus]  // per picture, a place worth looking at: 0…1 from the left and from the top
  let items: [Int]  // which pictures of their source these are

  struct Focus {
    var x: Double
    var y: Double
  }
}

extension ExampleBatch {
  /// Windows of `window` × `window` cells out of pictures of `side` × `side` cells, each around its picture's focus:
  /// most of a picture is background, which is soon learnt.
  ///
  /// Half of them are mirrored.
  func windows(side: Int, window: Int, _ random: inout SplitMix64) -> (pictures: Tensor, labels: Tensor?) {
    let cell = pictures.shape[2] / side  // pixels
    let count = pictures.shape[0]
    let grid = labels?.reshaped([count, side, side])
    var (parts, labelParts): ([Tensor], [Tensor]) = ([], [])
    for (index, focus) in focus.enumerated() {
      func corner(_ centre: Double) -> Int {
        min(max(Int(centre * Double(side)) - window / 2 + random.below(3) - 1, 0), side - window)
      }
      let (column, row) = (corner(focus.x), corner(focus.y))
      let mirrored = random.chance(0.5)
      let part = pictures[index].narrowed(1, row * cell, window * cell).narrowed(2, column * cell, window * cell)
      parts.append(mirrored ? part.flipped([2]) : part)
      if let grid {
        let part = grid[index].narrowed(0, row, window).narrowed(1, column, window)
        labelParts.append((mirrored ? part.flipped([1]) : part).reshaped([window * window]))
      }
    }
    return (Tensor.stack(parts).channelsLast(), grid.map { _ in Tensor.stack(labelParts) })
  }
}

/// Pictures with captions in an order that depends on the seed alone.
///
/// Every use of them (`ExampleStream`) has an order of its own; the running index of a stream says all, so that a run can be
/// continued anywhere.
protocol TrainingExamples {
  /// What could not be read so far, with the reason.
  var failures: [String] { get }
  func batch(_ stream: ExampleStream, _ range: Range<Int>, size: Int) throws -> ExampleBatch
  /// The block of the diffusion stream that holds an index.
  func block(at index: Int) -> ExampleBlock
  /// What `batch` says about a block, without its pictures; nil where these are no longer `items`.
  func words(_ block: ExampleBlock, items: [Int], size: Int) throws -> ExampleWords?
  /// What tells the pictures of the diffusion stream's blocks from those of other data: for people, and as a hash.
  func identity(size: Int) throws -> (name: String, hash: String)
}

/// What is said about pictures.
struct ExampleWords {
  let captions: [String]
  let ids: [String]
  let labels: Tensor?  // [B, h · w]
}

/// What examples are drawn for.
enum ExampleStream: UInt64 {
  case autoencoder = 1
  case joint, superResolution, diffusion, preview, decoder

  /// The seed of this stream in a run of a seed.
  func seed(of run: UInt64) -> UInt64 { run &* 16 &+ rawValue }
}

/// Scenes, rendered as they are needed: endless, or the first `count` again and again in shuffled order.
struct SceneExamples: TrainingExamples {
  let seed: UInt64
  let world: World
  var emphasis = SceneEmphasis.none
  let count: Int?
  let side: Int  // of the latent, in cells
  let atlas: GlyphAtlas
  /// Share of the autoencoder's images that are textures instead of scenes, so that it is not good for flat stickers only.
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
      let object = random.pick(example.scene.objects)  // anywhere in it, so that large ones' edges are seen, too
      return ExampleBatch.Focus(
        x: object.x + random.real(-0.4, 0.4) * object.side, y: object.y + random.real(-0.4, 0.4) * object.side)
    }
    let words = words(stream, indices, chosen)
    let images = Parallel.map(Array(zip(indices, chosen))) { index, example in
      isTexture(stream, index)
        ? TexturePatterns.render(seed: streamSeed, index: index, size: size)
        : example.scene.render(size: size, atlas: atlas)
    }
    return ExampleBatch(
      pictures: TensorImage.bytes(images), captions: words.captions, ids: words.ids,
      labels: words.labels, focus: focus, items: indices)
  }

  /// Whether an image of a stream shows a texture in the place of its scene: those that captions go with never do.
  private func isTexture(_ stream: ExampleStream, _ index: Int) -> Bool {
    guard stream == .autoencoder, textures > 0 else { return false }
    var random = SplitMix64(seed: stream.seed(of: seed) &+ 0x7e87, index: UInt64(index))
    return random.chance(textures)
  }

  func block(at index: Int) -> ExampleBlock { ExampleBlock(endless: index) }

  func words(_ block: ExampleBlock, items: [Int], size: Int) -> ExampleWords? {
    let (indices, chosen) = scenes(.diffusion, block.range)
    return indices == items ? words(.diffusion, indices, chosen) : nil
  }

  /// Besides world and seed, the pixels of a few scenes: other fonts or another renderer draw others.
  func identity(size: Int) -> (name: String, hash: String) {
    let pixels = batch(.diffusion, 0..<8, size: size).pictures
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

  private func words(_ stream: ExampleStream, _ indices: [Int], _ chosen: [CaptionedScene]) -> ExampleWords {
    let seed = source(stream).seed
    return ExampleWords(
      captions: chosen.map(\.caption), ids: indices.map { "scene \($0) of seed \(seed)" },
      labels: SceneBatches.labels(chosen.map(\.scene), side: side, world: world))
  }
}

/// The order of a finite collection over its epochs: each holds every item once, shuffled by seed and epoch alone.
struct EpochOrder {
  let count: Int
  let seed: UInt64

  /// The item at a running index over all epochs.
  ///
  /// A Feistel network permutes the next power of four; what falls outside walks on until it falls inside, so that no
  /// table is kept and any index is found at once.
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
