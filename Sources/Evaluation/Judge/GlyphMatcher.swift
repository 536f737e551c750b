import Images
import Scenes

/// Finds the object of the vocabulary that a part of an image shows, by correlation with rendered templates.
final class GlyphMatcher: Sendable {
  /// An object with its similarity, −1…1.
  struct Match {
    let object: SceneObject
    let likeness: Float
  }

  /// Side of the frame that templates and parts are resampled to, and of the template's box in it.
  static let frame = 32
  static let box = 26

  /// The number of coarse candidates that are matched at full resolution.
  static let finalists = 64

  private let objects: [SceneObject]
  /// For each object frame² pixels of premultiplied red, green, blue (0…255) and alpha (0…1).
  private let templates: [[SIMD4<Float>]]
  /// The same a quarter as wide.
  private let coarse: [[SIMD4<Float>]]

  init(atlas: GlyphAtlas) {
    objects = atlas.world.objects
    templates = objects.map { object in
      func drawn(on color: Color) -> [UInt8] {
        var canvas = PixelCanvas(width: Self.frame, height: Self.frame, color: color)
        let center = Double(Self.frame) / 2
        canvas.draw(atlas.sprite(object), centerX: center, centerY: center, side: Double(Self.box))
        return canvas.image.pixels
      }
      let (black, white) = (drawn(on: Color(0, 0, 0)), drawn(on: Color(255, 255, 255)))
      return (0..<Self.frame * Self.frame).map { index in
        let (r, g, b) = (Float(black[3 * index]), Float(black[3 * index + 1]), Float(black[3 * index + 2]))
        return SIMD4(r, g, b, 1 - (Float(white[3 * index]) - r) / 255)
      }
    }
    coarse = templates.map { Self.quarter($0) }
  }

  /// The candidate objects, most similar first.
  ///
  /// Similarity is the cosine between two differences from the background, the image's and the template's, in a frame
  /// around the part, maximized over several sizes and shifts. All objects are compared in a coarse frame, and the best of
  /// them at full resolution.
  func matches(_ segment: Segment, in grid: PixelGrid, background: PixelGrid) -> [Match] {
    let center = segment.center
    let behind = Self.view(center: center, side: Double(segment.side), background, minus: nil, filled: true)
    let coarseBehind = Self.quarter(behind)
    let views = Self.views(of: segment, in: grid, background: background)
    let coarseViews = views.map { Self.flat(Self.quarter($0)) }
    let first = coarse.indices.map { ($0, Self.best(coarseViews, Self.difference(coarse[$0], from: coarseBehind))) }
    let chosen = first.sorted { $0.1 > $1.1 }.prefix(Self.finalists)
    let wholeViews = views.map { Self.flat($0) }
    let found = chosen.map { index, _ in
      Match(
        object: objects[index], likeness: Self.best(wholeViews, Self.difference(templates[index], from: behind)))
    }
    return found.sorted { $0.likeness > $1.likeness }
  }

  /// The highest cosine of a template with any view.
  private static func best(_ views: [(pixels: [Float], norm: Float)], _ template: [Float]) -> Float {
    let norm = product(template, template).squareRoot()
    return views.map { product($0.pixels, template) / max($0.norm * norm, 1e-6) }.max() ?? -1
  }

  /// The difference that a template makes to its background.
  private static func difference(_ template: [SIMD4<Float>], from behind: [SIMD3<Float>]) -> [Float] {
    var values: [Float] = []
    values.reserveCapacity(3 * template.count)
    for (pixel, back) in zip(template, behind) {
      values.append(pixel.x - back.x * pixel.w)
      values.append(pixel.y - back.y * pixel.w)
      values.append(pixel.z - back.z * pixel.w)
    }
    return values
  }

  private static func flat(_ view: [SIMD3<Float>]) -> (pixels: [Float], norm: Float) {
    var values: [Float] = []
    values.reserveCapacity(3 * view.count)
    for pixel in view {
      values.append(pixel.x)
      values.append(pixel.y)
      values.append(pixel.z)
    }
    return (values, product(values, values).squareRoot())
  }

  /// Averages of 4×4 pixels of a frame.
  private static func quarter<Pixel: SIMD>(_ pixels: [Pixel]) -> [Pixel] where Pixel.Scalar == Float {
    let small = frame / 4
    var sums = [Pixel](repeating: .zero, count: small * small)
    for index in pixels.indices { sums[index / frame / 4 * small + index % frame / 4] += pixels[index] }
    return sums.map { $0 / 16 }
  }

  /// The part's difference from the background, resampled to the frame at all sizes and shifts; the larger sizes are for
  /// objects of which a part has low contrast.
  private static func views(of segment: Segment, in grid: PixelGrid, background: PixelGrid) -> [[SIMD3<Float>]] {
    let shift = Double(segment.side) / 20
    var views: [[SIMD3<Float>]] = []
    for scale in [0.88, 0.94, 1, 1.07, 1.15, 1.25] {
      for dx in [-shift, 0, shift] {
        for dy in [-shift, 0, shift] {
          let center = (segment.center.x + dx, segment.center.y + dy)
          views.append(view(center: center, side: Double(segment.side) * scale, grid, minus: background))
        }
      }
    }
    return views
  }

  /// A square of the image resampled to the frame, minus the background; outside the image it is zero, or the edge is
  /// repeated if `filled`.
  private static func view(
    center: (x: Double, y: Double), side: Double, _ grid: PixelGrid, minus background: PixelGrid?,
    filled: Bool = false
  ) -> [SIMD3<Float>] {
    var pixels = [SIMD3<Float>](repeating: .zero, count: frame * frame)
    let step = side / Double(box)  // image pixels per frame pixel
    for v in 0..<frame {
      for u in 0..<frame {
        var sum = SIMD3<Float>.zero
        for (su, sv) in [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)] {
          var x = Int((center.x + (Double(u) + su - Double(frame) / 2) * step).rounded(.down))
          var y = Int((center.y + (Double(v) + sv - Double(frame) / 2) * step).rounded(.down))
          if filled { (x, y) = (min(max(x, 0), grid.side - 1), min(max(y, 0), grid.side - 1)) }
          if x >= 0, y >= 0, x < grid.side, y < grid.side {
            sum += grid[x, y]
            if let background { sum -= background[x, y] }
          }
        }
        pixels[v * frame + u] = sum / 4
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
