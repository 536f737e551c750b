import Models
import Support
import Torch

// Steps of a palette decoder's levels: encoder and decoder are frozen, and the images are larger than the model's.

extension Trainer {
  /// Trains the levels on windows near objects: the latents are those of whole images at the base size, the loss is at the
  /// size of the plan's larger ones.
  ///
  /// A window has half the side. The levels compute it with a cell around it, more than they see of their surroundings.
  func fieldLevelStep(_ step: Int, _ levels: FieldLevels, of decoder: PaletteDecoder) throws -> [String: Double] {
    let (size, batch) = (plan.superResolutionSide, plan.batch(of: .superResolution))
    let examples = try loadOwn(
      .superResolution, step * batch..<(step + 1) * batch, size: size)
    let generator = generator(step, .superResolution)
    let (features, fields) = withNoGrad {
      let latents = encoded(examples.images.avgPool2d(size / baseSize))
      let noisy = (latents + decoderNoise(latents.shape, generator)).channelsLast()
      let (features, fields) = inPrecision { decoder.trunk(noisy) }
      return (features.to(.float32), fields)
    }
    let side = model.configuration.latentSize
    var random = SplitMix64(seed: plan.seed &* 16 &+ Purpose.windows.rawValue, index: UInt64(step))
    let choices = (0..<batch).map { _ in ExampleBatch.WindowChoice(&random) }
    let places = zip(examples.focus, group.own(0..<batch).flatMap { choices[$0] }).map { focus, choice in
      FieldWindow(around: choice.corner(of: focus, side: side, window: side / 2), window: side / 2, side: side)
    }
    func boxes(_ map: Tensor) -> Tensor {
      Tensor.stack(places.enumerated().map { $1.box(of: map[$0], side: side) }).channelsLast()
    }
    let refined = inPrecision { levels(boxes(features), boxes(fields)) }
    func images(_ fields: Tensor) -> Tensor {
      Tensor.cat(places.enumerated().map { $1.image(of: fields[$0..<$0 + 1], by: decoder, cell: size / side) })
    }
    let truth = Tensor.stack(places.enumerated().map { $1.window(of: examples.images[$0], side: side) })
    let decoded = images(refined)
    let total = AutoencoderLoss.loss(decoded, truth, plan.lateLoss < 1 ? .late : .early)
    let learningRate =
      plan.autoencoderLearningRate * plan.learningRateFactor(at: step, in: plan.range(of: .superResolution))
    try accumulate(total, 1, step, "super-resolution loss", completes: networks.superResolution)
    var values: [String: Double] = [:]
    try update(
      networks.superResolution, learningRate, step, "super-resolution loss", norm: "gradientNorm", to: &values)
    add(["superResolution": total], 1, to: &values)
    if step % 20 == 0 {
      let psnr = AutoencoderLoss.psnr(decoded, truth)
      values["psnr"] = psnr
      values["psnrGain"] = psnr - AutoencoderLoss.psnr(withNoGrad { images(boxes(fields)) }, truth)
    }
    return values
  }
}

/// A square window of an image in cells of its latent, with a box around it that the levels compute.
struct FieldWindow {
  private let row: Int
  private let column: Int
  private let boxRow: Int
  private let boxColumn: Int
  private let window: Int
  private let boxSide: Int

  /// The window at a corner; its box has a cell more on each side, or two on one side at the border of the image.
  init(around corner: (row: Int, column: Int), window: Int, side: Int) {
    (row, column, self.window) = (corner.row, corner.column, window)
    let boxSide = min(window + 2, side)
    func start(_ place: Int) -> Int { min(max(place - 1, 0), side - boxSide) }
    (boxRow, boxColumn, self.boxSide) = (start(corner.row), start(corner.column), boxSide)
  }

  /// The box of a map `[C, H, W]` of `side` × `side` cells.
  func box(of map: Tensor, side: Int) -> Tensor { Self.part(map, boxRow, boxColumn, boxSide, side) }

  /// The window of a map `[C, H, W]` of `side` × `side` cells.
  func window(of map: Tensor, side: Int) -> Tensor { Self.part(map, row, column, window, side) }

  /// The window of the image that a decoder renders from the fields `[1, 4K, h, w]` of the box, with cells of `cell` pixels.
  func image(of fields: Tensor, by decoder: PaletteDecoder, cell: Int) -> Tensor {
    let (top, left, size) = ((row - boxRow) * cell, (column - boxColumn) * cell, window * cell)
    return decoder.image(
      of: fields, height: boxSide * cell, width: boxSide * cell, rows: top..<top + size, columns: left..<left + size)
  }

  private static func part(_ map: Tensor, _ row: Int, _ column: Int, _ count: Int, _ side: Int) -> Tensor {
    let cell = map.shape[1] / side
    return map.narrowed(1, row * cell, count * cell).narrowed(2, column * cell, count * cell)
  }
}
