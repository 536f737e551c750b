import Foundation
import Images
import Serving
import Support
import Testing

@Suite struct OpenAIInterfaceTests {
  @Test func anImageComesBackInTheAnswer() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let body = #"{"prompt": "a red apple", "steps": 2, "seed": 5, "n": 2, "user": "u", "colour": "red"}"#
    let answer = await fixture.send("POST", "/v1/images/generations", body)
    #expect(answer.status == 200)
    let data = try #require(answer.json["data"]?.array)
    #expect(data.map { $0["seed"]?.int } == [5, 6])
    let bytes = try #require(data[0]["b64_json"]?.string.flatMap { Data(base64Encoded: $0) })
    #expect(PNGText.read([UInt8](bytes)).first?.text.contains("Seed: 5") == true)
    #expect(answer.json["ignored"]?.array?.map(\.string) == ["user", "colour"])
    #expect(answer.json["usage"]?["input_tokens"]?.int == 5)
    let again = await fixture.send("POST", "/v1/images/generations", body)
    #expect(again.json["data"]?.array?.first?["b64_json"]?.string == data[0]["b64_json"]?.string)
  }

  @Test func sizesThatTheModelDoesNotDrawAreResampledAndNamed() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let request = ServiceFixture.request(
      "POST", "/v1/images/generations", #"{"prompt": "a", "steps": 1, "size": "50x30", "response_format": "url"}"#)
    let response = try #require(await fixture.send(request))
    #expect(response.headers["x-flux-adjusted"] == "size")
    let json = try #require(JSONValue(response.bytes ?? []))
    let url = try #require(json["data"]?.array?.first?["url"]?.string)
    #expect(url.hasPrefix("http://localhost:7860/flux/v1/images/"))
    let path = String(url.dropFirst("http://localhost:7860".count))
    let image = try #require(await fixture.send(ServiceFixture.request("GET", path))?.bytes)
    let decoded = try ImageFile.decode(image, file: "it")
    #expect(decoded.width == 50 && decoded.height == 30)
    #expect(PNGText.read(image).first?.text.contains("Drawn at: 64x48") == true)
  }

  @Test(arguments: [
    (#"{}"#, "prompt", 400), (#"{"prompt": "x", "n": 11}"#, "n", 400),
    (#"{"prompt": "x", "size": "big"}"#, "size", 400), (#"{"prompt": "x", "quality": "best"}"#, "quality", 400),
    (#"{"prompt": "x", "background": "transparent"}"#, "background", 400),
    (#"{"prompt": "x", "size": "100000x100000"}"#, "size", 400), (#"{"prompt": "x", "steps": 1001}"#, "steps", 400),
  ])
  func wrongValuesAreNamed(_ body: String, _ field: String, _ status: Int) async throws {
    let fixture = try ServiceFixture()
    let answer = await fixture.send("POST", "/v1/images/generations", body)
    #expect(answer.status == status)
    #expect(answer.json["error"]?["param"]?.string == field)
    #expect(answer.json["error"]?["type"]?.string == "invalid_request_error")
  }

  @Test func aFullQueueSaysWhenToTryAgain() async throws {
    var limits = ServerLimits()
    limits.waiting = 0
    let fixture = try ServiceFixture(limits: limits)
    let response = await fixture.send(
      ServiceFixture.request("POST", "/v1/images/generations", #"{"prompt": "x"}"#))
    #expect(response?.status == 429 && response?.headers["Retry-After"] != nil)
  }
}
