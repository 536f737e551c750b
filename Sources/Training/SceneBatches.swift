import Data
import Dispatch
import Raster
import Torch

/// Pictures as tensors, and scenes as batches of both.
enum SceneBatches {
  /// Pictures of one size in −1…1, `[B, 3, size, size]` in channels-last layout, drawn on all cores.
  static func render(_ scenes: [Scene], size: Int, atlas: GlyphAtlas) -> Tensor {
    let bytes = 3 * size * size
    let pixels = [UInt8](unsafeUninitializedCapacity: scenes.count * bytes) { buffer, filled in
      let target = Target(buffer: buffer)
      DispatchQueue.concurrentPerform(iterations: scenes.count) { index in
        let image = scenes[index].render(size: size, atlas: atlas)
        target.write(image.pixels, at: index * bytes)
      }
      filled = scenes.count * bytes
    }
    let grid = Tensor(pixels, shape: [scenes.count, size, size, 3])
    return grid.to(.float32).permuted([0, 3, 1, 2]) / 127.5 - 1
  }

  /// What stands in every cell of the scenes, `[B, side · side]`.
  static func labels(_ scenes: [Scene], side: Int) -> Tensor {
    Tensor(scenes.flatMap { $0.cells(side: side).map(Int64.init) }, shape: [scenes.count, side * side])
  }

  /// Windows of `window` × `window` cells out of pictures of `side` × `side` cells, each near an object of its scene:
  /// most of a picture is background, which is soon learnt.
  static func nearObjects(
    _ pictures: Tensor, _ labels: Tensor, of scenes: [Scene], side: Int, window: Int, _ random: inout SceneRandom
  ) -> (pictures: Tensor, labels: Tensor) {
    let cell = pictures.shape[2] / side  // pixels
    let count = scenes.count
    let grid = labels.reshaped([count, side, side])
    var parts: [(Tensor, Tensor)] = []
    for (index, scene) in scenes.enumerated() {
      let object = random.pick(scene.objects)
      func corner(_ centre: Double) -> Int {
        min(max(Int(centre * Double(side)) - window / 2 + random.below(3) - 1, 0), side - window)
      }
      let (column, row) = (corner(object.x), corner(object.y))
      parts.append(
        (
          pictures[index].narrowed(1, row * cell, window * cell).narrowed(2, column * cell, window * cell),
          grid[index].narrowed(0, row, window).narrowed(1, column, window).reshaped([window * window])
        ))
    }
    return (Tensor.stack(parts.map(\.0)).channelsLast(), Tensor.stack(parts.map(\.1)))
  }

  /// Every iteration writes a range of its own, so that no two threads meet.
  private struct Target: @unchecked Sendable {
    let buffer: UnsafeMutableBufferPointer<UInt8>
    func write(_ bytes: [UInt8], at offset: Int) {
      bytes.withUnsafeBufferPointer { source in
        (buffer.baseAddress! + offset).initialize(from: source.baseAddress!, count: source.count)
      }
    }
  }
}
