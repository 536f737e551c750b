import Foundation
import Images
import Scenes
import Testing
import Torch

@testable import Evaluation

/// Renders of the small world at full size, with their backgrounds and what the meter makes of them.
private enum Renders {
  static let side = 512
  static let scenes: [(image: Image, region: BackgroundRegion, reference: SharpnessReference)] = {
    let (atlas, meter) = (try! GlyphAtlas(), SharpnessMeter(side: side))
    return HeldOutReport.scenes(world: .small, seed: 1, count: 10).map { scene in
      let image = scene.scene.render(size: side, atlas: atlas)
      let region = BackgroundRegion(scene.scene, side: side, atlas: atlas)
      return (image, region, meter.reference(image, region: region))
    }
  }()

  /// Measures what `change` makes of every render.
  static func measure(_ change: (Image, Int) -> Image) -> Sharpness.Values {
    let meter = SharpnessMeter(side: side)
    var sharpness = Sharpness()
    for (index, scene) in scenes.enumerated() {
      sharpness.add(meter.compare(change(scene.image, index), with: scene.reference))
    }
    return sharpness.values
  }
}

extension Image {
  /// Each channel's values in 0…255, rounded.
  fileprivate func mapped(_ change: (Double) -> Double) -> Image {
    let table = (0...255).map { UInt8(min(max(change(Double($0)).rounded(), 0), 255)) }
    return Image(width: width, height: height, channels: channels, pixels: pixels.map { table[Int($0)] })
  }

  /// Averaged to `count` × `count` parts of equal area and enlarged bilinearly.
  fileprivate func averaged(to count: Int) -> Image {
    let length = Double(width) / Double(count)
    // Column j of the row holds what pixel j adds to an average, or an average to pixel i.
    var (down, up) = ([Double](repeating: 0, count: count * width), [Double](repeating: 0, count: width * count))
    for part in 0..<count {
      for pixel in 0..<width {
        let overlap = min(Double(part + 1) * length, Double(pixel + 1)) - max(Double(part) * length, Double(pixel))
        down[part * width + pixel] = max(0, overlap) / length
      }
    }
    for pixel in 0..<width {
      let at = min(max((Double(pixel) + 0.5) / length - 0.5, 0), Double(count - 1))
      let low = Int(at)
      up[pixel * count + low] += 1 - (at - Double(low))
      if low + 1 < count { up[pixel * count + low + 1] += at - Double(low) }
    }
    let line = Tensor(up, shape: [width, count]).matmul(Tensor(down, shape: [count, width]))
    let source = Tensor(pixels, shape: [height, width, 3]).permuted([2, 0, 1]).to(.float64)
    let result = line.matmul(source).matmul(line.transposed(0, 1)).rounded().permuted([1, 2, 0]).to(.uint8)
    return Image(width: width, height: height, channels: .rgb, pixels: result.contiguous().elements())
  }

  /// With whole numbers from −`most` to `most` added, each as likely, for every channel of every pixel.
  fileprivate func noisy(_ most: Int, seed: UInt64) -> Image {
    let noise = Tensor.randint(-most..<most + 1, [pixels.count], generator: Generator(seed: seed))
    let sum = (Tensor(pixels).to(.int64) + noise).clamped(to: 0...255).to(.uint8)
    return Image(width: width, height: height, channels: channels, pixels: sum.elements())
  }

  /// One color everywhere.
  fileprivate static func even(_ value: UInt8, side: Int) -> Image {
    Image(width: side, height: side, channels: .rgb, pixels: [UInt8](repeating: value, count: 3 * side * side))
  }
}

@Suite struct SharpnessTests {
  @Test(arguments: [48, 64, 100, 128, 200, 256])
  func averagedImagesHaveTheResolutionThatTheyWereAveragedTo(_ count: Int) throws {
    let values = Renders.measure { image, _ in image.averaged(to: count) }
    let found = try #require(values.effectiveResolution)
    #expect(abs(found / Double(count) - 1) < 0.03, "\(found) instead of \(count)")
    #expect(try #require(values.sharpness) < 0.85)
    #expect(abs(try #require(values.contrast) - 1) < 0.2)
    #expect(values.counts.sharpness == 10)
  }

  @Test func sharpCopiesHaveTheFullResolutionAndLeaveNothingToWishFor() {
    let values = Renders.measure { image, _ in image }
    #expect(values.effectiveResolution == 512)
    #expect(values.amplitudes.allSatisfy { $0 == 1 } && values.sharpness == 1 && values.contrast == 1)
    #expect(values.backgroundOffset == 0 && values.meanColorOffset == 0)
    #expect(values.cleanBackground == values.cleanReferences)
    #expect(values.counts.cleanBackground > 3 && values.counts.cleanBackground < 10)
  }

  @Test func sharpenedImagesGetNoMoreThanTheirSize() {
    let values = Renders.measure { image, _ in image.mapped { 1.3 * ($0 - 128) + 128 } }
    #expect(values.effectiveResolution == 512)
  }

