import Diffusion
import Flux
import Foundation
import Images
import Models
import NN
import TestSupport
import Testing
import Torch

/// Image-to-image, inpainting and outpainting with an untrained model of preset tiny: images of 64×64, cells of 16×16.
@Suite struct EditPipelineTests {
  private func untrained() throws -> Pipeline {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    return Pipeline(
      model: model, prompts: try PromptEncoder(directory: Project.minilm), source: ModelSource(name: "x", hash: "ab"))
  }

  private func photo(_ width: Int, _ height: Int) -> Image {
    Image(
      width: width, height: height, channels: .rgb,
      pixels: (0..<3 * width * height).map { UInt8(truncatingIfNeeded: $0 / 3 % width * 3 + $0 % 3 * 40 + $0 / 999) })
  }

  /// White in a rectangle, black elsewhere.
  private func mask(_ width: Int, _ height: Int, white: (x: Range<Int>, y: Range<Int>)) -> Image {
    let pixels = (0..<width * height).map {
      white.x.contains($0 % width) && white.y.contains($0 / width) ? 255 : 0 as UInt8
    }
    return Image(width: width, height: height, channels: .gray, pixels: pixels)
  }

  private func request(_ edit: ImageEdit?, steps: Int = 4) -> GenerationRequest {
    GenerationRequest(prompt: "a red apple", seed: 5, steps: steps, edit: edit)
  }

  // MARK: - Image-to-image

  @Test func strength0IsTheImageEncodedAndDecoded() throws {
    let pipeline = try untrained()
    let image = photo(64, 64)
    let drawn = try pipeline.generate(request(ImageEdit(image: image, strength: 0)))
    let latent = pipeline.model.encode(TensorImage.tensor([image])) { .zeros([1]) }
    #expect(try drawn.image == pipeline.decodeLatents(latent)[0])
    #expect(drawn.request.guidance == Guidance(scale: 1), "no step is guided")
  }

  @Test(arguments: [SamplerKind.dpmpp_2m, .euler, .ddpm])
  func strength1IsTextToImageToTheByte(_ sampler: SamplerKind) throws {
    let pipeline = try untrained()
    var one = request(ImageEdit(image: photo(64, 64), strength: 1))
    one.sampler = sampler
    var text = one
    text.edit = nil
    #expect(try pipeline.generate(one).image == pipeline.generate(text).image)
  }

  @Test func onlyTheStepsOfTheStrengthAreDone() throws {
    let pipeline = try untrained()
    var steps: [Int] = []
    _ = try pipeline.generate(request(ImageEdit(image: photo(64, 64), strength: 0.5), steps: 8)) {
      steps.append($0.index)
    }
    #expect(steps == [4, 5, 6, 7])
  }

  @Test func theInitImageMatters() throws {
    let pipeline = try untrained()
    let edit = ImageEdit(image: photo(64, 64), strength: 0.5)
    let first = try pipeline.generate(request(edit)).image
    var dark = edit
    dark.image = ReferencedImage(
      Image(width: 64, height: 64, channels: .gray, pixels: .init(repeating: 9, count: 4096)))
    #expect(try pipeline.generate(request(dark)).image != first)
    #expect(try pipeline.generate(request(edit)).image == first)
  }

  @Test func aBatchBeginsWithOneImageAndManyNoises() throws {
    let pipeline = try untrained()
    let one = request(ImageEdit(image: photo(64, 64), strength: 0.5))
    let batch = try pipeline.generate(one, count: 2)
    #expect(batch.map(\.request.seed) == [5, 6])
    #expect(batch[0].image != batch[1].image)
    let alone = try pipeline.generate(one.image(1)).image
    #expect(zip(alone.pixels, batch[1].image.pixels).allSatisfy { abs(Int($0) - Int($1)) <= 1 })
  }

  @Test func imagesOfAnySizeAndKindAreFitted() throws {
    let pipeline = try untrained()
    for image in [photo(31, 200), photo(1, 1), photo(3, 64).asMask()] {
      for fit in ImageFit.allCases {
        let drawn = try pipeline.generate(request(ImageEdit(image: image, strength: 0.5, fit: fit), steps: 2)).image
        #expect(drawn.width == 64 && drawn.height == 64)
      }
    }
    var wide = request(ImageEdit(image: photo(50, 40), strength: 0.5), steps: 2)
    (wide.width, wide.height) = (100, 50)
    let large = try pipeline.generate(wide).image
    #expect(large.width == 100 && large.height == 50)
  }

