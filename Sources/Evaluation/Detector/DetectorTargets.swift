import Foundation
import Scenes
import Torch

/// What the learnt judge should say of a batch of scenes.
struct DetectorTargets {
  let heat: Tensor  // [B, cells]: 1 at centres, falling off around them
  let centres: Tensor  // [K], the rows of `Sight.cells` that hold a centre
  let names: Tensor  // [K]
  let colours: Tensor  // [K]
  let hasColour: Tensor  // [K], 1 where a shape shows its colour
  let boxes: Tensor  // [K, 4]
  let backgrounds: Tensor  // [B]
  let showsBackground: Tensor  // [B], 1 where the look leaves its colours

  init(_ scenes: [Scene], atlas: GlyphAtlas) {
    let (world, side) = (atlas.world, GlyphDetector.grid)
    let nouns = Dictionary(uniqueKeysWithValues: world.nouns.enumerated().map { ($1, Int64($0)) })
    let paints = Dictionary(uniqueKeysWithValues: world.colours.enumerated().map { ($1, Int64($0)) })
    let behind = Dictionary(uniqueKeysWithValues: world.backgrounds.enumerated().map { ($1, Int64($0)) })
    var (heat, boxes) = ([Float](), [Float]())
    var (centres, names, colours) = ([Int64](), [Int64](), [Int64]())
    var hasColour = [Float]()
    for (index, scene) in scenes.enumerated() {
      var map = [Float](repeating: 0, count: side * side)
      for placed in scene.objects {
        let extent = atlas.extent(of: placed, look: scene.look)
        let (x, y) = (placed.x * Double(side), placed.y * Double(side))
        let (column, row) = (min(Int(x), side - 1), min(Int(y), side - 1))
        let spread = 0.4 + 0.1 * placed.side * Double(side)  // in cells
        for cell in map.indices {
          let (dx, dy) = (Double(cell % side - column), Double(cell / side - row))
          map[cell] = max(map[cell], Float(exp(-(dx * dx + dy * dy) / (2 * spread * spread))))
        }
        centres.append(Int64((index * side + row) * side + column))
        names.append(nouns[placed.object.noun]!)
        if case .shape(_, let colour) = placed.object {
          colours.append(paints[colour]!)
          hasColour.append(scene.look.showsColours ? 1 : 0)
        } else {
          colours.append(0)
          hasColour.append(0)
        }
        boxes += [x - Double(column) - 0.5, y - Double(row) - 0.5, extent.width, extent.height].map { Float($0) }
      }
      heat += map
    }
    self.heat = Tensor(heat, shape: [scenes.count, side * side])
    self.centres = Tensor(centres)
    self.names = Tensor(names)
    self.colours = Tensor(colours)
    self.hasColour = Tensor(hasColour)
    self.boxes = Tensor(boxes, shape: [names.count, 4])
    backgrounds = Tensor(scenes.map { behind[$0.background]! })
    showsBackground = Tensor(scenes.map { $0.look.showsColours ? 1 : 0 as Float })
  }
}

/// How far the learnt judge is from its targets, part by part.
struct DetectorLoss {
  let heat: Tensor
  let name: Tensor
  let colour: Tensor
  let box: Tensor
  let background: Tensor

  init(_ network: GlyphDetector, _ pixels: Tensor, _ targets: DetectorTargets) {
    let sight = network(pixels)
    let things = network.things(sight.cells.indexed(0, targets.centres))
    heat = Self.focal(sight.heat.to(.float32), targets.heat)
    name = Self.crossEntropy(things.names, targets.names, nil)
    colour = Self.crossEntropy(things.colours, targets.colours, targets.hasColour)
    box = (things.boxes.to(.float32) - targets.boxes).abs().mean()
    background = Self.crossEntropy(sight.background, targets.backgrounds, targets.showsBackground)
  }

  var total: Tensor { heat + name + colour * 0.5 + box * 2 + background * 0.5 }

  /// The focal loss of CenterNet (Zhou 2019, equation 1): easy cells count little, those beside a centre are forgiven.
  private static func focal(_ logits: Tensor, _ targets: Tensor) -> Tensor {
    let p = logits.sigmoid().clamped(to: 1e-4...0.9999)
    let isCentre = (targets .>= 1).to(.float32)
    let centres = (1 - p).square() * p.log() * isCentre
    let others = (1 - targets).pow(4) * p.square() * (1 - p).log() * (1 - isCentre)
    return -(centres + others).sum() / isCentre.sum()
  }

  private static func crossEntropy(_ logits: Tensor, _ labels: Tensor, _ weights: Tensor?) -> Tensor {
    let errors = -logits.to(.float32).logSoftmax(dim: 1).gathered(1, labels.unsqueezed(1)).squeezed(1)
    guard let weights else { return errors.mean() }
    return (errors * weights).sum() / weights.sum().maximum(1)
  }
}
