import Flux
import Foundation
import Images
import Models
import Serving
import Support
import TestSupport
import Testing
import Torch

@Suite struct A1111EditTests {
  /// The image that the library draws for a request, as the server's model does.
  private func drawn(_ request: GenerationRequest) throws -> Image {
    let model = ModelBundle(Preset.tiny.configuration, .random(Generator(seed: 1)))
    let pipeline = Pipeline(
      model: model, prompts: try PromptEncoder(directory: Project.minilm), source: ModelSource(name: "x", hash: "ab"))
    return try pipeline.generate(request).image
  }

  private func details(_ answer: JSONValue) -> JSONValue? {
    answer["info"]?.string.flatMap { JSONValue(Array($0.utf8)) }
  }

  @Test func anInitImageIsDrawnAsByTheLibrary() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let photo = TestImages.photo()
    let answer = await fixture.send(
      "POST", "/sdapi/v1/img2img",
      #"{"init_images": ["data:image/png;base64,\#(try TestImages.base64(photo))"], "prompt": "a cat", "seed": 4,"#
        + #" "steps": 4, "denoising_strength": 0.5, "mask": null, "mask_blur": 4, "inpaint_full_res": 1}"#)
    #expect(answer.status == 200, "\(answer)")
    let image = try TestImages.decoded(answer.json["images"]?.array?.first?.string)
    let request = GenerationRequest(
      prompt: "a cat", seed: 4, steps: 4, edit: ImageEdit(image: photo, strength: 0.5, fit: .stretch))
    #expect(try drawn(request) == image)
    let info = try #require(details(answer.json))
    #expect(info["denoising_strength"]?.double == 0.5)
    #expect(info["infotexts"]?.array?.first?.string?.contains("Denoising strength: 0.5") == true)
    #expect(info["extra_generation_params"]?["Ignored"] == nil)
    #expect(answer.json["parameters"]?["init_images"] == nil && answer.json["parameters"]?["seed"]?.int == 4)
    #expect(fixture.service.queue.jobs.first.map { [$0.step, $0.steps] } == [2, 2], "half of the steps are done")
    #expect(fixture.service.queue.jobs.first?.order.request.edit?.image.pixels == nil, "the image is forgotten")
  }

