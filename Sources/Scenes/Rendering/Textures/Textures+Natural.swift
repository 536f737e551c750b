import Support

/// Smooth colors without shapes: along the heights of noise, or between three colors by two of them.
final class ColorsTexture: TexturePainter {
  private let size: Int
  private let first: FractalNoise
  private let second: FractalNoise?
  private let ramp: ColorRamp
  private let colors: [SIMD4<Float>]
  private let heights: (TextureBuffer<Float>, TextureBuffer<Float>)

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    heights = (TextureBuffer(size), TextureBuffer(size))
    let cells = random.real(1.2, 9)
    let octaves = 1 + random.below(4)
    first = FractalNoise(&random, size: size, cells: (cells, cells), octaves: octaves)
    second =
      random.chance(0.5) ? FractalNoise(&random, size: size, cells: (cells, cells), octaves: octaves) : nil
    let drawn = (0..<3 + random.below(3)).map { _ in random.color() }
    colors = drawn
    ramp = ColorRamp(random.stops(drawn), smooth: true)
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    first.fill(row, heights.0.start)
    second?.fill(row, heights.1.start)
    let (a, b, c) = (colors[0], colors[1] - colors[0], colors[2] - colors[0])
    for x in 0..<size {
      let u = stretched(heights.0.start[x])
      pixels[x] = second == nil ? ramp[u] : a + b * u + c * stretched(heights.1.start[x]) * (1 - 0.5 * u)
    }
  }

  /// Heights are most often in the middle; colors should not be.
  @inline(__always)
  private func stretched(_ height: Float) -> Float { max(0, min(1, (height - 0.5) * 1.7 + 0.5)) }
}

/// Clouds before a sky, lit from above.
final class CloudsTexture: TexturePainter {
  private let size: Int
  private let shape: FractalNoise
  private let shade: FractalNoise
  private let sky: ColorRamp
  private let light: SIMD4<Float>
  private let dark: SIMD4<Float>
  private let cover: Float
  private let softness: Float
  private let heights: (TextureBuffer<Float>, TextureBuffer<Float>)

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    heights = (TextureBuffer(size), TextureBuffer(size))
    let cells = random.real(1.5, 5)
    shape = FractalNoise(&random, size: size, cells: (cells, cells * random.real(1, 2.2)), octaves: 6, gain: 0.55)
    shade = FractalNoise(&random, size: size, cells: (cells * 1.5, cells * 2), octaves: 4, gain: 0.6)
    cover = Float(random.real(0.38, 0.56))
    softness = Float(random.real(0.06, 0.25))
    let skies: [(SIMD3<Float>, SIMD3<Float>)] = [
      (SIMD3(52, 112, 200), SIMD3(170, 206, 240)), (SIMD3(20, 44, 110), SIMD3(120, 160, 220)),
      (SIMD3(70, 60, 120), SIMD3(250, 160, 96)), (SIMD3(110, 120, 134), SIMD3(180, 186, 192)),
      (SIMD3(12, 16, 40), SIMD3(50, 56, 96)),
    ]
    let (top, foot) = random.pick(skies)
    sky = ColorRamp(
      [ColorRamp.Stop(place: 0, color: SIMD4(top, 255)), ColorRamp.Stop(place: 1, color: SIMD4(foot, 255))],
      smooth: false)
    let warm = Float(random.real(0.75, 1))
    let bright = Float(random.real(0.55, 1))
    light = SIMD4(255 * bright, 252 * bright * (warm + 1) / 2, 248 * bright * warm, 255)
    dark = SIMD4(light.x * 0.55, light.y * 0.58, light.z * 0.68, 255)
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    shape.fill(row, heights.0.start)
    shade.fill(row, heights.1.start)
    let behind = sky[(Float(row) + 0.5) / Float(size)]
    for x in 0..<size {
      let rise = max(0, min(1, (heights.0.start[x] - cover) / softness))
      let lit = max(0, min(1, (heights.1.start[x] - 0.5) * 2.4 + 0.6))
      let cloud = dark + (light - dark) * lit
      pixels[x] = behind + (cloud - behind) * (rise * rise * (3 - 2 * rise))
    }
  }
}

