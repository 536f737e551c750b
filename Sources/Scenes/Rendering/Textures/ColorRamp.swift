import Support

/// Colors along 0…1, read from a table.
struct ColorRamp {
  /// A color at a place.
  struct Stop {
    let place: Double
    let color: SIMD4<Float>
  }

  private static let count = 2048
  private let table: [SIMD4<Float>]

  /// Colors between stops that are sorted by place; `smooth` is how the way from one to the next is gone.
  init(_ stops: [Stop], smooth: Bool) {
    table = (0..<Self.count).map { index in
      let place = (Double(index) + 0.5) / Double(Self.count)
      guard let next = stops.firstIndex(where: { $0.place > place }) else { return stops[stops.count - 1].color }
      guard next > 0 else { return stops[0].color }
      let (a, b) = (stops[next - 1], stops[next])
      let part = Float((place - a.place) / (b.place - a.place))
      return a.color + (b.color - a.color) * (smooth ? part * part * (3 - 2 * part) : part)
    }
  }

  /// Bands of colors that repeat, each begun at its place, with transitions `blend` wide in the middle of which it
  /// begins.
  init(bands: [Stop], blend: Double) {
    table = (0..<Self.count).map { index in
      let place = (Double(index) + 0.5) / Double(Self.count)
      var color = bands[bands.count - 1].color
      for band in bands where band.place <= place { color = band.color }
      // The nearest beginning, which may lie beyond the end.
      for (number, band) in bands.enumerated() {
        let before = bands[(number + bands.count - 1) % bands.count].color
        var distance = place - band.place
        distance -= distance.rounded()
        guard abs(distance) < blend / 2 else { continue }
        color = before + (band.color - before) * Float(distance / blend + 0.5)
      }
      return color
    }
  }

  /// The color at a place, which is brought into 0…1.
  @inline(__always)
  subscript(place: Float) -> SIMD4<Float> {
    table[Int(min(Int32(Self.count - 1), max(0, Int32(place * Float(Self.count)))))]
  }
}

extension SplitMix64 {
  /// A color of any hue, as bright as it happens to be; or a gray, one time in eight.
  mutating func color() -> SIMD4<Float> {
    let (light, depth) = (max(real(0.1, 1), real(0.1, 1)), real(0, 1))
    if chance(0.125) { return SIMD4(SIMD3(repeating: Float(255 * light)), 255) }
    // One channel full, one empty, one between them: a hue; then some of its depth is taken back.
    let between = unit()
    var hue = [1, between, 0]
    hue.swapAt(0, below(3))
    hue.swapAt(1, 1 + below(2))
    let channels = hue.map { Float(255 * light * (1 - depth * (1 - $0))) }
    return SIMD4(channels[0], channels[1], channels[2], 255)
  }

  /// Colors with places that rise from 0 to 1, at least a hundredth apart.
  mutating func stops(_ colors: [SIMD4<Float>]) -> [ColorRamp.Stop] {
    let widths = colors.dropFirst().map { _ in real(0.2, 1) }
    let total = widths.reduce(0, +)
    var place = 0.0
    return colors.enumerated().map { index, color in
      if index > 0 { place += widths[index - 1] / total }
      return ColorRamp.Stop(place: place, color: color)
    }
  }

  /// A direction: a vector of length 1 whose angle is about evenly spread over the circle.
  ///
  /// From the middle of a disc out of a square, without a sine, in which C libraries differ.
  mutating func direction() -> (x: Double, y: Double) {
    while true {
      let (x, y) = (real(-1, 1), real(-1, 1))
      let length = (x * x + y * y).squareRoot()
      if (0.1...1).contains(length) { return (x / length, y / length) }
    }
  }
}
