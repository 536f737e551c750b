extension Sprite {
  /// Longer side of its finest level, in pixels.
  public var longerSide: Int { max(levels[0].width, levels[0].height) }

  /// Bytes of its finest level.
  public var finestBytes: Int { 4 * levels[0].width * levels[0].height }

  /// The same sprite with two finer levels above its own, twice and four times as wide, to be drawn larger than it is.
  ///
  /// A bitmap that is enlarged bilinearly gets edges as wide as the enlargement. Here it is enlarged once, and its edges
  /// are made about a pixel wide (see `SpriteEnlargement`). The old levels stay below the new ones: whatever is drawn no
  /// larger than the bitmap has the same bytes as before.
  public func enlarged() -> Enlarged { Enlarged(SpriteEnlargement.fourfold(levels[0]), over: self) }

  /// A sprite with finer levels above its own.
  public struct Enlarged: Sendable {
    /// The sprite with a level twice as wide and high above its own.
    public let twofold: Sprite
    /// The sprite with levels twice and four times as wide and high above its own.
    public let fourfold: Sprite

    init(_ finest: Level, over sprite: Sprite) {
      let middle = SpriteEnlargement.halved(finest)
      twofold = Sprite(levels: [middle] + sprite.levels, tint: sprite.tint)
      fourfold = Sprite(levels: [finest] + twofold.levels, tint: sprite.tint)
    }
  }
}

/// Enlarges a bitmap by four: Lanczos interpolation with three lobes, and then edges that are steep.
///
/// Between the least and the greatest of the 3×3 old pixels around it every value is moved away from the middle. An edge
/// gets steep, stays where it was and has no halo; plateaus of any height, such as shadows that are half transparent,
/// and smooth shades stay as they are. Colors are interpolated without their alpha, and continued into what is
/// transparent, so that both edges may be moved independently. Plain sums and products only: the same bytes everywhere.
private enum SpriteEnlargement {
  private typealias Pixels = UnsafeMutablePointer<SIMD4<Float>>

  /// How steep edges become, of red, green, blue and alpha; old edges are one to two old pixels wide.
  private static let gain = SIMD4<Float>(1.8, 1.8, 1.8, 2.6)
  /// Differences between neighbors (of 255) up to which nothing is sharpened, and from which on everything is.
  private static let contrast: (none: Float, full: Float) = (10, 40)

  /// Old pixels around the bitmap that interpolation looks at.
  private static let pad = 3

  /// For each of four new pixels in the place of an old one, the first of the six old ones that it is made of.
  private static let firsts = [-3, -3, -2, -2]
  /// Their weights sinc(x) · sinc(x / 3), written out because C libraries differ in a sine's last digit.
  private static let weights: [[Float]] = [
    [0.0156736, -0.1059618, 0.4398198, 0.7680063, -0.1479963, 0.0304584],
    [0.0018387, -0.0305978, 0.1206502, 0.9726466, -0.0849939, 0.0204563],
    [0.0204563, -0.0849939, 0.9726466, 0.1206502, -0.0305978, 0.0018387],
    [0.0304584, -0.1479963, 0.7680063, 0.4398198, -0.1059618, 0.0156736],
  ]
  /// The same for linear interpolation between two old pixels.
  private static let linearFirsts = [-1, -1, 0, 0]
  private static let linearWeights: [Float] = [0.375, 0.125, 0.875, 0.625]  // of the first

  /// Half as wide and high, in bytes.
  static func halved(_ level: Sprite.Level) -> Sprite.Level {
    let (width, height) = (level.width / 2, level.height / 2)
    var pixels: [SIMD4<UInt8>] = []
    pixels.reserveCapacity(width * height)
    for y in 0..<height {
      for x in 0..<width {
        let above = level.pixel(2 * x, 2 * y) + level.pixel(2 * x + 1, 2 * y)
        let sum = above + level.pixel(2 * x, 2 * y + 1) + level.pixel(2 * x + 1, 2 * y + 1)
        pixels.append(bytes(sum / 4))
      }
    }
    return Sprite.Level(width: width, height: height, pixels: .bytes(pixels))
  }

  /// Four times as wide and high, in bytes.
  static func fourfold(_ level: Sprite.Level) -> Sprite.Level {
    let (width, height) = (level.width + 2 * pad, level.height + 2 * pad)
    let wide = 4 * level.width
    // The values and what is least and greatest around them: as they are, then spread over the new columns.
    let old = (0..<3).map { _ in Pixels.allocate(capacity: width * height) }
    let spread = (0..<3).map { _ in Pixels.allocate(capacity: wide * height) }
    defer { for pixels in old + spread { pixels.deallocate() } }
    fill(old[0], level, width, height)
    extremes(of: old[0], width, height, least: old[1], greatest: old[2])
    for y in 0..<height {
      let (from, to) = (y * width + pad, y * wide)
      for phase in 0..<4 {
        let (first, linear) = (firsts[phase], linearFirsts[phase])
        let weights = weights[phase]
        let (near, far) = (linearWeights[phase], 1 - linearWeights[phase])
        for x in 0..<level.width {
          let source = old[0] + from + x + first
          var sum = source[0] * weights[0] + source[1] * weights[1] + source[2] * weights[2]
          sum += source[3] * weights[3] + source[4] * weights[4] + source[5] * weights[5]
          let (at, between) = (to + 4 * x + phase, from + x + linear)
          spread[0][at] = sum
          spread[1][at] = old[1][between] * near + old[1][between + 1] * far
          spread[2][at] = old[2][between] * near + old[2][between + 1] * far
        }
      }
    }
    let count = 4 * level.height * wide
    let pixels = [SIMD4<UInt8>](unsafeUninitializedCapacity: count) { target, filled in
      for y in 0..<4 * level.height {
        row(y, spread, wide, target.baseAddress! + y * wide)
      }
      filled = count
    }
    return Sprite.Level(width: wide, height: 4 * level.height, pixels: .bytes(pixels))
  }

