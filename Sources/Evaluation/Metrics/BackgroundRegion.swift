import Images
import Scenes

/// The pixels of a scene that are well outside the boxes of all objects.
///
/// Lengths are given for images of 512 pixels and scale with the side.
public struct BackgroundRegion: Sendable {
  /// The distance from an object's box, in pixels of 512.
  static let margin = 24.0
  /// The minimum number of background pixels, of 512 × 512.
  static let fewest = 5000.0

  /// Width and height of the image, in pixels.
  public let side: Int
  private let indices: [Int]  // of pixels, in rows from the top

  /// The background of a scene drawn `side` pixels wide and high.
  public init(_ scene: Scene, side: Int, atlas: GlyphAtlas) {
    let boxes = scene.objects.map { placed in
      let (width, height) = atlas.extent(of: placed, look: scene.look)
      return [placed.x - width / 2, placed.y - height / 2, placed.x + width / 2, placed.y + height / 2].map {
        $0 * Double(side)
      }
    }
    self.init(boxes: boxes, side: side)
  }

  /// The region outside boxes of left, top, right and bottom, in pixels.
  init(boxes: [[Double]], side: Int) {
    self.side = side
    var isFree = [Bool](repeating: true, count: side * side)
    let margin = Self.margin * Double(side) / 512
    for box in boxes {
      func pixels(_ low: Double, _ high: Double) -> Range<Int> {
        let first = min(max(0, Int(low - margin)), side)
        return first..<max(first, min(side, Int(high + margin) + 1))
      }
      let columns = pixels(box[0], box[2])
      for y in pixels(box[1], box[3]) {
        for x in columns { isFree[y * side + x] = false }
      }
    }
    indices = isFree.indices.filter { isFree[$0] }
  }

  /// Whether there are enough pixels to decide whether the background is plain.
  var isLargeEnough: Bool { Double(indices.count) > Self.fewest * Double(side * side) / (512 * 512) }

  /// The median of each channel of an RGB image in the region.
  func median(_ image: Image) -> SIMD3<Double> {
    var counts = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 3)
    image.pixels.withUnsafeBufferPointer { bytes in
      for channel in 0..<3 {
        counts[channel].withUnsafeMutableBufferPointer { histogram in
          for index in indices { histogram[Int(bytes[3 * index + channel])] += 1 }
        }
      }
    }
    /// The value at a place of the sorted list.
    func value(_ histogram: [Int], at place: Int) -> Double {
      var seen = 0
      for (level, count) in histogram.enumerated() {
        seen += count
        if seen > place { return Double(level) }
      }
      return 255
    }
    func middle(_ histogram: [Int]) -> Double {
      (value(histogram, at: (indices.count - 1) / 2) + value(histogram, at: indices.count / 2)) / 2
    }
    return SIMD3(middle(counts[0]), middle(counts[1]), middle(counts[2]))
  }

  /// The share of the region's pixels in an RGB image that differ from `color` by at most `tolerance` levels per channel.
  func share(of image: Image, within tolerance: Double, of color: SIMD3<Double>) -> Double {
    var near = 0
    image.pixels.withUnsafeBufferPointer { bytes in
      for index in indices {
        let at = 3 * index
        if abs(Double(bytes[at]) - color.x) <= tolerance, abs(Double(bytes[at + 1]) - color.y) <= tolerance,
          abs(Double(bytes[at + 2]) - color.z) <= tolerance
        {
          near += 1
        }
      }
    }
    return Double(near) / Double(indices.count)
  }
}