  @Test func whatTheMaskDoesNotCoverComesBackUnchanged() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let photo = TestImages.photo(100, 80)
    let mask = TestImages.mask(100, 80, white: (40..<60, 30..<50))
    func send(_ fields: String) async throws -> (Image, JSONValue) {
      let answer = await fixture.send(
        "POST", "/sdapi/v1/img2img",
        #"{"init_images": ["\#(try TestImages.base64(photo))"], "mask": "\#(try TestImages.base64(mask))", "steps": 2,"#
          + #" "seed": 1, "prompt": "a cat", "mask_blur": 2, \#(fields)}"#)
      #expect(answer.status == 200, "\(answer)")
      return (try TestImages.decoded(answer.json["images"]?.array?.first?.string), answer.json)
    }
    func changed(_ image: Image, _ x: Int, _ y: Int) -> Bool {
      let place = 3 * (y * photo.width + x)
      return image.pixels[place..<place + 3] != photo.pixels[place..<place + 3]
    }
    let (inside, json) = try await send(#""width": 512"#)
    #expect(inside.width == 100 && inside.height == 80)
    #expect(changed(inside, 50, 40) && !changed(inside, 10, 10) && !changed(inside, 50, 70))
    #expect(details(json)?["extra_generation_params"]?["Ignored"]?.string == "width")
    #expect(details(json)?["infotexts"]?.array?.first?.string?.contains("Masked content: fill") == true)
    #expect(json["parameters"]?["mask"] == nil)
    let (outside, _) = try await send(#""inpainting_mask_invert": 1, "inpainting_fill": 2"#)
    #expect(!changed(outside, 50, 40) && changed(outside, 10, 10))
    let (whole, _) = try await send(#""inpaint_full_res": false, "width": 50, "height": 40, "resize_mode": 1"#)
    #expect(whole.width == 50 && whole.height == 40)
  }

  @Test func theOpaquePartOfATransparentMaskIsRedrawn() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let photo = TestImages.photo()
    let mask = TestImages.hole(photo, (0..<32, 0..<64))
    let answer = await fixture.send(
      "POST", "/sdapi/v1/img2img",
      #"{"init_images": ["\#(try TestImages.base64(photo))"], "mask": "\#(try TestImages.base64(mask))", "steps": 1,"#
        + #" "mask_blur": 0, "denoising_strength": 1}"#)
    let image = try TestImages.decoded(answer.json["images"]?.array?.first?.string)
    #expect(Array(image.pixels[..<96]) == Array(photo.pixels[..<96]))
    #expect(Array(image.pixels[96..<192]) != Array(photo.pixels[96..<192]))
  }

  @Test func aSubseedLeadsToAnotherImage() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let answer = await fixture.send(
      "POST", "/sdapi/v1/txt2img",
      #"{"prompt": "a cat", "seed": 4, "steps": 2, "subseed": 9, "subseed_strength": 0.5, "batch_size": 2}"#)
    let info = try #require(details(answer.json))
    #expect(info["all_seeds"]?.array?.map(\.int) == [4, 4] && info["all_subseeds"]?.array?.map(\.int) == [9, 10])
    #expect(info["subseed_strength"]?.double == 0.5)
    let images = try (answer.json["images"]?.array ?? []).map { try TestImages.decoded($0.string) }
    #expect(images.count == 2 && images[0] != images[1])
    let request = GenerationRequest(
      prompt: "a cat", seed: 4, steps: 2, variation: Variation(seed: 10, strength: 0.5))
    let difference = zip(try drawn(request).pixels, images[1].pixels).map { abs(Int($0) - Int($1)) }.max()
    #expect((difference ?? 255) <= 2, "together and alone differ in the last bits")
  }

  @Test func anInterruptedEditAnswersWithTheImageAsItIs() async throws {
    let fixture = try ServiceFixture(draws: true, pausing: true)
    try await fixture.waitUntilReady()
    let (photo, mask) = (TestImages.photo(), TestImages.mask(white: (0..<32, 0..<64)))
    let body =
      #"{"init_images": ["\#(try TestImages.base64(photo))"], "mask": "\#(try TestImages.base64(mask))","#
      + #" "steps": 1000, "sampler_name": "DDPM", "mask_blur": 0, "denoising_strength": 1}"#
    async let answer = fixture.send("POST", "/sdapi/v1/img2img", body)
    await fixture.waitForFirstStep()
    _ = await fixture.send("POST", "/sdapi/v1/interrupt")
    fixture.goOn()
    let image = try TestImages.decoded(await answer.json["images"]?.array?.first?.string)
    #expect(fixture.service.queue.jobs.first.map { $0.isInterrupted && $0.step < 1000 } == true)
    #expect(Array(image.pixels[96..<192]) == Array(photo.pixels[96..<192]), "the rest is pasted around it")
  }

  @Test(arguments: [
    (#""init_images": ["!!!"]"#, "init_images"), (#""init_images": [7]"#, "init_images"),
    (#""init_images": "AAAA""#, "init_images"), (#""init_images": ["aGVsbG8gd29ybGQ="]"#, "init_images"),
    (#""init_images": ["http://example.org/a.png"]"#, "init_images"),
    (#""init_images": ["/etc/passwd"]"#, "init_images"), (#""init_images": ["PHOTO", "PHOTO"]"#, "init_images"),
    (#""init_images": ["BOMB"]"#, "init_images"), (#""init_images": ["LARGEST"]"#, "init_images"),
    (#""init_images": ["CUT"]"#, "init_images"), (#""init_images": ["PHOTO"], "mask": "CUT""#, "mask"),
    (#""init_images": ["PHOTO"], "mask": "SMALL""#, "mask"), (#""init_images": ["PHOTO"], "mask": "BLACK""#, "mask"),
    (#""init_images": ["PHOTO"], "denoising_strength": 1.5"#, "denoising_strength"),
    (#""init_images": ["PHOTO"], "mask_blur": 300"#, "mask_blur"),
    (#""init_images": ["PHOTO"], "inpainting_fill": 4"#, "inpainting_fill"),
    (#""init_images": ["PHOTO"], "resize_mode": true"#, "resize_mode"),
    (#""init_images": ["PHOTO"], "width": 0"#, "width"),
    (#""init_images": ["PHOTO"], "width": 16000, "height": 16000"#, "size"),
  ])
  func whatCannotBeDrawnIsRefusedWithItsField(_ fields: String, _ name: String) async throws {
    let fixture = try ServiceFixture()
    let photo = try TestImages.png(TestImages.photo())
    let values = [
      "PHOTO": photo, "CUT": Array(photo[..<100]), "BOMB": TestImages.bomb(20_000, 20_000),
      "LARGEST": TestImages.bomb(.max, .max), "SMALL": try TestImages.png(TestImages.photo(64, 32)),
      "BLACK": try TestImages.png(TestImages.mask(white: (0..<0, 0..<0))),
    ]
    let body = values.reduce("{\(fields)}") { text, value in
      text.replacingOccurrences(of: "\"\(value.key)\"", with: "\"\(Data(value.value).base64EncodedString())\"")
    }
    let answer = await fixture.send("POST", "/sdapi/v1/img2img", body)
    #expect(answer.status == 422, "\(answer)")
    #expect(answer.json["detail"]?.array?.first?["loc"]?.array?.last?.string == name, "\(answer)")
    let count = fixture.service.queue.jobs.count
    #expect(count == 0)
  }

  @Test func aRequestWithoutAnInitImageIsAnsweredAsByTheWebUI() async throws {
    for body in ["{}", #"{"init_images": []}"#] {
      #expect(try await ServiceFixture().send("POST", "/sdapi/v1/img2img", body).status == 404)
    }
  }
}