  /// Whole numbers within ±5 leave (7/11)³ of the pixels within 3 of the median in all channels.
  ///
  /// A few more are left where white is near. The noise's power, which is alike at all frequencies, adds a fifth to a
  /// resolution of 64 and a tenth to one of 128.
  @Test(arguments: [64, 128])
  func noiseIsSeenInTheBackgroundRatherThanAsSharpness(_ count: Int) throws {
    let blurred = Renders.measure { image, _ in image.averaged(to: count) }
    let noisy = Renders.measure { image, index in image.averaged(to: count).noisy(5, seed: UInt64(index)) }
    #expect(try #require(blurred.cleanBackground) > 0.95)
    #expect(try #require(noisy.cleanBackground) < 0.35)
    #expect(noisy.cleanReferences == blurred.cleanReferences)
    let (before, after) = (
      try #require(blurred.effectiveResolution), try #require(noisy.effectiveResolution)
    )
    #expect(after >= before && after < 1.25 * before, "\(before) became \(after)")
  }

  @Test func contrastIsTheRatioOfAmplitudes() throws {
    let meter = SharpnessMeter(side: Renders.side)
    var sharpness = Sharpness()
    for scene in Renders.scenes {
      // Both stay far from black and white, where contrast would be lost.
      let reference = meter.reference(scene.image.mapped { 128 + 0.5 * ($0 - 128) })
      sharpness.add(meter.compare(scene.image.mapped { 128 + 0.6 * ($0 - 128) }, with: reference))
    }
    let contrast = try #require(sharpness.values.contrast)
    #expect(abs(contrast - 1.2) < 0.01, "\(contrast)")
  }

  @Test func theOrderOfImagesAndTheirDivisionIntoSetsDoNotMatter() throws {
    let meter = SharpnessMeter(side: Renders.side)
    let samples = Renders.scenes.prefix(6).enumerated().map { index, scene in
      meter.compare(scene.image.averaged(to: 60 + 20 * index), with: scene.reference)
    }
    func values(_ sets: [[SharpnessSample]]) -> Sharpness.Values {
      var all = Sharpness()
      for set in sets {
        var sharpness = Sharpness()
        for sample in set { sharpness.add(sample) }
        all.add(sharpness)
      }
      return all.values
    }
    let first = values([samples])
    for sets in [[samples.reversed()], [Array(samples[3...]), [], Array(samples[..<3])]] {
      let other = values(sets)
      #expect(first.counts == other.counts)
      #expect(abs(try #require(first.effectiveResolution) - #require(other.effectiveResolution)) < 1e-9)
      #expect(abs(try #require(first.contrast) - #require(other.contrast)) < 1e-12)
      #expect(abs(try #require(first.cleanBackground) - #require(other.cleanBackground)) < 1e-12)
    }
  }

  @Test func turningImagesAndReferencesOnTheirSidesChangesNothing() throws {
    func turned(_ image: Image) -> Image {
      let pixels = Tensor(image.pixels, shape: [image.height, image.width, 3]).transposed(0, 1).contiguous()
      return Image(width: image.height, height: image.width, channels: .rgb, pixels: pixels.elements())
    }
    let meter = SharpnessMeter(side: Renders.side)
    var (upright, lying) = (Sharpness(), Sharpness())
    for scene in Renders.scenes.prefix(3) {
      let image = scene.image.averaged(to: 90)
      upright.add(meter.compare(image, with: scene.reference))
      lying.add(meter.compare(turned(image), with: meter.reference(turned(scene.image))))
    }
    let (a, b) = (upright.values, lying.values)
    for (p, q) in zip(a.amplitudes, b.amplitudes) { #expect(abs(try #require(p) - #require(q)) < 1e-4) }
  }

  @Test func oneImageIsASet() throws {
    let meter = SharpnessMeter(side: Renders.side)
    let scene = try #require(Renders.scenes.first { $0.reference.background != nil })
    var sharpness = Sharpness()
    sharpness.add(meter.compare(scene.image.averaged(to: 128), with: scene.reference))
    let values = sharpness.values
    #expect(abs(try #require(values.effectiveResolution) - 128) < 1)
    #expect(
      values.counts
        == Sharpness.Values.Counts(sharpness: 1, cleanBackground: 1, backgroundOffset: 1, meanColorOffset: 1))
  }

  @Test func offsetsAreThoseOfTheFurthestChannel() throws {
    let values = Renders.measure { image, index in
      var image = image
      // Blue falls by 4 in every image, green by 2.
      for at in stride(from: 0, to: image.pixels.count, by: 3) {
        image.pixels[at + 1] = UInt8(max(0, Int(image.pixels[at + 1]) - 2))
        image.pixels[at + 2] = UInt8(max(0, Int(image.pixels[at + 2]) - 4))
      }
      return image
    }
    #expect(values.backgroundOffset == 4)
    #expect(abs(try #require(values.meanColorOffset) - 4) < 0.05)
    #expect(values.cleanBackground == values.cleanReferences)
  }

