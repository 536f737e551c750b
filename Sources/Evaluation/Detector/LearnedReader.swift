import Foundation
import Images
import Models
import Scenes
import Support
import Torch

/// Reads images with a small detector that was trained on renders of scenes, never on generated images.
///
/// It shares only the input size with `ImageReader`: it neither subtracts a background nor compares templates.
public final class LearnedReader: SceneReader {
  /// The world that the detector was trained on.
  public let world: World
  /// SHA-256 of the file of weights, 64 hexadecimal digits.
  public let hash: String
  private let network: GlyphDetector

  /// The minimum probability of a center.
  static let threshold: Float = 0.3

  /// Reads `config.json` and weights, as `flux train-judge` writes them.
  public init(directory: URL) throws(CheckpointError) {
    network = try GlyphDetector.load(from: directory)
    let c = network.configuration
    let file = directory.appendingPathComponent("config.json").path
    guard let world = World(rawValue: c.world) else {
      throw .configuration(file: file, reason: "there is no world \"\(c.world)\"; there are small, medium and full")
    }
    let counts = [world.nouns.count, world.colors.count, world.backgrounds.count]
    if [c.names, c.colors, c.backgrounds] != counts {
      throw .configuration(
        file: file,
        reason: "its names, colors and backgrounds are \(c.names), \(c.colors) and \(c.backgrounds); those of the "
          + "\(c.world) world are \(counts[0]), \(counts[1]) and \(counts[2])")
    }
    self.world = world
    let weights = directory.appendingPathComponent("\(GlyphDetector.weightsName).safetensors")
    hash = SHA256.hexDigest((try? Data(contentsOf: weights)).map { [UInt8]($0) } ?? [])
  }

  /// Reads a square RGB image whose side is a multiple of 128, by the peaks of the heatmap of centers.
  public func read(_ image: Image) -> ImageReading {
    let side = GlyphDetector.side
    let values = PixelGrid(image, side: side).pixels.flatMap { [$0.x, $0.y, $0.z] }
    let pixels = Tensor(values, shape: [1, side, side, 3]).permuted([0, 3, 1, 2]) / 127.5 - 1
    return withInference {
      let detections = network(pixels)
      let peaks = Heatmap(detections.heatmap.sigmoid().floats(), side: GlyphDetector.grid).peaks(above: Self.threshold)
      return ImageReading(
        background: world.backgrounds[detections.background.argmax(dim: 1).ints()[0]].label,
        found: found(peaks, detections),
        side: side)
    }
  }

  /// The objects at the peaks, highest score first; a peak inside the box of a higher one is dropped.
  private func found(_ peaks: [Heatmap.Peak], _ detections: GlyphDetector.Detections) -> [ImageReading.Found] {
    guard !peaks.isEmpty else { return [] }
    let classLogits = network.classLogits(detections.cells.indexed(0, Tensor(peaks.map { Int64($0.cell) })))
    let (names, colors) = (classLogits.names.softmax(dim: 1).floats(), classLogits.colors.softmax(dim: 1).floats())
    let (nouns, colorCount, boxes) = (world.nouns.count, world.colors.count, classLogits.boxes.floats())
    var kept: [ImageReading.Found] = []
    for (index, peak) in peaks.enumerated() {
      let segment = Self.segment(cell: peak.cell, Array(boxes[4 * index..<4 * index + 4]))
      if kept.contains(where: { $0.segment.holds(segment.center) }) { continue }
      kept.append(
        object(
          segment, names[nouns * index..<nouns * (index + 1)], colors[colorCount * index..<colorCount * (index + 1)]))
    }
    return kept
  }

  private func object(
    _ segment: Segment, _ names: ArraySlice<Float>, _ colors: ArraySlice<Float>
  ) -> ImageReading.Found {
    let likeness = Dictionary(uniqueKeysWithValues: zip(world.nouns, names))
    let candidates = Array(zip(world.colors, colors))
    let best = candidates.max { $0.1 < $1.1 }!
    let share = Dictionary(uniqueKeysWithValues: candidates.map { ($0, $1 / best.1) })
    let matches = world.objects.map { object in
      var match = likeness[object.noun]!
      if case .shape(_, let color) = object { match *= share[color]! }
      return GlyphMatcher.Match(object: object, likeness: match)
    }
    return ImageReading.Found(
      segment: segment, matches: matches.sorted { $0.likeness > $1.likeness }, color: best.0)
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

/// The probability of an object center in each cell of a square grid.
struct Heatmap {
  /// A cell with a higher score than its eight neighbors.
  struct Peak: Equatable {
    let cell: Int  // in rows
    let score: Float  // 0…1
  }

  let side: Int
  let heatmap: [Float]

  init(_ heatmap: [Float], side: Int) {
    self.heatmap = heatmap
    self.side = side
  }

  /// The peaks above a threshold, highest first; of equal neighbors the first is a peak.
  func peaks(above threshold: Float) -> [Peak] {
    let found = heatmap.indices.filter { heatmap[$0] > threshold && isPeak($0) }
    return found.map { Peak(cell: $0, score: heatmap[$0]) }.sorted {
      ($1.score, $0.cell) < ($0.score, $1.cell)
    }
  }

  private func isPeak(_ cell: Int) -> Bool {
    let (x, y) = (cell % side, cell / side)
    for ny in max(0, y - 1)...min(side - 1, y + 1) {
      for nx in max(0, x - 1)...min(side - 1, x + 1) {
        let other = ny * side + nx
        if heatmap[other] > heatmap[cell] || (heatmap[other] == heatmap[cell] && other < cell) { return false }
      }
    }
    return true
  }
}
