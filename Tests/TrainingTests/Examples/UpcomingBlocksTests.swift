import Scenes
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct UpcomingBlocksTests {
  /// In order, with a gap, and back again: what is rendered ahead is what would have been rendered when it is needed.
  @Test func blocksThatWereRenderedAheadAreTheSame() throws {
    let examples = SceneExamples(seed: 3, world: .small, count: nil, side: 4, atlas: try GlyphAtlas())
    let ahead = UpcomingBlocks(examples, size: 32, depth: 2)
    for index in [0, 64, 128, 640, 64] {
      let range = examples.block(at: index).range
      let (given, own) = (ahead.batch(range), examples.batch(.diffusion, range, size: 32))
      #expect(given.ids == own.ids && given.captions == own.captions && given.items == own.items)
      #expect(given.images.bytes() == own.images.bytes() && given.labels?.ints() == own.labels?.ints())
    }
  }
}
