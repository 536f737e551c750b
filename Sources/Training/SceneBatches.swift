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
  static func labels(_ scenes: [Scene], side: Int, world: World) -> Tensor {
    Tensor(scenes.flatMap { $0.cells(side: side, world: world).map(Int64.init) }, shape: [scenes.count, side * side])
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
