import Flux
import Scenes
import Support
import Torch

/// Pictures as tensors, and scenes as batches of both.
enum SceneBatches {
  /// Pictures of one size as bytes, `[B, 3, size, size]` in channels-last layout, drawn on all cores.
  static func render(_ scenes: [Scene], size: Int, atlas: GlyphAtlas) -> Tensor {
    TensorImage.bytes(Parallel.map(scenes) { $0.render(size: size, atlas: atlas) })
  }

  /// What stands in every cell of the scenes, `[B, side · side]`.
  static func labels(_ scenes: [Scene], side: Int, world: World) -> Tensor {
    Tensor(scenes.flatMap { $0.cells(side: side, world: world).map(Int64.init) }, shape: [scenes.count, side * side])
  }
}
