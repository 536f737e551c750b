import Foundation
import Images
import Models
import Scenes
import Support
import Torch

/// Reads pictures with a small detector that was trained on renders of scenes, and on nothing that a model drew.
///
/// Nothing is shared with `PictureReader` but the size that a picture is shrunk to: no background is taken away, no
/// template compared.
public final class LearntReader: SceneReader {
  public let world: World
  public let hash: String  // SHA-256 of its weights, 64 hexadecimal digits
  private let network: GlyphDetector

  /// How likely a centre a cell must be.
  static let threshold: Float = 0.3

  /// Reads `config.json` and weights, as `flux train-judge` writes them.
  public init(directory: URL) throws(CheckpointError) {
    network = try GlyphDetector.load(from: directory)
    let c = network.configuration
    let file = directory.appendingPathComponent("config.json").path
    guard let world = World(rawValue: c.world) else {
      throw .configuration(file: file, reason: "there is no world \"\(c.world)\"; there are small, medium and full")
    }
    let counts = [world.nouns.count, world.colours.count, world.backgrounds.count]
    if [c.names, c.colours, c.backgrounds] != counts {
      throw .configuration(
        file: file,
        reason: "its names, colours and backgrounds are \(c.names), \(c.colours) and \(c.backgrounds); those of the "
          + "\(c.world) world are \(counts[0]), \(counts[1]) and \(counts[2])")
    }
    self.world = world
    let weights = directory.appendingPathComponent("\(GlyphDetector.weightsName).safetensors")
    hash = SHA256.hexDigest((try? Data(contentsOf: weights)).map { [UInt8]($0) } ?? [])
  }

  public func read(_ image: Image) -> PictureReading {
    let side = GlyphDetector.side
    let values = PixelGrid(image, side: side).pixels.flatMap { [$0.x, $0.y, $0.z] }
    let pixels = Tensor(values, shape: [1, side, side, 3]).permuted([0, 3, 1, 2]) / 127.5 - 1
    return withInference {
      let sight = network(pixels)
      let peaks = HeatMap(sight.heat.sigmoid().floats(), side: GlyphDetector.grid).peaks(above: Self.threshold)
      return PictureReading(
        background: world.backgrounds[sight.background.argmax(dim: 1).ints()[0]].label, found: found(peaks, sight),
        side: side)
    }
  }

  /// What stands at the peaks, the surest first; of those inside a surer one's box nothing is kept.
  private func found(_ peaks: [HeatMap.Peak], _ sight: GlyphDetector.Sight) -> [PictureReading.Found] {
    guard !peaks.isEmpty else { return [] }
    let things = network.things(sight.cells.indexed(0, Tensor(peaks.map { Int64($0.cell) })))
    let (names, colours) = (things.names.softmax(dim: 1).floats(), things.colours.softmax(dim: 1).floats())
    let (nouns, paints, boxes) = (world.nouns.count, world.colours.count, things.boxes.floats())
    var kept: [PictureReading.Found] = []
    for (index, peak) in peaks.enumerated() {
      let segment = Self.segment(cell: peak.cell, Array(boxes[4 * index..<4 * index + 4]))
      if kept.contains(where: { $0.segment.holds(segment.centre) }) { continue }
      kept.append(
        thing(segment, names[nouns * index..<nouns * (index + 1)], colours[paints * index..<paints * (index + 1)]))
    }
    return kept
  }

  private func thing(
    _ segment: Segment, _ names: ArraySlice<Float>, _ colours: ArraySlice<Float>
  ) -> PictureReading.Found {
    let likeness = Dictionary(uniqueKeysWithValues: zip(world.nouns, names))
    let paints = Array(zip(world.colours, colours))
    let best = paints.max { $0.1 < $1.1 }!
    let share = Dictionary(uniqueKeysWithValues: paints.map { ($0, $1 / best.1) })
    let matches = world.objects.map { object in
      var match = likeness[object.noun]!
      if case .shape(_, let colour) = object { match *= share[colour]! }
      return GlyphMatcher.Match(object: object, likeness: match)
    }
    return PictureReading.Found(
      segment: segment, matches: matches.sorted { $0.likeness > $1.likeness }, paint: best.0)
  }

  /// The box around a cell, in pixels.
  private static func segment(cell: Int, _ box: [Float]) -> Segment {
    let (side, grid) = (GlyphDetector.side, GlyphDetector.grid)
    let scale = Float(side) / Float(grid)
    let x = (Float(cell % grid) + 0.5 + box[0]) * scale
    let y = (Float(cell / grid) + 0.5 + box[1]) * scale
    let (w, h) = (max(box[2] * Float(side), 1), max(box[3] * Float(side), 1))
    func pixel(_ value: Float) -> Int { min(max(Int(value.rounded()), 0), side - 1) }
    return Segment(
      area: Int(w * h), left: pixel(x - w / 2), right: pixel(x + w / 2 - 1), top: pixel(y - h / 2),
      bottom: pixel(y + h / 2 - 1))
  }
}

extension Segment {
  fileprivate func holds(_ point: (x: Double, y: Double)) -> Bool {
    Double(left) <= point.x && point.x <= Double(right + 1) && Double(top) <= point.y && point.y <= Double(bottom + 1)
  }
}

/// How likely each cell of a square grid holds the centre of an object.
struct HeatMap {
  /// A cell that is likelier than its eight neighbours.
  struct Peak: Equatable {
    let cell: Int  // in rows
    let heat: Float  // 0…1
  }

  let side: Int
  let heat: [Float]

  init(_ heat: [Float], side: Int) {
    self.heat = heat
    self.side = side
  }

  /// The peaks above a threshold, the hottest first; of equal neighbours the first is one.
  func peaks(above threshold: Float) -> [Peak] {
    let found = heat.indices.filter { heat[$0] > threshold && isPeak($0) }
    return found.map { Peak(cell: $0, heat: heat[$0]) }.sorted {
      ($1.heat, $0.cell) < ($0.heat, $1.cell)
    }
  }

  private func isPeak(_ cell: Int) -> Bool {
    let (x, y) = (cell % side, cell / side)
    for ny in max(0, y - 1)...min(side - 1, y + 1) {
      for nx in max(0, x - 1)...min(side - 1, x + 1) {
        let other = ny * side + nx
        if heat[other] > heat[cell] || (heat[other] == heat[cell] && other < cell) { return false }
      }
    }
    return true
  }
}
