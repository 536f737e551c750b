import Flux
import Foundation
import Images
import Serving
import Support
import Testing

@Suite struct OpenAIEditTests {
  /// A form as the SDKs send it: numbers are text, images are files.
  private func form(_ fields: [(String, String)], files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
    var body: [UInt8] = []
    for (name, value) in fields {
      body += Array("--b0\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
    }
    for (name, bytes) in files {
      let disposition = "--b0\r\nContent-Disposition: form-data; name=\"\(name)\"; filename=\"a.png\"\r\n"
      body += Array("\(disposition)Content-Type: image/png\r\n\r\n".utf8) + bytes + [0x0d, 0x0a]
    }
    return body + Array("--b0--\r\n".utf8)
  }

  private func send(
    _ fixture: ServiceFixture, _ path: String, _ fields: [(String, String)], _ files: [(name: String, bytes: [UInt8])]
  ) async throws -> (status: Int, json: JSONValue) {
    let request = ServerRequest(
      method: "POST", path: "/v1/images/\(path)",
      headers: ["Host": "localhost", "Content-Type": "multipart/form-data; boundary=b0"],
      body: form(fields, files: files))
    let sent = await fixture.send(request)
    let response = try #require(sent)
    return (response.status, JSONValue(response.bytes ?? []) ?? .null)
  }

  private func images(_ answer: JSONValue) throws -> [Image] {
    try (answer["data"]?.array ?? []).map { try TestImages.decoded($0["b64_json"]?.string) }
  }

  @Test func theTransparentPartOfTheMaskIsRedrawn() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let photo = TestImages.photo(96, 64)
    let mask = TestImages.hole(photo, (80..<96, 0..<64))
    let answer = try await send(
      fixture, "edits",
      [("prompt", "a cat"), ("n", "2"), ("seed", "3"), ("steps", "2"), ("model", "gpt-image-1"), ("colour", "red")],
      [("image", try TestImages.png(photo)), ("mask", try TestImages.png(mask))])
    #expect(answer.status == 200, "\(answer)")
    let images = try images(answer.json)
    #expect(images.count == 2 && images[0] != images[1])
    for image in images {
      #expect(image.width == 96 && image.height == 64)
      #expect(Array(image.pixels[..<150]) == Array(photo.pixels[..<150]))
      #expect(Array(image.pixels[250..<288]) != Array(photo.pixels[250..<288]))
    }
    #expect(answer.json["ignored"]?.array?.map(\.string) == ["colour"])
    #expect(answer.json["data"]?.array?.map { $0["seed"]?.int } == [3, 4])
  }

