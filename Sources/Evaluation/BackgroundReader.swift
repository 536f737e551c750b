import Data
import Raster

/// What is behind the objects, read from the picture's margin.
struct BackgroundReader {
  let label: String  // of the known background that is nearest
  let rows: [SIMD3<Float>]  // the background's colour in every row

  init(_ grid: PixelGrid, world: World) {
    let side = grid.side
    let margin = max(2, side / 16)
    rows = (0..<side).map { y in
      PixelGrid.median((0..<margin).flatMap { [grid[$0, y], grid[side - 1 - $0, y]] })
    }
    let top = PixelGrid.median(Array(rows.prefix(margin)))
    let bottom = PixelGrid.median(Array(rows.suffix(margin)))
    let nearest = Self.known(in: world).min { first, second in
      distance(top, first.top) + distance(bottom, first.bottom)
        < distance(top, second.top) + distance(bottom, second.bottom)
    }
    label = nearest?.label ?? ""
  }

  /// Every plain background and landscape with the colours of its upper and its lower edge.
  private static func known(in world: World) -> [(label: String, top: SIMD3<Float>, bottom: SIMD3<Float>)] {
    world.colours.map { name in
      (Scene.Background.plain(name).label, name.backgroundColour.vector, name.backgroundColour.vector)
    }
      + world.landscapes.map { landscape in
        let edges = landscape.edgeColours
        return (Scene.Background.landscape(landscape).label, edges.top.vector, edges.bottom.vector)
      }
  }
}
