import CCairo
import Foundation

/// The vector shapes of Scenes, drawn with Cairo.
public enum VectorShape: String, Sendable, Codable, CaseIterable {
  /// A shape of every world.
  case circle, square, triangle, star, heart, diamond, ring, cross
  /// A shape of the medium and the full world.
  case oval, hexagon, crescent, semicircle

  /// A white mask of this shape, cut out of a square of `size` pixels a side; tint it for a color.
  public func sprite(size: Int = 256) -> Sprite {
    let surface = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, Int32(size), Int32(size))
    let context = cairo_create(surface)
    defer {
      cairo_destroy(context)
      cairo_surface_destroy(surface)
    }
    cairo_scale(context, Double(size), Double(size))
    cairo_set_source_rgba(context, 1, 1, 1, 1)
    cairo_set_antialias(context, CAIRO_ANTIALIAS_BEST)
    trace(context)
    cairo_surface_flush(surface)
    guard let data = cairo_image_surface_get_data(surface) else {
      fatalError("Cairo could not draw a \(rawValue)")
    }
    let stride = Int(cairo_image_surface_get_stride(surface))
    var pixels: [SIMD4<Float>] = []
    for y in 0..<size {
      for x in 0..<size { pixels.append(SIMD4(repeating: Float(data[y * stride + 4 * x + 3]))) }
    }
    return Sprite(width: size, height: size, premultiplied: pixels)
  }

  /// Fills the shape within the unit square.
  private func trace(_ context: OpaquePointer?) {
    func polygon(_ points: [(Double, Double)]) {
      for (x, y) in points { cairo_line_to(context, x, y) }
      cairo_close_path(context)
      cairo_fill(context)
    }
    switch self {
    case .circle:
      cairo_arc(context, 0.5, 0.5, 0.49, 0, 2 * .pi)
      cairo_fill(context)
    case .ring:
      cairo_set_line_width(context, 0.17)
      cairo_arc(context, 0.5, 0.5, 0.4, 0, 2 * .pi)
      cairo_stroke(context)
    case .square: polygon([(0.04, 0.04), (0.96, 0.04), (0.96, 0.96), (0.04, 0.96)])
    case .diamond: polygon([(0.5, 0.01), (0.92, 0.5), (0.5, 0.99), (0.08, 0.5)])
    case .triangle: polygon([(0.5, 0.06), (0.99, 0.94), (0.01, 0.94)])
    case .cross:
      let (a, b) = (0.33, 0.67)
      polygon([
        (a, 0.02), (b, 0.02), (b, a), (0.98, a), (0.98, b), (b, b), (b, 0.98), (a, 0.98), (a, b), (0.02, b),
        (0.02, a),
        (a, a),
      ])
    case .oval:
      cairo_save(context)
      cairo_translate(context, 0.5, 0.5)
      cairo_scale(context, 0.49, 0.3)
      cairo_arc(context, 0, 0, 1, 0, 2 * .pi)
      cairo_restore(context)
      cairo_fill(context)
    case .semicircle:
      cairo_arc(context, 0.5, 0.74, 0.48, .pi, 2 * .pi)
      cairo_close_path(context)
      cairo_fill(context)
    case .hexagon:
      let (rise, half) = (0.245, 0.4243)  // a side is 0.49
      polygon([
        (0.5, 0.01), (0.5 + half, 0.5 - rise), (0.5 + half, 0.5 + rise), (0.5, 0.99), (0.5 - half, 0.5 + rise),
        (0.5 - half, 0.5 - rise),
      ])
    case .crescent:
      // The outer circle, less a circle that is shifted to the right: they meet where x is 0.745.
      let meeting = acos(0.245 / 0.47)
      cairo_arc(context, 0.5, 0.5, 0.47, meeting, 2 * .pi - meeting)
      let inner = atan2(0.47 * sin(meeting), 0.245 - 0.2)
      cairo_arc_negative(
        context, 0.7, 0.5, (0.045 * 0.045 + 0.1609).squareRoot(), 2 * .pi - inner, inner)
      cairo_close_path(context)
      cairo_fill(context)
    case .star:
      polygon(
        (0..<10).map { corner in
          let radius = corner.isMultiple(of: 2) ? 0.5 : 0.21
          let angle = Double(corner) * .pi / 5 - .pi / 2
          return (0.5 + radius * cos(angle), 0.53 + radius * sin(angle))
        })
    case .heart:
      cairo_move_to(context, 0.5, 0.97)
      cairo_curve_to(context, 0.1, 0.68, 0.0, 0.45, 0.0, 0.3)
      cairo_curve_to(context, 0.0, 0.0, 0.4, -0.04, 0.5, 0.25)
      cairo_curve_to(context, 0.6, -0.04, 1.0, 0.0, 1.0, 0.3)
      cairo_curve_to(context, 1.0, 0.45, 0.9, 0.68, 0.5, 0.97)
      cairo_fill(context)
    }
  }
}
