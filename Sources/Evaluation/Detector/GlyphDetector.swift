import Models
import NN
import Support
import Torch

/// The network of the learned judge: a center-based object detector, after CenterNet (Zhou 2019).
///
/// One heatmap for the centers of all objects; name, color and box are predicted from the features of a center's cell, the
/// background from the mean of all cells.
public final class GlyphDetector: Module {
  /// The sizes of the detector, as stored in `config.json`.
  public struct Configuration: NetworkConfiguration, Equatable {
    /// Name of the world whose objects it knows.
    public var world: String
    /// Number of nouns.
    public var names: Int
    /// Number of colors of shapes.
    public var colors: Int
    /// Number of backgrounds.
    public var backgrounds: Int
    /// Widths of the levels with 32×32, 16×16 and 8×8 cells.
    public var widths: [Int]
    /// Residual blocks of each level.
    public var blocks: [Int]
    /// Number of groups of the group normalization; divides every width.
    public var normGroups: Int

    /// A configuration with the given sizes; `validate` checks it.
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

    /// Throws if a value is out of range, or unless there are three levels of widths that the groups divide.
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

    /// Elements of the larger kernels and matrices, to compare with the size of a file.
    public var weightCount: Int {
      let levels = zip(widths, blocks).reduce(0) { $0 + 18 * $1.0 * $1.0 * $1.1 }
      let between = 9 * (48 * widths[0] + widths[0] * widths[1] + widths[1] * widths[2]) + widths[2] * widths[1]
      return levels + between + widths[1] * (18 * widths[1] + names + colors + backgrounds)
    }
  }

  /// The predictions for images.
  public struct Detections {
    /// Logits of an object center in each cell, `[B, cells]`, with cells in rows.
    public let heatmap: Tensor
    /// Features of all cells, `[B · cells, width]`, the input of `classLogits`.
    public let cells: Tensor
    /// Logits of the backgrounds, `[B, backgrounds]`.
    public let background: Tensor
  }

  /// The predictions for single cells.
  public struct ClassLogits {
    /// Logits of the nouns, `[K, names]`.
    public let names: Tensor
    /// Logits of the colors, `[K, colors]`.
    public let colors: Tensor
    /// `[K, 4]`: the center's offset from the middle of the cell, in cells, to the right and down; width and height as
    /// shares of the canvas.
    public let boxes: Tensor
  }

  /// Side of the images in pixels.
  public static let side = 128
  /// Side of the grid of cells in which centers are predicted.
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
  /// The sizes that the network was built with.
  public let configuration: Configuration

  /// A network of the given sizes; traps if they are invalid.
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

  /// The objects in cells `[K, width]`, rows of `Detections.cells`.
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
  /// Keys of version 0.1 had British spelling.
  public static var olderKeys: [String: String] { ["heatmap.": "heat.", "color.": "colour."] }
  /// A class of Flux: no other library has this network.
  public static var className: String { "FluxGlyphDetector" }
  /// `model.safetensors`, as in transformers.
  public static var weightsName: String { "model" }
}
