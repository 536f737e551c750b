import Flux
import Foundation
import Images
import Serving
import Support
import Testing

@Suite struct NativeEditTests {
  /// A body whose images are `"PHOTO"`, `"MASK"` and so on.
  private func body(_ text: String) throws -> String {
    let images = [
      "PHOTO": TestImages.photo(), "MASK": TestImages.mask(white: (0..<32, 0..<64)),
      "BLACK": TestImages.mask(white: (0..<0, 0..<0)),
    ]
    return try images.reduce(text) { text, image in
      text.replacingOccurrences(
        of: "\"\(image.key)\"", with: "\"data:image/png;base64,\(try TestImages.base64(image.value))\"")
    }
  }

  private func finished(_ id: String?, _ fixture: ServiceFixture) async throws -> Job {
    let id = try #require(id)
    let job = await fixture.service.queue.result(of: id)
    return try #require(job)
  }

  @Test func aMaskedImageIsDrawnWithProgress() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let added = await fixture.send(
      "POST", "/flux/v1/jobs",
      try body(
        #"{"kind": "inpaint", "images": {"init": "PHOTO", "mask": "MASK"}, "preview_every": 1, "request": "#
          + #"{"prompt": "a cat", "steps": 4, "strength": 0.5, "mask_blur": 0, "mask_fill": "noise", "seed": 1}}"#))
    #expect(added.status == 202 && added.json["kind"]?.string == "inpaint", "\(added)")
    #expect(added.json["request"]?["strength"]?.double == 0.5 && added.json["steps"]?.int == 2)
    let job = try await finished(added.json["id"]?.string, fixture)
    #expect(job.status == .done, "\(String(describing: job.failure))")
    #expect(job.events.contains(.step(index: 2, count: 2)) && !job.events.contains(.step(index: 4, count: 2)))
    let image = try ImageFile.decode(try #require(job.images.first).bytes, file: "it")
    #expect(Array(image.pixels[96..<192]) == Array(TestImages.photo().pixels[96..<192]))
    #expect(job.images[0].parameters.contains("Masked content: latent noise"))
  }

  @Test func aVariationIsDrawn() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let added = await fixture.send(
      "POST", "/flux/v1/jobs",
      #"{"kind": "variation", "count": 5, "request": {"prompt": "a cat", "steps": 2, "seed": 1, "variation_seed": 7, "#
        + #""variation_strength": 0.3}}"#)
    let job = try await finished(added.json["id"]?.string, fixture)
    #expect(job.images.map(\.seed) == [1, 1, 1, 1, 1], "in two batches")
    let seeds = job.images.map { image in (7...11).first { image.parameters.contains("Variation seed: \($0),") } }
    #expect(seeds == [7, 8, 9, 10, 11])
  }

  @Test func anEditIsCancelledAfterItsStep() async throws {
    let fixture = try ServiceFixture(draws: true, pausing: true)
    try await fixture.waitUntilReady()
    let added = await fixture.send(
      "POST", "/flux/v1/jobs",
      try body(
        #"{"images": {"init": "PHOTO"}, "request": {"prompt": "a cat", "steps": 1000, "sampler": "ddpm"}}"#))
    #expect(added.json["kind"]?.string == "image")
    let id = try #require(added.json["id"]?.string)
    await fixture.waitForFirstStep()
    #expect(await fixture.send("DELETE", "/flux/v1/jobs/\(id)").status == 200)
    fixture.goOn()
    let job = try await finished(id, fixture)
    #expect(job.status == .cancelled && job.step < job.steps && job.steps == 750)
  }

  @Test func anImageThatIsNotChangedIsNoStep() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let added = await fixture.send(
      "POST", "/flux/v1/jobs", try body(#"{"images": {"init": "PHOTO"}, "request": {"prompt": "x", "strength": 0}}"#))
    #expect(added.json["warnings"]?.array?.first?.string?.contains("no step") == true)
    #expect(try await finished(added.json["id"]?.string, fixture).images.count == 1)
  }

  @Test func imagesAboveTheLimitOfPixelsAreRefused() async throws {
    var limits = ServerLimits()
    limits.pixels = 64 * 64 - 1
    let fixture = try ServiceFixture(limits: limits)
    let answer = await fixture.send(
      "POST", "/flux/v1/jobs", try body(#"{"images": {"init": "PHOTO"}, "request": {"prompt": "x"}}"#))
    #expect(answer.status == 400 && answer.json["error"]?["code"]?.string == "image_too_large", "\(answer)")
  }

  @Test func imagesOfWaitingJobsDoNotFillTheMemory() async throws {
    var limits = ServerLimits()
    limits.imageBytes = 3 * 64 * 64 + 100
    let fixture = try ServiceFixture(limits: limits)
    let text = try body(#"{"images": {"init": "PHOTO"}, "request": {"prompt": "x"}}"#)
    let first = await fixture.send("POST", "/flux/v1/jobs", text)
    #expect(first.status == 202)
    #expect(await fixture.send("POST", "/flux/v1/jobs", text).status == 429)
    #expect(await fixture.send("POST", "/flux/v1/jobs", #"{"request": {"prompt": "x"}}"#).status == 202)
    fixture.service.queue.cancel(try #require(first.json["id"]?.string), .client)
    #expect(await fixture.send("POST", "/flux/v1/jobs", text).status == 202)
  }

  @Test func editsAreDrawnAlone() async throws {
    let fixture = try ServiceFixture()
    for _ in 0..<2 {
      _ = await fixture.send(
        "POST", "/flux/v1/jobs", try body(#"{"images": {"init": "PHOTO"}, "request": {"prompt": "x"}}"#))
    }
    #expect(fixture.service.queue.take()?.count == 1)
  }

  @Test(arguments: [
    (#""images": {}"#, "", "images.init"), (#""images": {"init": "PHOTO", "mask": "BLACK"}"#, "", "images.mask"),
    (#""images": {"init": "no"}"#, "", "images.init"), (#""images": {"init": "PHOTO", "third": "x"}"#, "", "third"),
    (#""kind": "inpaint", "images": {"init": "PHOTO"}"#, "", "kind"), (#""kind": "variation""#, "", "kind"),
    (#""kind": "text", "images": {"init": "PHOTO"}"#, "", "kind"), (#""kind": "upscale""#, "", "kind"),
    ("", #""strength": 0.5"#, "strength"), ("", #""variation_seed": 1"#, "variation_strength"),
    (#""images": {"init": "PHOTO"}"#, #""mask_blur": 4"#, "mask_blur"),
    (#""images": {"init": "PHOTO"}"#, #""fit": "crop""#, "fit"),
    (#""images": {"init": "PHOTO"}"#, #""width": 60, "height": 64"#, "size"),
    (#""images": {"init": "PHOTO", "mask": "MASK"}"#, #""large_latents": true"#, "large_latents"),
  ])
  func whatCannotBeDrawnIsRefusedWithItsField(_ fields: String, _ settings: String, _ name: String) async throws {
    let fixture = try ServiceFixture()
    let request = #""request": {"prompt": "x"\#(settings.isEmpty ? "" : ", ")\#(settings)}"#
    let answer = await fixture.send(
      "POST", "/flux/v1/jobs", try body("{\(request)\(fields.isEmpty ? "" : ", ")\(fields)}"))
    #expect(answer.status == 400 && answer.json["error"]?["field"]?.string == name, "\(answer)")
    let count = fixture.service.queue.jobs.count
    #expect(count == 0)
  }
}
