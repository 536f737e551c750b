import Data
import Raster

/// Says which object of the vocabulary a part of a picture looks like: correlation with drawn templates.
final class GlyphMatcher: Sendable {
  /// An object with its likeness, −1…1.
  struct Match {
    let object: SceneObject
    let likeness: Float
  }

  /// Side of the frame that templates and parts are brought to, and of the template's box in it.
  static let frame = 32
  static let box = 26

  private let objects: [SceneObject]
  /// For each object frame² of premultiplied red, green, blue (0…255) and alpha (0…1).
  private let templates: [[SIMD4<Float>]]

  init(atlas: GlyphAtlas) {
    objects = atlas.world.objects
    templates = objects.map { object in
      func drawn(on colour: Colour) -> [UInt8] {
        var canvas = PixelCanvas(width: Self.frame, height: Self.frame, colour: colour)
        let centre = Double(Self.frame) / 2
        canvas.draw(atlas.sprite(object), centreX: centre, centreY: centre, side: Double(Self.box))
        return canvas.image.pixels
      }
      let (black, white) = (drawn(on: Colour(0, 0, 0)), drawn(on: Colour(255, 255, 255)))
      return (0..<Self.frame * Self.frame).map { index in
        let (r, g, b) = (Float(black[3 * index]), Float(black[3 * index + 1]), Float(black[3 * index + 2]))
        return SIMD4(r, g, b, 1 - (Float(white[3 * index]) - r) / 255)
      }
    }
  }

  /// All objects, the likest first.
  ///
  /// Likeness is the cosine between two differences from the background, the picture's and the template's, in a frame
  /// around the part; the best of several sizes and shifts counts.
  func matches(_ segment: Segment, in grid: PixelGrid, background: [SIMD3<Float>]) -> [Match] {
    let behind = (0..<Self.frame).map { v in
      let y = segment.centre.y + (Double(v) + 0.5 - Double(Self.frame) / 2) * Double(segment.side) / Double(Self.box)
      return background[min(max(Int(y), 0), grid.side - 1)]
    }
    let views = Self.views(of: segment, in: grid, background: background)
    let found = zip(objects, templates).map { object, template in
      var difference: [Float] = []
      difference.reserveCapacity(3 * template.count)
      for (index, pixel) in template.enumerated() {
        let back = behind[index / Self.frame] * pixel.w
        difference += [pixel.x - back.x, pixel.y - back.y, pixel.z - back.z]
      }
      let norm = Self.product(difference, difference).squareRoot()
      let best = views.map { Self.product($0.pixels, difference) / max($0.norm * norm, 1e-6) }.max() ?? -1
      return Match(object: object, likeness: best)
    }
    return found.sorted { $0.likeness > $1.likeness }
  }

  /// The part's difference from the background, brought to the frame in all sizes and shifts that are tried.
  private static func views(
    of segment: Segment, in grid: PixelGrid, background: [SIMD3<Float>]
  ) -> [(pixels: [Float], norm: Float)] {
    var views: [(pixels: [Float], norm: Float)] = []
    let shift = Double(segment.side) / 20
    for scale in [0.88, 0.94, 1, 1.07, 1.15] {
      for dx in [-shift, 0, shift] {
        for dy in [-shift, 0, shift] {
          let pixels = view(
            centre: (segment.centre.x + dx, segment.centre.y + dy), side: Double(segment.side) * scale, grid, background
          )
          views.append((pixels, product(pixels, pixels).squareRoot()))
        }
      }
    }
    return views
  }

  private static func view(
    centre: (x: Double, y: Double), side: Double, _ grid: PixelGrid, _ background: [SIMD3<Float>]
  ) -> [Float] {
    var pixels = [Float](repeating: 0, count: 3 * frame * frame)
    let step = side / Double(box)  // picture pixels per frame pixel
    for v in 0..<frame {
      for u in 0..<frame {
        var sum = SIMD3<Float>.zero
        for (su, sv) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
          let x = Int((centre.x + (Double(u) + su - Double(frame) / 2) * step).rounded(.down))
          let y = Int((centre.y + (Double(v) + sv - Double(frame) / 2) * step).rounded(.down))
          if x >= 0, y >= 0, x < grid.side, y < grid.side { sum += grid[x, y] - background[y] }
        }
        let at = 3 * (v * frame + u)
        (pixels[at], pixels[at + 1], pixels[at + 2]) = (sum.x / 4, sum.y / 4, sum.z / 4)
      }
    }
    return pixels
  }

  private static func product(_ a: [Float], _ b: [Float]) -> Float {
    a.withUnsafeBytes { left in
      b.withUnsafeBytes { right in
        let (p, q) = (left.bindMemory(to: SIMD16<Float>.self), right.bindMemory(to: SIMD16<Float>.self))
        var sum = SIMD16<Float>.zero
        for index in 0..<p.count { sum += p[index] * q[index] }
        return sum.sum()
      }
    }
  }
}
