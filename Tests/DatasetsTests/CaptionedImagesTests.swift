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

  @Test(arguments: [(100, 20, 40, 0), (20, 100, 0, 40), (30, 30, 0, 0), (31, 30, 0, 0), (33, 30, 1, 0)])
  func theCenterSquareHasTheShorterSide(_ width: Int, _ height: Int, _ left: Int, _ top: Int) {
    var random = SplitMix64(seed: 0, index: 0)
    let pixels = (0..<width * height).map { UInt8($0 % width + $0 / width) }
    let image = Image(width: width, height: height, channels: .gray, pixels: pixels)
    let side = min(width, height)
    let square = Crop.center.square(of: image, size: side, &random)
    #expect(square == image.cropped(left: left, top: top, width: side, height: side).asRGB)
  }

  @Test(arguments: [
    (100, 20, 10, 6, 33, 20, 33, 0), (20, 100, 10, 6, 20, 12, 0, 44), (100, 60, 10, 6, 100, 60, 0, 0),
    (3, 3, 200, 1, 3, 1, 0, 1),
  ])
  func theCenterOfOtherProportionsIsTheLargestPartThatHasThem(
    _ width: Int, _ height: Int, _ across: Int, _ down: Int, _ cropWidth: Int, _ cropHeight: Int, _ left: Int,
    _ top: Int
  ) {
    var random = SplitMix64(seed: 0, index: 0)
    let pixels = (0..<width * height).map { UInt8(($0 % width * 5 + $0 / width) % 256) }
    let image = Image(width: width, height: height, channels: .gray, pixels: pixels)
    let part = Crop.center.part(of: image, width: across, height: down, &random)
    let expected = image.cropped(left: left, top: top, width: cropWidth, height: cropHeight).asRGB
    #expect(part == expected.resized(width: across, height: down, filter: .lanczos))
  }

  @Test func aRandomCropOfOtherProportionsMovesAlongTheLongerSide() throws {
    let lefts = try (0..<200).map { seed in
      let example = try Ramp().example(0, width: 40, height: 20, crop: .random, seed: UInt64(seed))
      #expect(example.image.width == 40 && example.image.height == 20)
      return example.image.pixels[0]
    }
    #expect(lefts.min() == 0 && lefts.max() == 60)
  }

  @Test(arguments: [
    ("a cat", true), ("", true), ("bright lights", true), ("a leftover pizza", false), ("RIGHT", false),
    ("two cats,left", false), ("a lefthander", false), ("alright", true), ("upright piano", true),
  ])
  func wordsThatBeginWithASideForbidMirroring(_ caption: String, _ isAllowed: Bool) {
    #expect(Mirroring.isAllowed(for: caption) == isAllowed)
  }

  /// A source of which some images cannot be read.
  private struct Holes: CaptionedImages {
    let broken: Set<Int>
    let count = 6
    let digest = ""
    func id(_ index: Int) -> String { "\(index)" }
    func captions(_ index: Int) -> [String] { ["caption \(index)"] }
    func image(_ index: Int) throws(DatasetError) -> Image {
      if broken.contains(index) { throw .missing(path: "\(index)") }
      return Image(width: 1, height: 1, channels: .gray, pixels: [UInt8(index)])
    }
  }

  @Test func anImageThatCannotBeReadGivesWayToTheNextThatCan() throws {
    func chosen(_ order: [Int]) throws -> [Int: Int] {
      let images = ReadableImages(Holes(broken: [1, 2, 5]))
      let found = try order.map { ($0, try images.example($0, size: 1)) }
      #expect(found.allSatisfy { $0.1.example.caption == "caption \($0.1.index)" })
      return Dictionary(uniqueKeysWithValues: found.map { ($0.0, $0.1.index) })
    }
    let expected = [0: 0, 1: 3, 2: 3, 3: 3, 4: 4, 5: 0]
    #expect(try chosen([0, 1, 2, 3, 4, 5]) == expected && chosen([5, 4, 3, 2, 1, 0]) == expected)
  }

  @Test func failuresAreKeptInTheOrderOfTheSource() throws {
    let images = ReadableImages(Holes(broken: [1, 2, 5]))
    for index in [5, 1] { _ = try images.example(index, size: 1) }
    #expect(images.failed.map(\.id) == ["1", "2", "5"])
    let none = ReadableImages(Holes(broken: Set(0..<6)))
    let error = #expect(throws: DatasetError.self) { try none.example(3, size: 1) }
    #expect(error == .nothingReadable(count: 6, first: "0 does not exist"))
  }
}