/// Hills seen from above, or rough walls, lit from one side.
final class TerrainTexture: TexturePainter {
  private let size: Int
  private let ground: FractalNoise
  private let ramp: ColorRamp
  private let light: (x: Float, y: Float)
  private let water: Float  // the height of the sea, flat and unlit
  private var (above, here): (TextureBuffer<Float>, TextureBuffer<Float>)
  private var filled = -1  // the row that `here` holds

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    (above, here) = (TextureBuffer(size), TextureBuffer(size))
    let cells = random.real(1.5, 8)
    ground = FractalNoise(
      &random, size: size, cells: (cells, cells), octaves: 8, gain: Float(random.real(0.42, 0.6)))
    let direction = random.direction()
    let strength = random.real(0.05, 0.16)
    light = (Float(direction.x * strength), Float(direction.y * strength))
    if random.chance(0.5) {
      water = Float(random.real(0.3, 0.5))
      let shades: [(Double, SIMD4<Float>)] = [
        (0, SIMD4(14, 44, 110, 255)), (Double(water) - 0.005, SIMD4(40, 104, 170, 255)),
        (Double(water), SIMD4(206, 190, 140, 255)), (Double(water) + 0.04, SIMD4(112, 150, 70, 255)),
        (Double(water) + 0.15, SIMD4(62, 110, 52, 255)), (Double(water) + 0.25, SIMD4(124, 112, 98, 255)),
        (Double(water) + 0.36, SIMD4(244, 246, 250, 255)),
      ]
      ramp = ColorRamp(shades.map { ColorRamp.Stop(place: $0.0, color: $0.1) }, smooth: false)
    } else {
      // Stone, sand, leather, cloth: shades of one or two colors.
      water = 0
      let color = random.color()
      let other = random.chance(0.5) ? random.color() : color
      ramp = ColorRamp(
        [ColorRamp.Stop(place: 0.2, color: color * 0.6), ColorRamp.Stop(place: 0.8, color: other)], smooth: true)
    }
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    if filled == row - 1, row > 0 {
      swap(&above, &here)
    } else {
      ground.fill(max(0, row - 1), above.start)
    }
    ground.fill(row, here.start)
    filled = row
    let (heights, before, scale) = (here.start, above.start, Float(size))
    for x in 0..<size {
      let height = heights[x]
      let color = ramp[height]
      guard height >= water else {
        pixels[x] = color
        continue
      }
      let slope = (heights[x] - heights[max(0, x - 1)]) * light.x + (heights[x] - before[x]) * light.y
      pixels[x] = color * max(0.25, min(1.5, 0.95 + slope * scale))
    }
  }
}

/// Boards with rings and fibers.
final class WoodTexture: TexturePainter {
  private let size: Int
  private let bend: FractalNoise
  private let fibers: FractalNoise
  private let ramp: ColorRamp
  private let rings: Double
  private let wander: Float  // rings that the bend shifts them by
  private let axis: (x: Double, y: Double)  // along which rings follow each other
  private let boards: Double  // in the image; 0 is one piece
  private let depth: Float
  private let heights: (TextureBuffer<Float>, TextureBuffer<Float>)

  init(_ random: inout SplitMix64, _ size: Int) {
    self.size = size
    heights = (TextureBuffer(size), TextureBuffer(size))
    let isUpright = random.chance(0.5)
    func along(_ across: Double, _ length: Double) -> (x: Double, y: Double) {
      isUpright ? (across, length) : (length, across)
    }
    bend = FractalNoise(&random, size: size, cells: along(random.real(1.5, 4), random.real(0.6, 1.6)), octaves: 3)
    fibers = FractalNoise(&random, size: size, cells: along(60, 3), octaves: 3, gain: 0.7)
    rings = random.real(3, 16)
    wander = Float(random.real(1, 7))
    let lean = random.real(-0.12, 0.12)
    axis = isUpright ? (1, lean) : (lean, 1)
    boards = random.chance(0.4) ? Double(2 + random.below(5)) : 0
    depth = Float(random.real(0.15, 0.45))
    let tones: [(SIMD3<Float>, SIMD3<Float>)] = [
      (SIMD3(222, 184, 132), SIMD3(178, 124, 72)), (SIMD3(164, 104, 60), SIMD3(104, 58, 30)),
      (SIMD3(120, 72, 44), SIMD3(66, 36, 22)), (SIMD3(196, 176, 150), SIMD3(140, 122, 102)),
      (SIMD3(206, 128, 80), SIMD3(150, 74, 40)),
    ]
    let (early, late) = random.pick(tones)
    // From light to dark slowly within a year, and back at once.
    ramp = ColorRamp(
      [
        ColorRamp.Stop(place: 0, color: SIMD4((early + late) / 2, 255)),
        ColorRamp.Stop(place: 0.12, color: SIMD4(early, 255)), ColorRamp.Stop(place: 0.6, color: SIMD4(early, 255)),
        ColorRamp.Stop(place: 0.93, color: SIMD4(late, 255)),
        ColorRamp.Stop(place: 1, color: SIMD4((early + late) / 2, 255)),
      ], smooth: true)
  }

  func paint(_ row: Int, _ pixels: UnsafeMutableBufferPointer<SIMD4<Float>>) {
    bend.fill(row, heights.0.start)
    fibers.fill(row, heights.1.start)
    let y = (Float(row) + 0.5) / Float(size)
    let (isUpright, rings, boards) = (axis.x == 1, Float(rings), Float(boards))
    let (along, start) = (Float(axis.x) * rings, y * Float(axis.y) * rings)
    for column in 0..<size {
      let x = (Float(column) + 0.5) / Float(size)
      var (shift, joint) = (Float(0), Float(1))
      if boards > 0 {
        let place = (isUpright ? x : y) * boards
        let part = place.fraction
        shift = 0.37 * (place - part) * rings
        // The gap between boards is a hundredth of one wide, and dark.
        let gap = min(part, 1 - part) * Float(size) / boards
        joint = max(0.35, min(1, gap / max(1, 0.012 * Float(size))))
      }
      let color = ramp[(x * along + start + shift + heights.0.start[column] * wander).fraction]
      pixels[column] = color * (joint * (1 + depth * (heights.1.start[column] - 0.5)))
    }
  }
}
