import Images
import Testing

@Suite struct ResizeTests {
  @Test func resizedImagesAreThoseOfPillow() throws {
    let golden = try ImageGolden()
    let keys = golden.keys(under: "resized/")
    #expect(keys.count == 4 * 11)
    for key in keys {
      let parts = key.split(separator: "/").map(String.init)  // mode, filter, size
      let filter = try #require(ResizeFilter(rawValue: parts[1]))
      let expected = try golden.image("resized/\(key)")
      let image = try golden.image("source/\(parts[0])")
        .resized(width: expected.width, height: expected.height, filter: filter)
      expectClose(image, expected, tolerance: 0, key)
    }
  }

  @Test(arguments: ResizeFilter.allCases)
  func oneColorStaysOneColor(_ filter: ResizeFilter) {
    let plain = Image(width: 20, height: 11, channels: .rgb, pixels: (0..<220).flatMap { _ in [7, 200, 255] })
    for (width, height) in [(3, 2), (47, 29), (20, 40)] {
      let resized = plain.resized(width: width, height: height, filter: filter)
      #expect(resized.pixels == (0..<width * height).flatMap { _ in [7, 200, 255] })
    }
  }

  @Test func whatIsTransparentDoesNotBleed() {
    let half = Image(
      width: 8, height: 1, channels: .rgba,
      pixels: (0..<8).flatMap { x -> [UInt8] in x < 4 ? [255, 0, 0, 255] : [0, 255, 0, 0] })
    let small = half.resized(width: 3, height: 1, filter: .bilinear)
    #expect(small.pixels[4] == 255 && small.pixels[5] == 0, "red stays red where it fades")
  }

  // MARK: - Closed forms

  private func line(_ values: [UInt8]) -> Image {
    Image(width: values.count, height: 1, channels: .gray, pixels: values)
  }

