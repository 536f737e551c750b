import Models
import NN
import Support
import Torch

/// The network of the learned judge: a center-based object detector, after CenterNet (Zhou 2019).
///
/// One heatmap for the centers of all objects; name, color and box are predicted from the features of a center's cell, the
/// background from the mean of all cells.
public final class GlyphDetector: Module {
  public struct Configuration: NetworkConfiguration, Equatable {
    public var world: String  // whose objects it knows
    public var names: Int
    public var colors: Int
    public var backgrounds: Int
    public var widths: [Int]  // of the levels with 32×32, 16×16 and 8×8 cells
    public var blocks: [Int]
    public var normGroups: Int

    public init(
      world: String, names: Int, colors: Int, backgrounds: Int, widths: [Int] = [48, 96, 96],
      blocks: [Int] = [1, 2, 1], normGroups: Int = 8
    ) {
      self.world = world
      self.names = names
      self.colors = colors
      self.backgrounds = backgrounds
      self.widths = widths
      self.blocks = blocks
      self.normGroups = normGroups
    }

    public func validate() throws(ConfigurationError) {
      try require("names", names, in: ConfigurationLimit.channels)
      try require("colors", colors, in: ConfigurationLimit.channels)
      try require("backgrounds", backgrounds, in: ConfigurationLimit.channels)
      try require("norm_groups", normGroups, in: ConfigurationLimit.channels)
      if widths.count != 3 { throw ConfigurationError("widths", "a list of \(widths.count)", expected: "three widths") }
      try require("blocks", count: blocks.count, as: 3, of: "widths")
      try require("widths", widths, in: ConfigurationLimit.channels)
      try require("blocks", blocks, in: ConfigurationLimit.layers)
      for (level, width) in widths.enumerated() {
        try require("widths[\(level)]", width, multipleOf: normGroups, "norm_groups")
      }
    }

    public var weightCount: Int {
      let levels = zip(widths, blocks).reduce(0) { $0 + 18 * $1.0 * $1.0 * $1.1 }
      let between = 9 * (48 * widths[0] + widths[0] * widths[1] + widths[1] * widths[2]) + widths[2] * widths[1]
      return levels + between + widths[1] * (18 * widths[1] + names + colors + backgrounds)
    }
  }

  /// The predictions for images.
  public struct Detections {
    public let heatmap: Tensor  // [B, cells], logits of centers
    public let cells: Tensor  // [B · cells, width], what `things` reads
    public let background: Tensor  // [B, backgrounds], logits
  }

  /// The predictions for single cells.
  public struct ClassLogits {
    public let names: Tensor  // [K, names], logits
    public let colors: Tensor  // [K, colors], logits
    /// `[K, 4]`: the center's offset from the middle of the cell, in cells, to the right and down; width and height as
    /// shares of the canvas.
    public let boxes: Tensor
  }

  /// Pixels, and cells, along a side.
  public static let side = 128
  public static let grid = 16

  let convIn: Conv2d
  let levels: [EncoderLevel]
  let surroundings: Conv2d
  let mix: ConvolutionBlock
  let normOut: GroupNorm
  let heatmap: Conv2d
  let name: Linear
  let color: Linear
  let box: Linear
  let background: Linear
  public let configuration: Configuration

  public init(_ configuration: Configuration, _ initial: Initializer) {
    let c = configuration
    c.checkedOrTrap()
    self.configuration = c
    convIn = Conv2d(in: 3 * 16, out: c.widths[0], kernel: 3, initial)
    levels = c.widths.indices.map { level in
      EncoderLevel(
        from: level == 0 ? nil : c.widths[level - 1], width: c.widths[level], blocks: c.blocks[level],
        groups: c.normGroups, hasShortcut: false, initial)
    }
    surroundings = Conv2d(in: c.widths[2], out: c.widths[1], kernel: 1, initial)
    mix = ConvolutionBlock(c.widths[1], groups: c.normGroups, initial)
    normOut = GroupNorm(groups: c.normGroups, channels: c.widths[1])
    heatmap = Conv2d(in: c.widths[1], out: 1, kernel: 1, initial)
    heatmap.bias?.fill_(-2.2)  // a probability of 0.1, since few cells are centers
    name = Linear(in: c.widths[1], out: c.names, initial)
    color = Linear(in: c.widths[1], out: c.colors, initial)
    box = Linear(in: c.widths[1], out: 4, initial)
    background = Linear(in: c.widths[1], out: c.backgrounds, initial)
  }

  /// Images `[B, 3, 128, 128]` in −1…1.
  public func callAsFunction(_ pixels: Tensor) -> Detections {
    let fine = levels[1](levels[0](convIn(pixels.pixelUnshuffle(4).channelsLast())))  // [B, width, 16, 16]
    let coarse = surroundings(levels[2](fine)).resizedBilinear(height: Self.grid, width: Self.grid)
    let features = normOut(mix(fine + coarse)).silu()
    let (B, width, h, w) = features.shape4
    return Detections(
      heatmap: heatmap(features).reshaped([B, h * w]),
      cells: features.permuted([0, 2, 3, 1]).reshaped([B * h * w, width]),
      background: background(features.mean([2, 3])))
  }

  /// What stands in cells `[K, width]` of a sight.
  public func classLogits(_ cells: Tensor) -> ClassLogits {
    ClassLogits(names: name(cells), colors: color(cells), boxes: box(cells))
  }
}

extension GlyphDetector.Configuration {
  private enum OlderKeys: String, CodingKey { case colors = "colours" }

  /// Reads `colors`, or the key that version 0.1 wrote.
  public init(from decoder: any Swift.Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    let older = try decoder.container(keyedBy: OlderKeys.self)
    world = try fields.decode(String.self, forKey: .world)
    names = try fields.decode(Int.self, forKey: .names)
    colors =
      if !fields.contains(.colors), older.contains(.colors) {
        try older.decode(Int.self, forKey: .colors)
      } else { try fields.decode(Int.self, forKey: .colors) }
    backgrounds = try fields.decode(Int.self, forKey: .backgrounds)
    widths = try fields.decode([Int].self, forKey: .widths)
    blocks = try fields.decode([Int].self, forKey: .blocks)
    normGroups = try fields.decode(Int.self, forKey: .normGroups)
  }
}

extension GlyphDetector: ConfiguredModel {
  public static var olderKeys: [String: String] { ["heatmap.": "heat.", "color.": "colour."] }
  public static var className: String { "FluxGlyphDetector" }
  public static var weightsName: String { "model" }
}
