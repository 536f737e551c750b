import Scenes
import Support
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct TrainingExamplesTests {
  /// Perhaps mirrored; most of them with an object.
  @Test func aWindowShowsPartOfItsImage() throws {
    let (side, window) = (8, 4)
    let examples = SceneExamples(seed: 1, world: .small, count: nil, side: side, atlas: try GlyphAtlas())
    let batch = examples.batch(.autoencoder, 0..<24, size: 64)
    let (images, labels) = (batch.images, try #require(batch.labels))
    var random = SplitMix64(seed: 1, index: 0)
    let choices = (0..<24).map { _ in ExampleBatch.WindowChoice(&random) }
    let cut = batch.windows(side: side, window: window, choices)
    let cutLabels = try #require(cut.labels)
    #expect(cut.images.shape == [24, 3, 32, 32] && cutLabels.shape == [24, 16])
    #expect((0..<24).filter { cutLabels[$0].ints().contains { $0 != 0 } }.count >= 18)
    for index in 0..<24 {
      let (shown, named) = (cut.images[index].contiguous().floats(), cutLabels[index].ints())
      var isPart = false
      for row in 0...side - window {
        for column in 0...side - window {
          let part = images[index].narrowed(1, row * 8, 32).narrowed(2, column * 8, 32)
          let cells = labels[index].reshaped([side, side]).narrowed(0, row, window).narrowed(1, column, window)
          for (part, cells) in [(part, cells), (part.flipped([2]), cells.flipped([1]))]
          where part.contiguous().floats() == shown && cells.contiguous().ints() == named { isPart = true }
        }
      }
      #expect(isPart, "scene \(index)")
    }
  }

  @Test func someOfTheAutoencodersImagesAreTexturesAndNoOthers() throws {
    let atlas = try GlyphAtlas()
    func pixels(_ stream: ExampleStream, textures: Double) -> [[Float]] {
      let examples = SceneExamples(seed: 1, world: .small, count: nil, side: 8, atlas: atlas, textures: textures)
      let images = examples.batch(stream, 0..<40, size: 32).images.to(.float32)
      return (0..<40).map { images[$0].contiguous().floats() }
    }
    let (plain, mixed) = (pixels(.autoencoder, textures: 0), pixels(.autoencoder, textures: 0.5))
    let changed = zip(plain, mixed).filter { $0 != $1 }.count
    #expect((10...30).contains(changed), "\(changed)")
    #expect(pixels(.diffusion, textures: 0.5) == pixels(.diffusion, textures: 0))
  }

  @Test(arguments: [1, 2, 5, 64, 1000]) func anEpochShowsEveryItemOnceInAnOrderOfItsOwn(count: Int) {
    let order = EpochOrder(count: count, seed: 7)
    let epochs = (0..<3).map { epoch in (0..<count).map { order[epoch * count + $0] } }
    for epoch in epochs { #expect(epoch.sorted() == Array(0..<count)) }
    if count >= 64 {
      #expect(Set(epochs).count == 3)
      #expect(epochs[0] != Array(0..<count))
      #expect(epochs[0] != (0..<count).map { EpochOrder(count: count, seed: 8)[$0] })
    }
  }

  @Test func aBatchIsPartOfItsStreamWhereverItBegins() throws {
    let examples = SceneExamples(seed: 4, world: .small, count: 100, side: 4, atlas: try GlyphAtlas())
    let whole = examples.batch(.diffusion, 96..<104, size: 32)  // over the end of an epoch
    let part = examples.batch(.diffusion, 99..<102, size: 32)
    #expect(Array(whole.captions[3..<6]) == part.captions)
    #expect(whole.images.narrowed(0, 3, 3).contiguous().floats() == part.images.contiguous().floats())
    #expect(examples.batch(.joint, 99..<102, size: 32).captions != part.captions)
  }

  @Test func objectCellsWeighMoreAndTheMeanIsOne() {
    let labels = Tensor([0, 0, 0, 5] as [Int64], shape: [1, 4])
    let weights = Alignment.cellWeights(labels, side: 2, extra: 2)
    #expect(weights.shape == [1, 1, 2, 2])
    expectClose(weights.reshaped([4]), Tensor([2, 2, 2, 6] as [Float], shape: [4]) / 3)
  }

  @Test func everyUseOfTheExamplesOfEveryRunHasItsOwnSeed() {
    let streams: [ExampleStream] = [.autoencoder, .joint, .superResolution, .diffusion, .preview, .decoder]
    let seeds = (0..<50 as Range<UInt64>).flatMap { run in streams.map { $0.seed(of: run) } }
    #expect(Set(seeds).count == 300)
  }

  @Test func theMetadataOfABlockIsThatOfItsImagesOrNone() throws {
    let examples = SceneExamples(seed: 4, world: .small, count: 100, side: 4, atlas: try GlyphAtlas())
    let block = examples.block(at: 70)
    #expect(block.range == 64..<128)
    let batch = examples.batch(.diffusion, block.range, size: 8)
    let metadata = try #require(examples.metadata(block, items: batch.items, size: 8))
    #expect(metadata.captions == batch.captions && metadata.ids == batch.ids)
    #expect(metadata.labels?.ints() == batch.labels?.ints())
    #expect(examples.metadata(block, items: batch.items.reversed(), size: 8) == nil)
  }

  @Test func theIdentityOfScenesIsThatOfTheirPixels() throws {
    let atlas = try GlyphAtlas()
    func identity(seed: UInt64 = 4, count: Int? = nil, size: Int = 8) -> (name: String, hash: String) {
      SceneExamples(seed: seed, world: .small, count: count, side: 4, atlas: atlas).identity(size: size)
    }
    let own = identity()
    #expect(own.name == "small scenes, rendering 2, seed 4" && identity() == own)
    #expect(identity(count: 100).name == "the first 100 small scenes, rendering 2, seed 4")
    let others = [identity(seed: 5), identity(count: 100), identity(size: 16)].map(\.hash)
    #expect(Set(others + [own.hash]).count == 4)
  }
}