  @Test func aReferenceThatIsNotPlainCountsForSharpnessAlone() throws {
    let (atlas, meter) = (try GlyphAtlas(), SharpnessMeter(side: Renders.side))
    let panda = Scene.Placed(object: .emoji("panda"), size: .medium, x: 0.5, y: 0.5, side: 0.45)
    let scene = Scene(
      objects: [panda], place: .center, relation: nil, background: .landscape(.beach), horizon: 0.6)
    let image = scene.render(size: Renders.side, atlas: atlas)
    let reference = meter.reference(image, region: BackgroundRegion(scene, side: Renders.side, atlas: atlas))
    var sharpness = Sharpness()
    sharpness.add(meter.compare(image, with: reference))
    let values = sharpness.values
    #expect(values.effectiveResolution == 512 && values.meanColorOffset == 0)
    #expect(values.cleanBackground == nil && values.cleanReferences == nil && values.backgroundOffset == nil)
    #expect(values.counts == Sharpness.Values.Counts(sharpness: 1, meanColorOffset: 1))
  }

  @Test func backgroundsThatNeedNotBeEqualAreNotCompared() throws {
    let meter = SharpnessMeter(side: Renders.side)
    let scene = try #require(Renders.scenes.first { $0.reference.background != nil })
    let image = scene.image.mapped { $0 / 2 }
    var sharpness = Sharpness()
    sharpness.add(meter.compare(image, with: scene.reference, background: .plain))
    sharpness.add(meter.compare(image, with: scene.reference, background: .other))
    #expect(sharpness.values.cleanBackground == 1)
    #expect(sharpness.values.counts == Sharpness.Values.Counts(sharpness: 2, cleanBackground: 1))
  }

  @Test(arguments: [0, 90, 255] as [UInt8])
  func evenReferencesHaveNoSharpness(_ value: UInt8) throws {
    let meter = SharpnessMeter(side: 256)
    let even = Image.even(value, side: 256)
    let reference = meter.reference(even, region: BackgroundRegion(boxes: [], side: 256))
    var sharpness = Sharpness()
    sharpness.add(meter.compare(even, with: reference))
    sharpness.add(meter.compare(even.noisy(5, seed: 1), with: reference))
    let values = sharpness.values
    #expect(values.effectiveResolution == nil && values.sharpness == nil && values.contrast == nil)
    #expect(values.amplitudes.allSatisfy { $0 == nil })
    #expect(try #require(values.cleanBackground) < 0.9 && values.cleanReferences == 1)
    #expect(try !JSONEncoder().encode(sharpness).isEmpty)  // which refuses what is no number
  }

  @Test func blackImagesHaveNoneOfTheirReferencesSharpness() throws {
    let values = Renders.measure { _, _ in Image.even(0, side: Renders.side) }
    #expect(values.sharpness == 0 && values.effectiveResolution == 0 && values.contrast == 0)
    #expect(values.cleanBackground == 1)
    #expect(try #require(values.backgroundOffset) > 50 && #require(values.meanColorOffset) > 50)
  }

  @Test func anEmptySetHasNoValues() {
    let values = Sharpness().values
    #expect(values.effectiveResolution == nil && values.contrast == nil && values.cleanBackground == nil)
    #expect(values.backgroundOffset == nil && values.meanColorOffset == nil)
    #expect(values.counts == Sharpness.Values.Counts())
  }

  @Test func smallImagesHaveTheAmplitudesThatTheyCanShow() throws {
    let (atlas, meter) = (try GlyphAtlas(), SharpnessMeter(side: 128))
    let scene = HeldOutReport.scenes(world: .small, seed: 1, count: 1)[0].scene
    let image = scene.render(size: 128, atlas: atlas)
    var sharpness = Sharpness()
    sharpness.add(meter.compare(image, with: meter.reference(image)))
    #expect(sharpness.values.amplitudes == [1, 1, 1, nil, nil])
    #expect(sharpness.values.contrast == 1 && sharpness.values.effectiveResolution == nil)
  }

  @Test func aRegionKeepsItsDistanceFromBoxes() {
    // A box of 100…156 on 256 pixels: 12 pixels around it belong to it.
    let region = BackgroundRegion(boxes: [[100, 100, 156, 156]], side: 256)
    func share(_ columns: Range<Int>) -> Double {
      var image = Image.even(0, side: 256)
      for y in 88...168 { for x in columns { image.pixels[3 * (256 * y + x)] = 200 } }
      return region.share(of: image, within: 3, of: .zero)
    }
    #expect(share(88..<169) == 1)
    #expect(share(87..<169) < 1 && share(88..<170) < 1)
  }

  @Test func aFullImageHasNoBackgroundToJudge() {
    let meter = SharpnessMeter(side: 256)
    let region = BackgroundRegion(boxes: [[14, 14, 250, 250]], side: 256)
    #expect(!region.isLargeEnough)
    #expect(meter.reference(Image.even(9, side: 256), region: region).background == nil)
  }
}
