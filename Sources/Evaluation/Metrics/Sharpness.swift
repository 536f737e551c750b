import Foundation

/// Sharpness, contrast and background noise of a set of images relative to references.
///
/// Spectra are summed over the set, so images with many edges count more; everything else is a mean over images. Samples
/// can be added in any order and are not kept. Blur lowers `sharpness` and noise raises it slightly; noise lowers
/// `cleanBackground`.
public struct Sharpness: Sendable, Encodable {
  /// The metrics of a set; nil if no image was suitable for a metric.
  public struct Values: Sendable, Codable, Equatable {
    /// The number of images for each metric.
    public struct Counts: Sendable, Codable, Equatable {
      /// Images for sharpness; also for effective resolution, contrast and amplitudes.
      public var sharpness = 0
      /// Images with a plain background.
      public var cleanBackground = 0
      /// Images whose plain background should have the color of the reference's.
      public var backgroundOffset = 0
      /// Images whose colors should equal the reference's.
      public var meanColorOffset = 0
    }

    /// The N for which the references, averaged to N × N pixels and enlarged bilinearly, have this sharpness.
    ///
    /// At most the size of the images. Interpolated between half octaves of N = 32 … 512, linearly in sharpness against
    /// log N, and proportional to sharpness below 32.
    public var effectiveResolution: Double?
    /// Geometric mean of the amplitudes at 16–32, 32–64 and 64–128 cycles per image; 1 is the references'.
    public var sharpness: Double?
    /// The amplitude at 4–16 cycles per image.
    public var contrast: Double?
    /// The amplitudes in `octaves`: roots of the ratios of power to the references'.
    public var amplitudes: [Double?]
    /// Of plain backgrounds, the share of pixels within 3/255 of their median, 0…1.
    public var cleanBackground: Double?
    /// The same for the references.
    public var cleanReferences: Double?
    /// Largest difference over the channels of the plain background's median from the reference's, in 1/255.
    public var backgroundOffset: Double?
    /// Largest difference over the channels of the image's mean from the reference's, in 1/255.
    public var meanColorOffset: Double?
    /// The number of images behind each metric.
    public var counts: Counts
  }

  /// The octaves of `Values.amplitudes`, in cycles per image.
  public static let octaves = OctaveSpectrum.octaves
  /// Mean squares below this are rounding errors of a uniform image, in squared levels of 255.
  private static let least = 1e-6

  private struct Mean {
    var sum = 0.0
    var count = 0
    var value: Double? { count > 0 ? sum / Double(count) : nil }

    mutating func add(_ value: Double?) {
      guard let value else { return }
      sum += value
      count += 1
    }
    mutating func add(_ other: Mean) {
      sum += other.sum
      count += other.count
    }
  }

  private var side: Int?
  private var images = 0
  private var power = [Double](repeating: 0, count: octaves.count)
  private var reference = [Double](repeating: 0, count: octaves.count)
  private var averaged: [Int: [Double]] = [:]
  private var clean = Mean()
  private var cleanReferences = Mean()
  private var backgroundOffset = Mean()
  private var meanColorOffset = Mean()

  /// An empty set.
  public init() {}

  /// Adds an image; traps unless all images of a set have the same size.
  public mutating func add(_ sample: SharpnessSample) {
    setSide(sample.reference.side)
    images += 1
    Self.add(sample.power, to: &power)
    Self.add(sample.reference.power, to: &reference)
    for (resolution, power) in sample.reference.averaged { add(power, at: resolution) }
    clean.add(sample.clean)
    if sample.clean != nil { cleanReferences.add(sample.reference.background?.clean) }
    backgroundOffset.add(sample.backgroundOffset)
    meanColorOffset.add(sample.meanColorOffset)
  }

  /// Adds all images of another set.
  public mutating func add(_ other: Sharpness) {
    guard let side = other.side else { return }
    setSide(side)
    images += other.images
    Self.add(other.power, to: &power)
    Self.add(other.reference, to: &reference)
    for (resolution, power) in other.averaged { add(power, at: resolution) }
    clean.add(other.clean)
    cleanReferences.add(other.cleanReferences)
    backgroundOffset.add(other.backgroundOffset)
    meanColorOffset.add(other.meanColorOffset)
  }

  /// The metrics of the images added so far.
  public var values: Values {
    let amplitudes = amplitudes(power)
    let sharpness = Self.sharpness(amplitudes)
    return Values(
      effectiveResolution: sharpness.flatMap(resolution), sharpness: sharpness, contrast: amplitudes[0],
      amplitudes: amplitudes, cleanBackground: clean.value, cleanReferences: cleanReferences.value,
      backgroundOffset: backgroundOffset.value, meanColorOffset: meanColorOffset.value,
      counts: Values.Counts(
        sharpness: images, cleanBackground: clean.count, backgroundOffset: backgroundOffset.count,
        meanColorOffset: meanColorOffset.count))
  }

  /// Writes `values`.
  public func encode(to encoder: any Encoder) throws { try values.encode(to: encoder) }

  private mutating func setSide(_ side: Int) {
    if let known = self.side, known != side { fatalError("a set of images of side \(known) was given one of \(side)") }
    self.side = side
  }

  private static func add(_ power: [Double], to sum: inout [Double]) {
    for octave in sum.indices { sum[octave] += power[octave] }
  }

  private mutating func add(_ power: [Double], at resolution: Int) {
    Self.add(power, to: &averaged[resolution, default: [Double](repeating: 0, count: power.count)])
  }

  /// Amplitudes relative to the references; nil if those have none and in octaves beyond the images' resolution.
  private func amplitudes(_ power: [Double]) -> [Double?] {
    Self.octaves.indices.map { octave in
      guard let side, 2 * Self.octaves[octave].upperBound <= side, reference[octave] > Self.least * Double(images)
      else { return nil }
      return (power[octave] / reference[octave]).squareRoot()
    }
  }

  private static func sharpness(_ amplitudes: [Double?]) -> Double? {
    guard let low = amplitudes[1], let middle = amplitudes[2], let high = amplitudes[3] else { return nil }
    return cbrt(low * middle * high)
  }

  /// The resolution at which the references have this sharpness.
  private func resolution(_ sharpness: Double) -> Double? {
    guard let side else { return nil }
    var table = averaged.sorted { $0.key < $1.key }.compactMap { resolution, power in
      Self.sharpness(amplitudes(power)).map { (resolution: Double(resolution), sharpness: $0) }
    }
    table.append((Double(side), 1))
    let lowest = table[0]
    guard sharpness > lowest.sharpness else {
      return sharpness > 0 ? lowest.resolution * sharpness / lowest.sharpness : 0
    }
    for (below, above) in zip(table, table.dropFirst()) where sharpness < above.sharpness {
      let part = (sharpness - below.sharpness) / (above.sharpness - below.sharpness)
      return below.resolution * pow(above.resolution / below.resolution, part)
    }
    return Double(side)
  }
}
