import Images
import Support

/// Images without objects or text, for autoencoders that should not know emoji alone: gradients, smooth colors, clouds,
/// terrain, wood, stripes, checks, and two of these together.
public enum TexturePatterns {
  /// What an image shows.
  public enum Kind: String, Sendable, CaseIterable {
    /// A class of patterns; `mixture` is two of the others, one inside of a region and one outside.
    case gradient, colors, clouds, terrain, wood, stripes, checks, mixture
  }

  /// Image `index` of a seed, `size` pixels wide and high (at least 1), in RGB; all kinds are equally frequent.
  ///
  /// It has the same bytes on every machine, and the same pattern at every size.
  public static func render(seed: UInt64, index: Int, size: Int) -> Image {
    var random = stream(seed, index)
    let painter = painter(random.pick(Kind.allCases), &random, size)
    return Image(width: size, height: size) { row, pixels in painter.paint(row, pixels) }
  }

  /// What image `index` of a seed shows.
  public static func kind(seed: UInt64, index: Int) -> Kind {
    var random = stream(seed, index)
    return random.pick(Kind.allCases)
  }

  /// Other numbers than scenes of the same seed have.
  private static func stream(_ seed: UInt64, _ index: Int) -> SplitMix64 {
    SplitMix64(seed: seed &+ 0x7e87, index: UInt64(bitPattern: Int64(index)))
  }

  private static func painter(_ kind: Kind, _ random: inout SplitMix64, _ size: Int) -> any TexturePainter {
    switch kind {
    case .gradient: GradientTexture(&random, size)
    case .colors: ColorsTexture(&random, size)
    case .clouds: CloudsTexture(&random, size)
    case .terrain: TerrainTexture(&random, size)
    case .wood: WoodTexture(&random, size)
    case .stripes: StripesTexture(&random, size)
    case .checks: ChecksTexture(&random, size)
    case .mixture:
      MixedTexture(
        painter(random.pick(Kind.allCases.filter { $0 != .mixture }), &random, size),
        painter(random.pick(Kind.allCases.filter { $0 != .mixture }), &random, size), &random, size)
    }
  }
}

/// Paints a texture row by row from the top.
protocol TexturePainter: AnyObject {
  /// Sets every pixel of a row: red, green and blue in 0…255, and any alpha.
  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>)
}

/// One texture inside of a shape of noise, a half plane or a disc, and another outside.
private final class MixedTexture: TexturePainter {
  private enum Mask {
    case noise(FractalNoise)
    case half(x: Double, y: Double)
    case disc(x: Double, y: Double, radius: Double)
  }

  private let first: any TexturePainter
  private let second: any TexturePainter
  private let mask: Mask
  private let softness: Float  // width of the transition, as a share of the canvas or of the noise's range
  private let size: Int
  private let buffer: TextureBuffer<SIMD4<Float>>
  private let heights: TextureBuffer<Float>

  init(_ first: any TexturePainter, _ second: any TexturePainter, _ random: inout SplitMix64, _ size: Int) {
    (self.first, self.second, self.size) = (first, second, size)
    (buffer, heights) = (TextureBuffer(size), TextureBuffer(size))
    let isSharp = random.chance(0.6)
    let cells = random.real(1.5, 6)
    switch random.below(3) {
    case 0: mask = .noise(FractalNoise(&random, size: size, cells: (cells, cells), octaves: 2))
    case 1:
      let (x, y) = random.direction()
      mask = .half(x: x, y: y)
    default: mask = .disc(x: random.real(0.2, 0.8), y: random.real(0.2, 0.8), radius: random.real(0.15, 0.5))
    }
    let soft = random.real(0.05, 0.4)
    // Heights change by about the number of cells from edge to edge.
    var sharp = 1.5 / Double(size)
    if case .noise = mask { sharp *= cells / 2 }
    softness = Float(isSharp ? sharp : soft)
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    first.paint(row, pixels)
    second.paint(row, buffer.all)
    if case .noise(let noise) = mask { noise.fill(row, heights.start) }
    let y = (Double(row) + 0.5) / Double(size) - 0.5
    for x in 0..<size {
      let u = (Double(x) + 0.5) / Double(size) - 0.5
      let inside: Float
      switch mask {
      case .noise: inside = heights.start[x] - 0.5
      case .half(let dx, let dy): inside = Float(u * dx + y * dy)
      case .disc(let cx, let cy, let radius):
        let (dx, dy) = (u + 0.5 - cx, y + 0.5 - cy)
        inside = Float(radius - (dx * dx + dy * dy).squareRoot())
      }
      let share = max(0, min(1, inside / softness + 0.5))
      pixels[x] += (buffer.start[x] - pixels[x]) * share
    }
  }
}

/// Memory for one row, freed with its owner.
final class TextureBuffer<Element: BitwiseCopyable> {
  let start: UnsafeMutablePointer<Element>
  let all: UnsafeMutableBufferPointer<Element>

  init(_ count: Int) {
    start = .allocate(capacity: count)
    UnsafeMutableRawPointer(start).initializeMemory(
      as: UInt8.self, repeating: 0, count: count * MemoryLayout<Element>.stride)
    all = UnsafeMutableBufferPointer(start: start, count: count)
  }

  deinit { start.deallocate() }
}
