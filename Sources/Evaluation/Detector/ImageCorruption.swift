import Foundation
import Torch

/// Data augmentation that keeps the contents of images: tint, blur, noise and JPEG-like compression.
///
/// `pixels` are `[B, 3, H, W]` in −1…1 with sides that are multiples of 8; each corruption is applied to about half of the
/// images.
enum ImageCorruption {
  static func apply(_ pixels: Tensor, _ generator: Generator) -> Tensor {
    let count = pixels.shape[0]
    /// A strength in 0…1 for each image, 0 for half of them.
    func strength() -> Tensor {
      (Tensor.rand([count, 1, 1, 1], generator: generator) * 2 - 1).maximum(0)
    }
    func tint() -> Tensor { Tensor.rand([count, 3, 1, 1], generator: generator) * 2 - 1 }
    var x = pixels * (tint() * 0.08 + 1) + tint() * 0.06
    x = x + (blurred(x, by: Tensor.randint(2..<6, [1], generator: generator).ints()[0]) - x) * strength().sqrt()
    x = x + Tensor.randn(x.shape, generator: generator) * strength() * 0.15
    x = compressed(x, coarseness: strength() * 0.6 + 0.02)
    return x.clamped(to: -1...1)
  }

  /// Blurs by downsampling and upsampling.
  private static func blurred(_ x: Tensor, by factor: Int) -> Tensor {
    let (_, _, height, width) = x.shape4
    return x.resizedBilinear(height: height / factor, width: width / factor, antialias: true)
      .resizedBilinear(height: height, width: width)
  }

  /// Quantizes the cosine transform of blocks in steps that grow with frequency, as JPEG does.
  private static func compressed(_ x: Tensor, coarseness: Tensor) -> Tensor {
    let (B, C, H, W) = x.shape4
    let steps = coarseness * blockSteps
    let waves = x.reshaped([B * C, 1, H, W]).conv2d(cosines, nil, stride: 8).reshaped([B, C * 64, H / 8, W / 8])
    let rounded = (waves / steps).rounded() * steps
    return rounded.reshaped([B * C, 64, H / 8, W / 8]).convTranspose2d(cosines, nil, stride: 8).reshaped([B, C, H, W])
  }

  /// `[64, 1, 8, 8]`, orthonormal: the transposed convolution is the inverse.
  private static var cosines: Tensor {
    func wave(_ k: Int, _ x: Int) -> Double {
      let height: Double = k == 0 ? 0.125 : 0.25
      return height.squareRoot() * cos(Double(2 * x + 1) * Double(k) * .pi / 16)
    }
    var values: [Float] = []
    for pattern in 0..<64 {
      for pixel in 0..<64 { values.append(Float(wave(pattern / 8, pixel / 8) * wave(pattern % 8, pixel % 8))) }
    }
    return Tensor(values, shape: [64, 1, 8, 8])
  }

  /// `[1, 192, 1, 1]`: 1 for the mean of a block, 8 for its finest pattern.
  private static var blockSteps: Tensor {
    let values = (0..<192).map { (index: Int) in 1 + Float(index % 64 / 8 + index % 8) / 2 }
    return Tensor(values, shape: [1, 192, 1, 1])
  }
}
