import Data
import TestSupport
import Testing
import Torch

@testable import Training

@Suite struct SceneBatchesTests {
  @Test func aWindowShowsPartOfItsPictureAndAnObject() throws {
    let scenes = (0..<24).map { Scenes(seed: 1)[$0].scene }
    let (side, window) = (8, 4)
    let pictures = SceneBatches.render(scenes, size: 64, atlas: try GlyphAtlas())
    let labels = SceneBatches.labels(scenes, side: side)
    var random = SceneRandom(seed: 1, index: 0)
    let cut = SceneBatches.nearObjects(pictures, labels, of: scenes, side: side, window: window, &random)
    #expect(cut.pictures.shape == [24, 3, 32, 32] && cut.labels.shape == [24, 16])
    for index in scenes.indices {
      #expect(cut.labels[index].ints().contains { $0 != 0 }, "scene \(index)")
      let (shown, named) = (cut.pictures[index].contiguous().floats(), cut.labels[index].ints())
      var isPart = false
      for row in 0...side - window {
        for column in 0...side - window {
          let part = pictures[index].narrowed(1, row * 8, 32).narrowed(2, column * 8, 32)
          let cells = labels[index].reshaped([side, side]).narrowed(0, row, window).narrowed(1, column, window)
          if part.contiguous().floats() == shown, cells.contiguous().ints() == named { isPart = true }
        }
      }
      #expect(isPart, "scene \(index)")
    }
  }

  @Test func objectCellsWeighMoreAndTheMeanIsOne() {
    let labels = Tensor([0, 0, 0, 5] as [Int64], shape: [1, 4])
    let weights = Alignment.cellWeights(labels, side: 2, extra: 2)
    #expect(weights.shape == [1, 1, 2, 2])
    expectClose(weights.reshaped([4]), Tensor([2, 2, 2, 6] as [Float], shape: [4]) / 3)
  }
}
