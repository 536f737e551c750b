import Foundation
import Images
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

  /// `[256, 256, 3]`, float64.
  private static func painted(_ pair: Pair) -> Tensor {
    let (x, y) = (line.reshaped([1, side, 1]), line.reshaped([side, 1, 1]))
    func color(_ values: [Int]) -> Tensor { Tensor(values.map(Double.init), shape: [1, 1, 3]) }
    func inside(_ place: Tensor, _ range: Range<Int>) -> Tensor {
      (place .>= Double(range.lowerBound)).to(.float64) * (place .< Double(range.upperBound)).to(.float64)
    }
    let ground = color(pair.background) + (pair.isGradient ? (y / 4).floor() : y * 0) + x * 0
    let (d, s) = (pair.disc, pair.stripes)
    let distance = (x - Double(d.x)).square() + (y - Double(d.y)).square()
    let disc = Tensor.where(distance .<= Double(d.radius * d.radius), color(d.color), ground)
    let turn = ((x - Double(s.left)) / Double(s.width)).floor()
    let isEven = (turn - (turn / 2).floor() * 2) .== 0
    let stripes = inside(x, s.left..<s.right) * inside(y, s.top..<s.bottom) * isEven.to(.float64)
    return Tensor.where(stripes .> 0.5, color(s.color), disc)
  }

  private static func blurred(_ image: Tensor, _ pair: Pair) -> Tensor {
    let (r, area) = (pair.blur, Double((2 * pair.blur + 1) * (2 * pair.blur + 1)))
    let wide = image.permuted([2, 0, 1]).unsqueezed(0).padded(left: r, right: r, top: r, bottom: r, mode: .replicate)
    let sums = (wide.avgPool2d(2 * r + 1, stride: 1) * area).rounded().squeezed(0).permuted([1, 2, 0])
    let (x, y) = (line.reshaped([1, side, 1]), line.reshaped([side, 1, 1]))
    let number = 7 * x + 13 * y
    let speckle = ((number - (number / 17).floor() * 17) .== 0).to(.float64)
    let (red, green) = (Tensor([1, 0, 0] as [Double]), Tensor([0, Double(pair.green), 0]))
    return (((2 * sums + area) / (2 * area)).floor() + green + speckle * red * 5).clamped(to: 0...255)
  }

  private static var line: Tensor { Tensor.arange(0, Double(side), dtype: .float64) }

  private static func image(_ values: Tensor) -> Image {
    Image(width: side, height: side, channels: .rgb, pixels: values.to(.uint8).contiguous().elements())
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
    let averaged = numbers { sample in [32, 48, 64, 96, 128, 192].flatMap { sample.reference.averaged[$0] ?? [] } }
    // Halves may be rounded to one side or the other.
    expectClose(averaged, try golden.tensor("averaged").reshaped([-1]), atol: 1e-4, rtol: 2e-3)

    let v = sharpness.values
    let values = [
      v.effectiveResolution, v.sharpness, v.contrast, v.cleanBackground, v.cleanReferences, v.backgroundOffset,
      v.meanColorOffset,
    ]
    expectClose(Tensor(values.map { $0 ?? .nan }), try golden.tensor("values"), rtol: 1e-3)
    #expect(
      v.counts == Sharpness.Values.Counts(sharpness: 3, cleanBackground: 2, backgroundOffset: 2, meanColorOffset: 3))
  }
}