  @Test func withoutAMaskTheImagesOwnTransparencyCounts() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let hole = TestImages.hole(TestImages.photo(), (0..<32, 0..<64))
    for (image, kind) in [(hole, ImageOrder.Kind.inpaint), (TestImages.photo(), .image)] {
      let answer = try await send(
        fixture, "edits", [("prompt", "x"), ("steps", "2")], [("image[]", try TestImages.png(image))])
      #expect(answer.status == 200 && fixture.service.queue.jobs.first?.order.kind == kind, "\(answer)")
    }
  }

  @Test func fidelityIsTheStrengthAndTheSizeFollowsTheImage() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    for (fidelity, strength) in [("high", 0.5), ("low", 0.75)] {
      let answer = try await send(
        fixture, "edits", [("prompt", "a cat"), ("input_fidelity", fidelity), ("steps", "4")],
        [("image", try TestImages.png(TestImages.photo(200, 100)))])
      #expect(answer.json["size"]?.string == "64x32", "\(answer)")
      let edit = fixture.service.queue.jobs.first?.order.request.edit
      #expect(edit?.strength == strength && edit?.mask == nil)
    }
  }

  @Test func imagesMayComeInJSON() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let url = "data:image/png;base64,\(try TestImages.base64(TestImages.photo()))"
    let answer = await fixture.send(
      "POST", "/v1/images/edits", #"{"prompt": "a cat", "steps": 2, "images": [{"image_url": "\#(url)"}]}"#)
    #expect(answer.status == 200 && answer.json["ignored"]?.array?.isEmpty == true, "\(answer)")
    let refused = await fixture.send(
      "POST", "/v1/images/edits", #"{"prompt": "a cat", "images": [{"image_url": "https://example.org/a.png"}]}"#)
    #expect(refused.status == 400 && refused.json["error"]?["param"]?.string == "images")
  }

  @Test func editsStreamTheirOwnEvents() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let request = ServerRequest(
      method: "POST", path: "/v1/images/edits",
      headers: ["Host": "localhost", "Content-Type": "multipart/form-data; boundary=b0"],
      body: form(
        [("prompt", "a cat"), ("stream", "true"), ("partial_images", "1"), ("steps", "8")],
        files: [("image", try TestImages.png(TestImages.photo()))]))
    guard case .stream(let pieces) = await fixture.send(request)?.body else {
      Issue.record("no stream")
      return
    }
    var text = ""
    for await piece in pieces { text += String(decoding: piece, as: UTF8.self) }
    #expect(text.contains("event: image_edit.completed\n") && !text.contains("image_generation"), "\(text)")
  }

  @Test func aVariationTakesThePromptOfTheImage() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let text = "a red apple\nNegative prompt: dark\nSteps: 4, Sampler: Euler, CFG scale: 3, Seed: 1, Size: 64x64"
    let stated = try TestImages.png(TestImages.photo(), text: [.init(keyword: "parameters", text: text)])
    let answer = try await send(
      fixture, "variations", [("n", "2"), ("size", "64x64"), ("steps", "5")], [("image", stated)])
    #expect(answer.status == 200 && answer.json["data"]?.array?.count == 2, "\(answer)")
    let request = try #require(fixture.service.queue.jobs.first?.order.request)
    #expect(request.prompt == "a red apple" && request.negativePrompt == "dark" && request.edit?.strength == 0.6)
    let plain = try await send(
      fixture, "variations", [("steps", "2")], [("image", try TestImages.png(TestImages.photo()))])
    #expect(plain.status == 200)
    #expect(plain.json["warnings"]?.array?.contains { $0.string?.contains("no prompt") == true } == true, "\(plain)")
    #expect(fixture.service.queue.jobs.first?.order.request.guidance.scale == 1)
  }

  @Test(arguments: [
    ("edits", [("prompt", "x")], ["mask"], "image"), ("edits", [], ["image"], "prompt"),
    ("edits", [("prompt", "x")], ["image", "image"], "image"), ("edits", [("prompt", "x")], ["text"], "image"),
    ("edits", [("prompt", "x")], ["image", "opaque mask"], "mask"),
    ("edits", [("prompt", "x")], ["image", "narrow mask"], "mask"),
    ("edits", [("prompt", "x"), ("input_fidelity", "best")], ["image"], "input_fidelity"),
    ("edits", [("prompt", "x"), ("n", "two")], ["image"], "n"),
    ("edits", [("prompt", "x"), ("strength", "nan")], ["image"], "strength"),
    ("edits", [("prompt", "x"), ("size", "9000x9000")], ["image"], "size"),
    ("variations", [("n", "11")], ["image"], "n"), ("variations", [], ["text"], "image"),
    ("variations", [], [], "image"),
  ])
  func whatCannotBeDrawnIsRefusedWithItsField(
    _ path: String, _ fields: [(String, String)], _ files: [String], _ name: String
  ) async throws {
    let fixture = try ServiceFixture()
    let contents = try files.map { file -> (name: String, bytes: [UInt8]) in
      switch file {
      case "text": ("image", Array("no image".utf8))
      case "opaque mask": ("mask", try TestImages.png(TestImages.photo()))
      case "narrow mask": ("mask", try TestImages.png(TestImages.hole(TestImages.photo(32, 64), (0..<9, 0..<9))))
      default: (file, try TestImages.png(TestImages.photo()))
      }
    }
    let answer = try await send(fixture, path, fields, contents)
    #expect(answer.status == 400 && answer.json["error"]?["param"]?.string == name, "\(answer)")
    let count = fixture.service.queue.jobs.count
    #expect(count == 0)
  }

  @Test func anythingButAFormOrJSONIsRefused() async throws {
    let fixture = try ServiceFixture()
    for (type, status) in [
      ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("multipart/form-data", 400),
    ] {
      let request = ServerRequest(
        method: "POST", path: "/v1/images/edits", headers: ["Host": "localhost", "Content-Type": type],
        body: Array("image=x".utf8))
      #expect(await fixture.send(request)?.status == status)
    }
  }
}
