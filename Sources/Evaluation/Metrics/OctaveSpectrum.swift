import Foundation
import Torch

/// The power of an image's luma in octaves of spatial frequency.
///
/// The mean is subtracted and a symmetric Hann window applied, so that the border does not count as an edge. A frequency is
/// the length of the two-dimensional wave vector in cycles per image.
struct OctaveSpectrum {
  /// 4–16 (two octaves, the coarse structure), then one octave each up to the highest frequency of 512 pixels.
  static let octaves: [Range<Int>] = [4..<16, 16..<32, 32..<64, 64..<128, 128..<256]

  let side: Int
  private let luma: Tensor  // [3, 1, 1]: ITU-R BT.601
  private let window: Tensor  // [side, side]
  private let weights: Tensor  // [octaves, side · (side / 2 + 1)]

  /// For images of `side` × `side` pixels.
  init(side: Int) {
    self.side = side
    luma = Tensor([0.299, 0.587, 0.114] as [Float], shape: [3, 1, 1])
    let hann = Tensor((0..<side).map { 0.5 - 0.5 * cos(2 * Double.pi * Double($0) / Double(side - 1)) })
    window = (hann.reshaped([side, 1]) * hann).to(.float32)
    let rows = Tensor.arange(0, Double(side), dtype: .float64)
    let vertical = rows.minimum(Double(side) - rows)
    let horizontal = Tensor.arange(0, Double(side / 2 + 1), dtype: .float64)
    let frequency = (vertical.square().reshaped([side, 1]) + horizontal.square()).sqrt()
    // All columns but the first and the last also represent their mirrored ones.
    let columns = Tensor((0...side / 2).map { $0 == 0 || 2 * $0 == side ? 1.0 : 2.0 })
    let masks = Self.octaves.map { octave in
      (frequency .>= Double(octave.lowerBound)).to(.float64) * (frequency .< Double(octave.upperBound)).to(.float64)
        * columns
    }
    weights = Tensor.stack(masks).reshaped([masks.count, side * (side / 2 + 1)])
  }

  /// Mean squares of the windowed luma in each octave, in squared 8-bit levels.
  ///
  /// `pixels` is `[3, side, side]`, float32, 0…255. Octaves above half the side have only corners of the spectrum or nothing.
  func power(_ pixels: Tensor) -> [Double] {
    let values = (pixels * luma).sum([0])  // [side, side]
    let spectrum = ((values - values.mean()) * window).powerSpectrum2d().to(.float64).reshaped([-1])
    // Parseval: the sum of squares is that of the spectrum divided by the number of pixels.
    return weights.matmul(spectrum).doubles().map { $0 / pow(Double(side), 4) }
  }
}
