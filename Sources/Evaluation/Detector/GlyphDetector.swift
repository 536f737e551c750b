import Models
import NN
import Support
import Torch

/// Finds the objects of a small picture by their centres: the learnt judge's network, after CenterNet (Zhou 2019).
///
/// One heat map for the centres of all kinds of objects; name, colour and box are read from the features of a centre's
/// cell, the background from their mean.
public final class GlyphDetector: Module {
  public struct Configuration: NetworkConfiguration, Equatable {
    public var world: String  // whose objects it knows
    public var names: Int
    public var colours: Int
    public var backgrounds: Int
    public var widths: [Int]  // of the levels with 32×32, 16×16 and 8×8 cells
    public var blocks: [Int]
    public var normGroups: Int

    public init(
      world: String, names: Int, colours: Int, backgrounds: Int, widths: [Int] = [48, 96, 96],
      blocks: [Int] = [1, 2, 1], normGroups: Int = 8
    ) {
      self.world = world
      self.names = names
      self.colours = colours
      self.backgrounds = backgrounds
      self.widths = widths
      self.blocks = blocks
      self.normGroups = normGroups
    }

    public func validate() throws(ConfigurationError) {
      try require("names", names, in: ConfigurationLimit.channels)
      try require("colours", colours, in: ConfigurationLimit.channels)
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
      return levels + between + widths[1] * (18 * widths[1] + names + colours + backgrounds)
    }
  }

  /// What it sees in pictures.
  public struct Sight {
    public let heat: Tensor  // [B, cells], logits of centres
    public let cells: Tensor  // [B · cells, width], what `things` reads
    public let background: Tensor  // [B, backgrounds], logits
  }

  /// What it says of single cells.
  public struct Things {
    public let names: Tensor  // [K, names], logits
    public let colours: Tensor  // [K, colours], logits
    /// `[K, 4]`: the centre's offset from the middle of the cell, in cells, to the right and down; width and height as
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
  let heat: Conv2d
  let name: Linear
  let colour: Linear
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
    heat = Conv2d(in: c.widths[1], out: 1, kernel: 1, initial)
    heat.bias?.fill_(-2.2)  // a tenth, since most cells are no centre
    name = Linear(in: c.widths[1], out: c.names, initial)
    colour = Linear(in: c.widths[1], out: c.colours, initial)
    box = Linear(in: c.widths[1], out: 4, initial)
    background = Linear(in: c.widths[1], out: c.backgrounds, initial)
  }

  /// Pictures `[B, 3, 128, 128]` in −1…1.
  public func callAsFunction(_ pixels: Tensor) -> Sight {
    let fine = levels[1](levels[0](convIn(pixels.pixelUnshuffle(4).channelsLast())))  // [B, width, 16, 16]
    let coarse = surroundings(levels[2](fine)).resizedBilinear(height: Self.grid, width: Self.grid)
    let features = normOut(mix(fine + coarse)).silu()
    let (B, width, h, w) = features.shape4
    return Sight(
      heat: heat(features).reshaped([B, h * w]),
      cells: features.permuted([0, 2, 3, 1]).reshaped([B * h * w, width]),
      background: background(features.mean([2, 3])))
  }

  /// What stands in cells `[K, width]` of a sight.
  public func things(_ cells: Tensor) -> Things {
    Things(names: name(cells), colours: colour(cells), boxes: box(cells))
  }
}

extension GlyphDetector: ConfiguredModel {
  public static var className: String { "FluxGlyphDetector" }
  public static var weightsName: String { "model" }
}
