import Foundation
import Scenes
import Torch

/// The training targets of the learned judge for a batch of scenes.
struct DetectorTargets {
  let heatmap: Tensor  // [B, cells]: 1 at centers, falling off around them
  let centers: Tensor  // [K], the rows of `Detections.cells` that hold a center
  let names: Tensor  // [K]
  let colors: Tensor  // [K]
  let hasColor: Tensor  // [K], 1 where a shape shows its color
  let boxes: Tensor  // [K, 4]
  let backgrounds: Tensor  // [B]
  let showsBackground: Tensor  // [B], 1 where the look leaves its colors

  init(_ scenes: [Scene], atlas: GlyphAtlas) {
    let (world, side) = (atlas.world, GlyphDetector.grid)
    let nouns = Dictionary(uniqueKeysWithValues: world.nouns.enumerated().map { ($1, Int64($0)) })
    let paints = Dictionary(uniqueKeysWithValues: world.colors.enumerated().map { ($1, Int64($0)) })
    let behind = Dictionary(uniqueKeysWithValues: world.backgrounds.enumerated().map { ($1, Int64($0)) })
    var (heatmap, boxes) = ([Float](), [Float]())
    var (centers, names, colors) = ([Int64](), [Int64](), [Int64]())
    var hasColor = [Float]()
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
        centers.append(Int64((index * side + row) * side + column))
        names.append(nouns[placed.object.noun]!)
        if case .shape(_, let color) = placed.object {
          colors.append(paints[color]!)
          hasColor.append(scene.look.showsColors ? 1 : 0)
        } else {
          colors.append(0)
          hasColor.append(0)
        }
        boxes += [x - Double(column) - 0.5, y - Double(row) - 0.5, extent.width, extent.height].map { Float($0) }
      }
      heatmap += map
    }
    self.heatmap = Tensor(heatmap, shape: [scenes.count, side * side])
    self.centers = Tensor(centers)
    self.names = Tensor(names)
    self.colors = Tensor(colors)
    self.hasColor = Tensor(hasColor)
    self.boxes = Tensor(boxes, shape: [names.count, 4])
    backgrounds = Tensor(scenes.map { behind[$0.background]! })
    showsBackground = Tensor(scenes.map { $0.look.showsColors ? 1 : 0 as Float })
  }
}

/// The losses of the learned judge.
struct DetectorLoss {
  let heatmap: Tensor
  let name: Tensor
  let color: Tensor
  let box: Tensor
  let background: Tensor

  init(_ network: GlyphDetector, _ pixels: Tensor, _ targets: DetectorTargets) {
    let detections = network(pixels)
    let classLogits = network.classLogits(detections.cells.indexed(0, targets.centers))
    heatmap = Self.focal(detections.heatmap.to(.float32), targets.heatmap)
    name = Self.crossEntropy(classLogits.names, targets.names, nil)
    color = Self.crossEntropy(classLogits.colors, targets.colors, targets.hasColor)
    box = (classLogits.boxes.to(.float32) - targets.boxes).abs().mean()
    background = Self.crossEntropy(detections.background, targets.backgrounds, targets.showsBackground)
  }

  var total: Tensor { heatmap + name + color * 0.5 + box * 2 + background * 0.5 }

  /// The focal loss of CenterNet (Zhou 2019, equation 1), which reduces the weight of easy cells and of cells near centers.
  private static func focal(_ logits: Tensor, _ targets: Tensor) -> Tensor {
    let p = logits.sigmoid().clamped(to: 1e-4...0.9999)
    let isCenter = (targets .>= 1).to(.float32)
    let centers = (1 - p).square() * p.log() * isCenter
    let others = (1 - targets).pow(4) * p.square() * (1 - p).log() * (1 - isCenter)
    return -(centers + others).sum() / isCenter.sum()
  }

  private static func crossEntropy(_ logits: Tensor, _ labels: Tensor, _ weights: Tensor?) -> Tensor {
    let errors = -logits.to(.float32).logSoftmax(dim: 1).gathered(1, labels.unsqueezed(1)).squeezed(1)
    guard let weights else { return errors.mean() }
    return (errors * weights).sum() / weights.sum().maximum(1)
  }
}
