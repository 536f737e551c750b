import Foundation
import Raster
import TestSupport
import Testing
import Torch

@testable import Evaluation

/// The measures against numpy's; Tools/golden/sharpness.py says how they were made, and paints the same images.
@Suite struct SharpnessGoldenTests {
  private static let side = 256

  private struct Pair {
    let background: [Int]
    let isGradient: Bool
    let disc: (x: Int, y: Int, radius: Int, color: [Int])
    let stripes: (left: Int, top: Int, right: Int, bottom: Int, width: Int, color: [Int])
    let blur: Int
    let green: Int
  }

  private static let pairs = [
    Pair(
      background: [200, 180, 90], isGradient: false, disc: (90, 110, 50, [30, 60, 200]),
      stripes: (160, 60, 220, 120, 3, [250, 240, 10]), blur: 1, green: 2),
    Pair(
      background: [40, 90, 160], isGradient: false, disc: (150, 130, 70, [220, 20, 60]),
      stripes: (20, 20, 60, 90, 5, [10, 200, 120]), blur: 3, green: -3),
    Pair(
      background: [120, 60, 30], isGradient: true, disc: (120, 90, 40, [240, 240, 240]),
      stripes: (60, 160, 200, 220, 2, [0, 0, 0]), blur: 2, green: 0),
  ]

  private static func painted(_ pair: Pair) -> [Int] {
    var pixels: [Int] = []
    for y in 0..<side {
      for x in 0..<side {
        var color = pair.background.map { $0 + (pair.isGradient ? y / 4 : 0) }
        let (dx, dy) = (x - pair.disc.x, y - pair.disc.y)
        if dx * dx + dy * dy <= pair.disc.radius * pair.disc.radius { color = pair.disc.color }
        let s = pair.stripes
        if (s.left..<s.right).contains(x), (s.top..<s.bottom).contains(y), (x - s.left) / s.width % 2 == 0 {
          color = s.color
        }
        pixels += color
      }
    }
    return pixels
  }

  private static func blurred(_ pixels: [Int], _ pair: Pair) -> [Int] {
    let size = 2 * pair.blur + 1
    /// Sums of `size` neighbors, `step` numbers apart, of lines of which a pixel's place is `place`.
    func sums(_ values: [Int], step: Int, place: (Int) -> Int) -> [Int] {
      values.indices.map { index in
        let at = place(index)
        return (-pair.blur...pair.blur).reduce(0) {
          $0 + values[index + step * (min(max(at + $1, 0), side - 1) - at)]
        }
      }
    }
    let across = sums(pixels, step: 3) { $0 / 3 % side }
    let both = sums(across, step: 3 * side) { $0 / 3 / side }
    return both.enumerated().map { index, sum in
      let (x, y) = (index / 3 % side, index / 3 / side)
      var value = (2 * sum + size * size) / (2 * size * size)
      if index % 3 == 1 { value += pair.green }
      if index % 3 == 0, (7 * x + 13 * y) % 17 == 0 { value += 5 }
      return min(max(value, 0), 255)
    }
  }

  private static func image(_ values: [Int]) -> Image {
    Image(width: side, height: side, channels: .rgb, pixels: values.map { UInt8($0) })
  }

  @Test func theMeasuresAreNumpys() throws {
    let golden = try SafetensorsFile(Project.golden("sharpness.safetensors"))
    let meter = SharpnessMeter(side: Self.side)
    var sharpness = Sharpness()
    var samples: [SharpnessSample] = []
    for pair in Self.pairs {
      let painted = Self.painted(pair)
      let (d, s) = (pair.disc, pair.stripes)
      let boxes = [
        [d.x - d.radius, d.y - d.radius, d.x + d.radius, d.y + d.radius], [s.left, s.top, s.right, s.bottom],
      ]
      let region = BackgroundRegion(boxes: boxes.map { $0.map(Double.init) }, side: Self.side)
      let reference = meter.reference(Self.image(painted), region: region)
      samples.append(meter.compare(Self.image(Self.blurred(painted, pair)), with: reference))
      sharpness.add(samples.last!)
    }
    func numbers(_ part: (SharpnessSample) -> [Double]) -> Tensor {
      Tensor(samples.flatMap(part))
    }
    expectClose(numbers(\.power), try golden.tensor("power").reshaped([-1]), atol: 1e-6, rtol: 1e-4)
    expectClose(numbers(\.reference.power), try golden.tensor("reference").reshaped([-1]), atol: 1e-6, rtol: 1e-4)
    let averaged = numbers { sample in [32, 64, 128].flatMap { sample.reference.averaged[$0] ?? [] } }
    // Halves may be rounded to one side or the other.
    expectClose(averaged, try golden.tensor("averaged").reshaped([-1]), atol: 1e-4, rtol: 2e-3)

    let v = sharpness.values
    let values = [
      v.effectiveResolution, v.sharpness, v.contrast, v.cleanBackground, v.cleanReferences, v.backgroundOffset,
      v.meanColorOffset,
    ]
    expectClose(Tensor(values.map { $0 ?? .nan }), try golden.tensor("values"), rtol: 1e-3)
    #expect(v.counts == Sharpness.Values.Counts(sharpness: 3, cleanBackground: 2, backgroundOffset: 2, meanColorOffset: 3))
  }
}
