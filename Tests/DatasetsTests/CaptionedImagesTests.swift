import Datasets
import Images
import Support
import Testing

@Suite struct CaptionedImagesTests {
  /// An image whose gray is its column, with captions as told.
  private struct Ramp: CaptionedImages {
    var captions: [String] = []
    let count = 50
    let digest = ""
    func id(_ index: Int) -> String { "\(index)" }
    func captions(_ index: Int) -> [String] { captions }
    func image(_ index: Int) throws(DatasetError) -> Image {
      Image(width: 100, height: 20, channels: .gray, pixels: (0..<2000).map { UInt8($0 % 100) })
    }
  }

  @Test func theCenterIsTheMiddle() throws {
    let example = try Ramp().example(3, size: 20)
    #expect(example.image.channels == .rgb && example.image.width == 20 && example.image.height == 20)
    #expect(example.image.pixels[0] == 40 && example.image.pixels[57] == 59)
    #expect(example.caption == "" && example.id == "3")
  }

  @Test func randomCropsReachBothEndsAndDependOnSeedAndIndexAlone() throws {
    let source = Ramp()
    let lefts = try (0..<50).flatMap { index in
      try (0..<20).map { try source.example(index, size: 20, crop: .random, seed: UInt64($0)).image.pixels[0] }
    }
    #expect(lefts.min() == 0 && lefts.max() == 80)
    #expect(Set(lefts).count > 70)
    let again = try source.example(7, size: 20, crop: .random, seed: 3)
    #expect(again == (try source.example(7, size: 20, crop: .random, seed: 3)))
  }

  @Test func everyCaptionIsChosenAtTimes() throws {
    let source = Ramp(captions: ["a", "b", "c"])
    let chosen = try (0..<60).map { try source.example(0, size: 2, seed: UInt64($0)).caption }
    #expect(Set(chosen) == ["a", "b", "c"])
  }

  @Test func halfOfTheImagesAreMirroredWhereCaptionsAllowIt() throws {
    func mirrored(_ caption: String) throws -> Int {
      let source = Ramp(captions: [caption])
      return try (0..<50).count { try source.example($0, size: 20, mirror: true).image.pixels[0] == 59 }
    }
    #expect((15...35).contains(try mirrored("a bright light")))
    #expect(try mirrored("a cat Left of a dog") == 0)
    #expect(try mirrored("the rightmost cup") == 0)
    let plain = Ramp(captions: ["a cat"])
    #expect(try (0..<50).allSatisfy { try plain.example($0, size: 20).image.pixels[0] == 40 })
  }

  @Test func transparentImagesLieOnWhite() throws {
    var random = SplitMix64(seed: 0, index: 0)
    let clear = Image(width: 2, height: 1, channels: .rgba, pixels: [9, 9, 9, 0, 9, 9, 9, 0])
    #expect(Crop.center.square(of: clear, size: 1, &random).pixels == [255, 255, 255])
  }
}
