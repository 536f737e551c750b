import Foundation
import Images
import Scenes
import Torch

/// The measurements of a reference, computed once for all images that are compared with it.
public struct SharpnessReference: Sendable {
  let side: Int
  let power: [Double]  // in each octave
  let averaged: [Int: [Double]]  // by N: the same for the reference averaged to N × N pixels and upsampled
  let meanColor: SIMD3<Double>
  /// Region and color of the background; nil unless it is plain.
  let background: (region: BackgroundRegion, color: SIMD3<Double>, clean: Double)?
}

/// The measurements of an image and its reference, which `Sharpness` accumulates.
public struct SharpnessSample: Sendable {
  let power: [Double]
  let reference: SharpnessReference
  let clean: Double?  // share of the background's pixels that are near their median
  let backgroundOffset: Double?  // levels
  let meanColorOffset: Double?  // levels
}

/// Measures images of one size against references.
///
/// It holds tensors, so only one thread may use it at a time.
public struct SharpnessMeter {
  /// The expected relation of an image's background and colors to the reference's.
  public enum Background: Sendable {
    /// The background and all colors should equal the reference's.
    case same
    /// The background is plain like the reference's, but may have any color.
    case plain
    /// The background is not comparable with the reference's.
    case other
  }

  /// The resolutions of the table for effective resolution: half octaves, since octaves alone cause errors of 5 %.
  public static let resolutions = [32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536]
  /// The smallest image size whose spectrum reaches 128 cycles per image, as needed for sharpness.
  public static let smallestSide = 256
  /// The largest difference from the median that counts as clean, in levels of 255.
  static let cleanTolerance = 3.0

  /// Side of the images, in pixels.
  public let side: Int
  private let spectrum: OctaveSpectrum
  private let averages: [(resolution: Int, weights: Tensor)]  // [N, side] each

  /// For images of `side` × `side` pixels.
  public init(side: Int) {
    self.side = side
    spectrum = OctaveSpectrum(side: side)
    averages =
      side < Self.smallestSide
      ? [] : Self.resolutions.filter { $0 < side }.map { ($0, Self.areaAverage(from: side, to: $0)) }
  }

  /// Measures the render of a scene; its objects determine the background region.
  public func reference(_ render: Image, of scene: Scene, atlas: GlyphAtlas) -> SharpnessReference {
    reference(render, region: BackgroundRegion(scene, side: side, atlas: atlas))
  }

  /// Measures a reference; `region` is its background.
  ///
  /// Traps unless the image is RGB and of the meter's size, as `compare` does.
  public func reference(_ image: Image, region: BackgroundRegion? = nil) -> SharpnessReference {
    let pixels = tensor(image)
    var background: (region: BackgroundRegion, color: SIMD3<Double>, clean: Double)?
    if let region, region.isLargeEnough {
      guard region.side == side else { fatalError("a region of side \(region.side) on an image of side \(side)") }
      let color = region.median(image)
      if region.share(of: image, within: 1, of: color) > 0.999 {
        background = (region, color, region.share(of: image, within: Self.cleanTolerance, of: color))
      }
    }
    var averaged: [Int: [Double]] = [:]
    for (resolution, weights) in averages {
      let small = weights.matmul(pixels).matmul(weights.transposed(0, 1))  // [3, N, N]
      let large = small.unsqueezed(0).resizedBilinear(height: side, width: side).squeezed(0)
      averaged[resolution] = spectrum.power(large.rounded())
    }
    return SharpnessReference(
      side: side, power: spectrum.power(pixels), averaged: averaged, meanColor: meanColor(pixels),
      background: background)
  }

  /// Measures an image against its reference.
  public func compare(
    _ image: Image, with reference: SharpnessReference, background: Background = .same
  ) -> SharpnessSample {
    guard reference.side == side else { fatalError("a reference of side \(reference.side) for side \(side)") }
    let pixels = tensor(image)
    var (clean, offset, colorOffset): (Double?, Double?, Double?)
    if let behind = reference.background, background != .other {
      let color = behind.region.median(image)
      clean = behind.region.share(of: image, within: Self.cleanTolerance, of: color)
      if background == .same { offset = Self.largest(color - behind.color) }
    }
    if background == .same { colorOffset = Self.largest(meanColor(pixels) - reference.meanColor) }
    return SharpnessSample(
      power: spectrum.power(pixels), reference: reference, clean: clean, backgroundOffset: offset,
      meanColorOffset: colorOffset)
  }

  private func tensor(_ image: Image) -> Tensor {
    guard image.channels == .rgb, image.width == side, image.height == side else {
      fatalError("expected an RGB image of \(side)×\(side), got \(image.width)×\(image.height) \(image.channels)")
    }
    return Tensor(image.pixels, shape: [side, side, 3]).permuted([2, 0, 1]).to(.float32).contiguous()
  }

  private func meanColor(_ pixels: Tensor) -> SIMD3<Double> {
    let means = pixels.to(.float64).mean([1, 2]).doubles()
    return SIMD3(means[0], means[1], means[2])
  }

  private static func largest(_ difference: SIMD3<Double>) -> Double {
    max(abs(difference.x), abs(difference.y), abs(difference.z))
  }

  /// `[N, side]`: row i has the coverage of each pixel in the i-th of N equal parts of a line.
  private static func areaAverage(from side: Int, to count: Int) -> Tensor {
    let length = Double(side) / Double(count)
    var weights = [Float](repeating: 0, count: count * side)
    for part in 0..<count {
      let (start, end) = (Double(part) * length, Double(part + 1) * length)
      for pixel in Int(start)..<min(side, Int(end.rounded(.up))) {
        let covered = min(end, Double(pixel + 1)) - max(start, Double(pixel))
        weights[part * side + pixel] = Float(covered / length)
      }
    }
    return Tensor(weights, shape: [count, side])
  }
}