  /// A new row out of the old rows that are spread over the new columns.
  private static func row(_ y: Int, _ spread: [Pixels], _ wide: Int, _ target: UnsafeMutablePointer<SIMD4<UInt8>>) {
    let (line, phase) = (y / 4 + pad, y % 4)
    let weights = weights[phase]
    let first = spread[0] + (line + firsts[phase]) * wide
    let (w0, w1, w2, w3, w4, w5) = (weights[0], weights[1], weights[2], weights[3], weights[4], weights[5])
    let (near, far) = (linearWeights[phase], 1 - linearWeights[phase])
    let least = spread[1] + (line + linearFirsts[phase]) * wide
    let greatest = spread[2] + (line + linearFirsts[phase]) * wide
    let scale = 1 / (contrast.full - contrast.none)
    for x in 0..<wide {
      let low = least[x] * near + least[x + wide] * far
      let high = greatest[x] * near + greatest[x + wide] * far
      var value = low
      if low != high {  // most of a glyph is flat
        value = first[x] * w0 + first[x + wide] * w1 + first[x + 2 * wide] * w2
        value += first[x + 3 * wide] * w3 + first[x + 4 * wide] * w4 + first[x + 5 * wide] * w5
        value.replace(with: low, where: value .< low)
        value.replace(with: high, where: value .> high)
        // Where in its range a value lies, steepened by a smooth step; equal values have no range to lie in.
        let range = high - low
        let place = (value - low) / (range + 0.001)
        let steep = ((place - 0.5) * gain + 0.5).clampedToOne
        let shaped = low + range * (steep * steep * (3 - 2 * steep))
        value += (shaped - value) * ((range - contrast.none) * scale).clampedToOne
      }
      let alpha = value.w
      value *= alpha / 255
      value.w = alpha
      target[x] = bytes(value)
    }
  }

  /// Colors without alpha, beside it, in the middle of `width` × `height` pixels; what is transparent has the colors
  /// around it.
  private static func fill(_ field: Pixels, _ level: Sprite.Level, _ width: Int, _ height: Int) {
    field.initialize(repeating: .zero, count: width * height)
    for y in 0..<level.height {
      for x in 0..<level.width {
        let pixel = level.pixel(x, y)
        guard pixel.w > 0 else { continue }
        var color = (pixel * (255 / pixel.w)).clamped(
          lowerBound: .zero, upperBound: SIMD4(repeating: 255))
        color.w = pixel.w
        field[(y + pad) * width + x + pad] = color
      }
    }
    // The colors of what is half as opaque as a neighbor are rounded too coarsely.
    var isKnown = [Bool](repeating: false, count: width * height)
    for y in 1..<height - 1 {
      for x in 1..<width - 1 {
        let alpha = field[y * width + x].w
        var most: Float = 0
        for row in y - 1...y + 1 { for column in x - 1...x + 1 { most = max(most, field[row * width + column].w) } }
        isKnown[y * width + x] = alpha > 4 && 2 * alpha >= most
      }
    }
    for _ in 0..<pad + 1 {
      var found: [(at: Int, color: SIMD4<Float>)] = []
      for y in 1..<height - 1 {
        for x in 1..<width - 1 where !isKnown[y * width + x] {
          var (sum, weight) = (SIMD4<Float>.zero, Float(0))
          for row in y - 1...y + 1 {
            for column in x - 1...x + 1 where isKnown[row * width + column] {
              let share = max(1, field[row * width + column].w)
              sum += field[row * width + column] * share
              weight += share
            }
          }
          if weight > 0 { found.append((y * width + x, sum / weight)) }
        }
      }
      for (at, color) in found {
        let alpha = field[at].w
        field[at] = color
        field[at].w = alpha
        isKnown[at] = true
      }
    }
  }

  /// The least and the greatest of the 3×3 pixels around each.
  private static func extremes(of field: Pixels, _ width: Int, _ height: Int, least: Pixels, greatest: Pixels) {
    for y in 0..<height {
      let (above, below) = (max(0, y - 1) * width, min(height - 1, y + 1) * width)
      for x in 0..<width {
        let (left, right) = (max(0, x - 1), min(width - 1, x + 1))
        var (low, high) = (field[y * width + x], field[y * width + x])
        for row in stride(from: above, through: below, by: width) {
          for column in left...right {
            let value = field[row + column]
            low.replace(with: value, where: value .< low)
            high.replace(with: value, where: value .> high)
          }
        }
        least[y * width + x] = low
        greatest[y * width + x] = high
      }
    }
  }

  /// Values of 0…255, rounded to the nearest: adding 2²³ leaves a float the place for whole numbers only.
  @inline(__always)
  private static func bytes(_ value: SIMD4<Float>) -> SIMD4<UInt8> {
    SIMD4<UInt8>(truncatingIfNeeded: unsafeBitCast(value + 0x1p23, to: SIMD4<UInt32>.self))
  }
}

extension SIMD4<Float> {
  /// Every lane brought into 0…1.
  @inline(__always)
  fileprivate var clampedToOne: SIMD4<Float> {
    let (zero, one) = (SIMD4<Float>.zero, SIMD4<Float>(repeating: 1))
    return replacing(with: zero, where: self .< zero).replacing(with: one, where: self .> one)
  }
}