  // MARK: - Inpainting

  @Test(arguments: [(true, Inpainting.Fill.original), (false, .blur), (true, .noise), (false, .empty)])
  func pixelsBeyondTheBlurComeBackAndThoseUnderTheMaskAreDrawn(_ crop: Bool, _ fill: Inpainting.Fill) throws {
    let pipeline = try untrained()
    let image = photo(90, 70)
    let edit = ImageEdit(
      image: image, strength: 1, mask: mask(90, 70, white: (20..<40, 30..<50)),
      inpainting: Inpainting(blur: 3, fill: fill, crop: crop, padding: 4))
    let file = try pipeline.generate(request(edit)).encoded()
    let drawn = try PNG.decode(file)
    try #require(drawn.width == 90 && drawn.height == 70)
    var changed = 0
    for y in 0..<70 {
      for x in 0..<90 {
        let place = 3 * (y * 90 + x)
        let isEqual = drawn.pixels[place..<place + 3] == image.pixels[place..<place + 3]
        let distance = max(20 - x, x - 39, 30 - y, y - 49, 0)
        if distance > 3 { #expect(isEqual, "\(x) \(y)") }
        if distance == 0, !isEqual { changed += 1 }
      }
    }
    #expect(changed > 380, "of 400 pixels")
  }

  @Test func whatIsUnderTheMaskAtTheStartMatters() throws {
    let pipeline = try untrained()
    var images: [Image] = []
    for fill in Inpainting.Fill.allCases {
      let edit = ImageEdit(
        image: photo(64, 64), strength: 0.5, mask: mask(64, 64, white: (16..<48, 16..<48)),
        inpainting: Inpainting(fill: fill, crop: false))
      images.append(try pipeline.generate(request(edit)).image)
    }
    for (index, image) in images.enumerated() { #expect(!images[..<index].contains(image)) }
  }

  @Test func anInvertedMaskIsTheMaskOfTheRest() throws {
    let pipeline = try untrained()
    let white = mask(64, 64, white: (0..<20, 0..<64))
    let rest = Image(width: 64, height: 64, channels: .gray, pixels: white.pixels.map { 255 - $0 })
    var edit = ImageEdit(image: photo(64, 64), mask: white)
    edit.inpainting.isInverted = true
    let other = ImageEdit(image: photo(64, 64), mask: rest)
    #expect(try pipeline.generate(request(edit)).image == pipeline.generate(request(other)).image)
  }

  @Test func aMaskOfAnotherSizeIsResized() throws {
    let pipeline = try untrained()
    func image(_ mask: Image) throws -> Image {
      try pipeline.generate(request(ImageEdit(image: photo(64, 64), mask: mask))).image
    }
    #expect(try image(mask(64, 64, white: (16..<32, 8..<48))) == image(mask(16, 16, white: (4..<8, 2..<12))))
  }

  @Test func aMaskOverEverythingAtStrength1IsTextToImage() throws {
    let pipeline = try untrained()
    let edit = ImageEdit(image: photo(64, 64), strength: 1, mask: mask(64, 64, white: (0..<64, 0..<64)))
    #expect(try pipeline.generate(request(edit)).image == pipeline.generate(request(nil)).image)
  }

  // MARK: - Outpainting

  @Test func anExtendedImageKeepsItsPixels() throws {
    let pipeline = try untrained()
    let image = photo(40, 30)
    let edit = ImageEdit(
      image: image, strength: 1, extend: Margins(left: 8, bottom: 21), inpainting: Inpainting(blur: 2, padding: 4))
    let drawn = try pipeline.generate(request(edit)).image
    try #require(drawn.width == 48 && drawn.height == 51)
    #expect(
      drawn.cropped(left: 11, top: 0, width: 37, height: 27) == image.cropped(left: 3, top: 0, width: 37, height: 27))
    let border = drawn.cropped(left: 0, top: 0, width: 8, height: 51)
    #expect(Set(border.pixels).count > 10, "something is drawn there")
  }

  // MARK: - Errors

  @Test func whatCannotBeDrawnIsNamed() throws {
    let pipeline = try untrained()
    let half = mask(64, 64, white: (0..<32, 0..<64))
    func sentence(_ edit: ImageEdit, _ change: (inout GenerationRequest) -> Void = { _ in }) -> String {
      var one = request(edit)
      change(&one)
      do { _ = try pipeline.generate(one) } catch { return "\(error)" }
      return ""
    }
    let photo = photo(64, 64)
    #expect(sentence(ImageEdit(image: photo, strength: 1.5)) == "strength 1.5 is outside 0…1")
    #expect(sentence(ImageEdit(image: photo, strength: .nan)).hasSuffix("is outside 0…1"))
    #expect(
      sentence(ImageEdit(image: photo, mask: mask(64, 60, white: (0..<9, 0..<9))))
        == "the mask has 64×60 pixels and the init image 64×64: they must have the same proportions")
    #expect(
      sentence(ImageEdit(image: photo, mask: mask(64, 64, white: (0..<0, 0..<0))))
        == "the mask has no white pixel: nothing would be redrawn")
    #expect(
      sentence(ImageEdit(image: photo, mask: half, inpainting: Inpainting(blur: -1)))
        == "mask blur -1 must be 0 to 256")
    #expect(sentence(ImageEdit(image: photo, extend: Margins(left: -4))) == "extension left -4 must be 0 to 4096")
    #expect(
      sentence(ImageEdit(image: photo, mask: half)) { $0.largeLatents = true }
        == "large latents cannot be combined with a mask or an extension")
    #expect(sentence(ImageEdit(image: photo, mask: half)) { $0.width = -7 } == "width -7 must be 1 to 16384")
    #expect(
      sentence(ImageEdit(image: photo)) { $0.width = 50 }.hasPrefix("width 50: this model generates multiples of 16"))
    #expect(
      sentence(ImageEdit(image: photo)) { $0.variation = Variation(seed: 1, strength: 2) }
        == "variation strength 2.0 is outside 0…1")
  }

  @Test func anEncoderThatGivesNoFiniteNumbersIsNamed() throws {
    let pipeline = try untrained()
    let tensor = try #require(pipeline.bundle?.autoencoder.parameters.first { $0.key.hasPrefix("encoder") }?.tensor)
    withNoGrad { tensor.fill_(.nan) }
    let error = #expect(throws: GenerationError.self) {
      try pipeline.generate(request(ImageEdit(image: photo(64, 64))))
    }
    #expect(error == .notFinite(.encoder, step: nil, loras: []))
  }

  // MARK: - What is recorded

  @Test func anEditIsRecordedByItsSettingsAndHashes() throws {
    let edit = ImageEdit(
      image: photo(64, 64), strength: 0.5, mask: mask(64, 64, white: (0..<9, 0..<9)), extend: Margins(top: 8),
      inpainting: Inpainting(isInverted: true, blur: 4, fill: .noise))
    let text = GeneratedImage(
      image: photo(64, 72), request: request(edit), source: ModelSource(name: "x", hash: "ab")
    ).parameters
    for part in [
      "Denoising strength: 0.5, Init image hash: \(edit.image.hash.prefix(10)), Fit: cover, Mask hash: ",
      "Mask mode: Inpaint not masked, Extend: top=8, Mask blur: 4, Masked content: latent noise, "
        + "Inpaint area: Only masked, Masked area padding: 32",
    ] { #expect(text.contains(part), "\(part) in \(text)") }
  }

  @Test func aDecodedRequestNeedsItsImage() throws {
    let one = request(ImageEdit(image: photo(64, 64)))
    let json = try JSONEncoder().encode(one)
    #expect(json.count < 2000, "no pixels")
    let decoded = try JSONDecoder().decode(GenerationRequest.self, from: json)
    #expect(decoded == one)
    let pipeline = try untrained()
    let error = #expect(throws: GenerationError.self) { try pipeline.generate(decoded) }
    #expect(error?.description.hasPrefix("the init image with hash ") == true)
  }
}
