import Images
import Scenes
import Support
import Testing

@Suite struct TexturePatternsTests {
  private typealias Kind = TexturePatterns.Kind

  @Test func anImageDependsOnSeedIndexAndSizeAlone() {
    let image = TexturePatterns.render(seed: 4, index: 9, size: 40)
    _ = TexturePatterns.render(seed: 5, index: 3, size: 24)
    #expect(TexturePatterns.render(seed: 4, index: 9, size: 40) == image)
    #expect(TexturePatterns.render(seed: 4, index: 10, size: 40) != image)
    #expect(TexturePatterns.render(seed: 5, index: 9, size: 40) != image)
    #expect(image.width == 40 && image.height == 40 && image.channels == .rgb)
    #expect(TexturePatterns.render(seed: 0, index: 0, size: 1).pixels.count == 3)
  }

  /// The bytes of one image of each kind as they were first drawn: the same on every machine.
  @Test func imagesAreTheSameBytesEverywhere() {
    var hash = SHA256()
    for kind in Kind.allCases {
      let index = (0...).first { TexturePatterns.kind(seed: 1, index: $0) == kind }!
      TexturePatterns.render(seed: 1, index: index, size: 48).pixels.withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hexDigest() == "1e4c1f2e7f7e6ebaaa4775e06c1852507144ecabb461e9f62651e647819800d7")
  }

  @Test func allKindsAreEquallyFrequent() {
    let kinds = (0..<4000).map { TexturePatterns.kind(seed: 2, index: $0) }
    for kind in Kind.allCases {
      let share = Double(kinds.count { $0 == kind }) / 4000
      #expect(abs(share - 0.125) < 0.02, "\(kind)")
    }
  }

  /// Most of what an image shows at 96 pixels it shows at 32, too.
  @Test func aPatternIsTheSameAtEverySize() {
    for index in 0..<32 {
      let large = TexturePatterns.render(seed: 3, index: index, size: 96).resized(width: 8, height: 8, filter: .box)
      let small = TexturePatterns.render(seed: 3, index: index, size: 32).resized(width: 8, height: 8, filter: .box)
      let differences = zip(large.pixels, small.pixels).map { abs(Int($0) - Int($1)) }
      let mean = Double(differences.reduce(0, +)) / Double(differences.count)
      #expect(mean < 14, "\(index), \(TexturePatterns.kind(seed: 3, index: index))")
    }
  }

  @Test func hardlyAnyImageIsOfOneColor() {
    let even = (0..<200).count { index in
      let pixels = TexturePatterns.render(seed: 6, index: index, size: 16).pixels
      return (0..<3).allSatisfy { channel in
        let values = stride(from: channel, to: pixels.count, by: 3).map { pixels[$0] }
        return values.max()! - values.min()! < 8
      }
    }
    #expect(even <= 6)
  }
}