  private func random(_ width: Int, _ height: Int, _ channels: Image.Channels) -> Image {
    var state: UInt32 = 12345
    let pixels = (0..<width * height * channels.rawValue).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(state >> 24)
    }
    return Image(width: width, height: height, channels: channels, pixels: pixels)
  }

  @Test func halvingWithABoxIsTheRoundedMeanOfFour() {
    let image = random(10, 6, .rgb)
    let half = image.resized(width: 5, height: 3, filter: .box)
    for y in 0..<3 {
      for x in 0..<5 {
        for c in 0..<3 {
          func at(_ dx: Int, _ dy: Int) -> Int { Int(image.pixels[3 * ((2 * y + dy) * 10 + 2 * x + dx) + c]) }
          // Lines first: both steps round to bytes.
          let expected = ((at(0, 0) + at(1, 0) + 1) / 2 + (at(0, 1) + at(1, 1) + 1) / 2 + 1) / 2
          #expect(Int(half.pixels[3 * (y * 5 + x) + c]) == expected)
        }
      }
    }
  }

  @Test func enlargingWithABoxRepeatsPixels() {
    let large = line([3, 99, 200]).resized(width: 9, height: 2, filter: .box)
    #expect(large.pixels == [3, 3, 3, 99, 99, 99, 200, 200, 200, 3, 3, 3, 99, 99, 99, 200, 200, 200])
  }

  @Test func aPointSpreadsAsTheFilterSays() {
    var pixels = [UInt8](repeating: 0, count: 16)
    pixels[8] = 240
    #expect(line(pixels).resized(width: 8, height: 1, filter: .bilinear).pixels == [0, 0, 0, 30, 90, 0, 0, 0])
    #expect(line(pixels).resized(width: 8, height: 1, filter: .box).pixels == [0, 0, 0, 0, 120, 0, 0, 0])
  }

  @Test(arguments: ResizeFilter.allCases) func aGradientStaysAGradient(_ filter: ResizeFilter) {
    let ramp = line((0..<64).map { UInt8(3 * $0) })  // the value at x, pixels from their middles: 3 (x − 1/2)
    for width in [16, 32] + (filter == .box ? [] : [96, 128]) {
      let resized = ramp.resized(width: width, height: 1, filter: filter)
      let scale = 64 / Double(width)
      for x in width / 8..<width - width / 8 {  // the edges lack neighbors
        let expected = 3 * ((Double(x) + 0.5) * scale - 0.5)
        let tolerance = filter == .lanczos ? 1.5 : 0.51  // a windowed sinc is not exact for a gradient
        #expect(abs(Double(resized.pixels[x]) - expected) <= tolerance, "\(width), pixel \(x)")
      }
    }
  }

  @Test func aBoxKeepsTheMean() {
    let image = random(36, 24, .gray)
    func mean(_ image: Image) -> Double {
      Double(image.pixels.reduce(0) { $0 + Int($1) }) / Double(image.pixels.count)
    }
    for (width, height) in [(18, 12), (12, 8), (6, 4), (72, 48), (36, 6)] {
      let resized = image.resized(width: width, height: height, filter: .box)
      #expect(abs(mean(resized) - mean(image)) < 1, "\(width)×\(height)")  // two roundings of at most 1/2
    }
  }

  @Test(arguments: ResizeFilter.allCases) func linesOfOnePixelBecomeOneColorAndBack(_ filter: ResizeFilter) {
    let dot = line([77])
    #expect(dot.resized(width: 5, height: 3, filter: filter).pixels == [UInt8](repeating: 77, count: 15))
    let even = line([10, 20, 30, 40, 50]).resized(width: 1, height: 1, filter: filter)
    #expect(even.pixels == [30], "symmetric values have their middle as mean")
  }

  @Test(arguments: ResizeFilter.allCases, [Image.Channels.gray, .rgb, .rgba])
  func theOwnSizeChangesNothingAndBothSidesAreResizedSeparately(_ filter: ResizeFilter, _ channels: Image.Channels) {
    let image = random(13, 9, channels)
    #expect(image.resized(width: 13, height: 9, filter: filter) == image)
    if channels != .rgba {  // alpha would be rounded between the steps
      let both = image.resized(width: 20, height: 4, filter: filter)
      let steps = image.resized(width: 20, height: 9, filter: filter).resized(width: 20, height: 4, filter: filter)
      #expect(both == steps)
    }
  }

  @Test(arguments: [ResizeFilter.bilinear, .bicubic, .lanczos])
  func aMirroredImageIsResizedToTheMirroredResult(_ filter: ResizeFilter) {
    let image = random(30, 5, .rgb)
    for width in [7, 15, 45, 60] {
      let mirrored = image.mirrored.resized(width: width, height: 5, filter: filter)
      expectClose(
        mirrored.mirrored, image.resized(width: width, height: 5, filter: filter), tolerance: 1, "width \(width)")
    }
  }

  @Test(arguments: [ResizeFilter.bicubic, .lanczos]) func overshootIsClampedToBytes(_ filter: ResizeFilter) {
    let step = line([UInt8](repeating: 0, count: 8) + [UInt8](repeating: 255, count: 8))
    let large = step.resized(width: 64, height: 1, filter: filter).pixels
    #expect(large[..<28].allSatisfy { $0 < 40 } && large[36...].allSatisfy { $0 > 215 })
    #expect(large.contains(0) && large.contains(255))
  }

  @Test func evenTransparencyKeepsColorsAndItself() {
    let veil = Image(width: 6, height: 6, channels: .rgba, pixels: (0..<36).flatMap { _ in [200, 100, 50, 128] })
    let small = veil.resized(width: 4, height: 3, filter: .bicubic)
    for index in stride(from: 0, to: small.pixels.count, by: 4) {
      #expect(small.pixels[index + 3] == 128)
      for (c, value) in [200, 100, 50].enumerated() { #expect(abs(Int(small.pixels[index + c]) - value) <= 2) }
    }
  }
}
