import Flux
import Scenes
import Support
import Torch

/// What the learned judge is shown: one half scenes of both splits, so that it expects no combination more than another,
/// the other half crowds of objects anywhere.
struct DetectorScenes {
  let seed: UInt64
  let world: World

  /// The scene of an index, always the same.
  subscript(index: Int) -> Scene {
    switch index % 4 {
    case 0: Scenes(seed: seed, world: world)[index].scene
    case 1: Scenes(seed: seed, split: .heldOut, world: world)[index].scene
    default: crowd(index)
    }
  }

  /// As many as six objects whose boxes do not meet; most of an image is looked at then.
  private func crowd(_ index: Int) -> Scene {
    var random = SplitMix64(seed: seed &+ 0xc20d, index: UInt64(index))
    let background = random.pick(world.backgrounds)
    let sides =
      switch world {
      case .small: (0.27, 0.48)
      case .medium: (0.18, 0.48)
      case .full: (0.15, 0.48)
      }
    var placed: [Scene.Placed] = []
    for _ in 0..<24 where placed.count < 6 {
      let side = random.real(sides.0, sides.1)
      let x = random.real(side / 2 + 0.01, 0.99 - side / 2)
      let y = random.real(side / 2 + 0.01, 0.99 - side / 2)
      let object = draw(on: background, &random)
      let meets = placed.contains { max(abs($0.x - x), abs($0.y - y)) < ($0.side + side) / 2 }
      if !meets { placed.append(Scene.Placed(object: object, size: .medium, x: x, y: y, side: side)) }
    }
    return Scene(
      objects: placed, place: nil, relation: nil, background: background, horizon: random.real(0.56, 0.64))
  }

  /// An emoji three times in five, or a shape that its background does not hide: shapes are few, and differ less.
  private func draw(on background: Scene.Background, _ random: inout SplitMix64) -> SceneObject {
    if random.chance(0.6) { return .emoji(random.pick(world.emoji).names[0]) }
    var color = random.pick(world.colors)
    while background == .plain(color) { color = random.pick(world.colors) }
    return .shape(random.pick(world.shapes), color)
  }
}

extension [Scene] {
  /// Renders of one size, `[B, 3, size, size]` uint8, drawn on all cores.
  func pixels(size: Int, atlas: GlyphAtlas) -> Tensor {
    TensorImage.bytes(Parallel.map(self) { $0.render(size: size, atlas: atlas) })
  }
}
