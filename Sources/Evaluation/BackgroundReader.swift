import Data
import Raster

/// What is behind the objects, read from the picture's margin.
struct BackgroundReader {
  let label: String  // of the known background that is nearest
  let rows: [SIMD3<Float>]  // the background's colour in every row

  init(_ grid: PixelGrid) {
    let side = grid.side
    let margin = max(2, side / 16)
    rows = (0..<side).map { y in
      PixelGrid.median((0..<margin).flatMap { [grid[$0, y], grid[side - 1 - $0, y]] })
    }
    let top = PixelGrid.median(Array(rows.prefix(margin)))
    let bottom = PixelGrid.median(Array(rows.suffix(margin)))
    let nearest = Self.known.min { first, second in
      distance(top, first.top) + distance(bottom, first.bottom)
        < distance(top, second.top) + distance(bottom, second.bottom)
    }
    label = nearest?.label ?? ""
  }

  /// Every background with the colours of its upper and its lower edge.
  private static let known: [(label: String, top: SIMD3<Float>, bottom: SIMD3<Float>)] =
    ColourName.allCases.map { name in
      (Scene.Background.plain(name).label, name.backgroundColour.vector, name.backgroundColour.vector)
    }
    + Scene.Landscape.allCases.map { landscape in
      let edges = landscape.edgeColours
      return (Scene.Background.landscape(landscape).label, edges.top.vector, edges.bottom.vector)
    }
}
