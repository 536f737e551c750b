import Images
import Serving
import Support
import Testing

@Suite struct FluxServiceTests {
  @Test func wrongPathsAndMethodsAreNamedInTheFormOfTheInterface() async throws {
    let fixture = try ServiceFixture()
    let missing = await fixture.send("GET", "/v1/nothing")
    #expect(missing.status == 404 && missing.json["error"]?["code"]?.string == "not_found")
    let request = ServiceFixture.request("GET", "/v1/images/generations")
    let response = await fixture.send(request)
    #expect(response?.status == 405 && response?.headers["Allow"] == "POST")
    let comfy = await fixture.send("GET", "/system_stats")  // a 200 would make clients take the server for ComfyUI
    #expect(comfy.status == 404)
  }

  @Test func bodiesBeyondTheLimitAreRefusedBeforeTheyAreRead() throws {
    let fixture = try ServiceFixture()
    let request = ServiceFixture.request(
      "POST", "/v1/images/generations", headers: [("Content-Length", "99999999999")])
    #expect(fixture.service.earlyResponse(to: request)?.status == 413)
  }

  @Test func formsOfOtherSitesAreNotRead() throws {
    let fixture = try ServiceFixture()
    let request = ServerRequest(
      method: "POST", path: "/flux/v1/jobs", headers: ["Host": "localhost", "Content-Type": "text/plain"])
    #expect(fixture.service.earlyResponse(to: request)?.status == 415)
  }

  @Test func withATokenOnlyThePageAndItsHealthAreOpen() throws {
    let fixture = try ServiceFixture(access: AccessRules(token: "secret-token"), page: "<script>1</script>")
    func status(_ path: String) -> Int? {
      fixture.service.earlyResponse(to: ServiceFixture.request("GET", path))?.status
    }
    #expect(status("/") == nil && status("/healthz") == nil && status("/readyz") == nil)
    for path in ["/metrics", "/flux/v1/jobs", "/v1/models", "/sdapi/v1/options"] { #expect(status(path) == 401) }
  }

  @Test func clientsMayAskForTheMethodsOfAPathWithoutAnOrigin() throws {
    let fixture = try ServiceFixture()
    let response = fixture.service.earlyResponse(to: ServiceFixture.request("OPTIONS", "/v1/images/generations"))
    #expect(response?.status == 204 && response?.headers["Access-Control-Allow-Origin"] == nil)
  }

  @Test func thePageRunsOnlyItsOwnScript() async throws {
    let fixture = try ServiceFixture(page: "<style>a</style><script>b</script>")
    let policy = await fixture.send(ServiceFixture.request("GET", "/"))?.headers["Content-Security-Policy"]
    #expect(
      policy?.hasPrefix("default-src 'none'; script-src 'sha256-PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0='") == true)
  }

  @Test func aStoppingServerIsNotReady() async throws {
    let fixture = try ServiceFixture()
    #expect(await fixture.send("GET", "/readyz").status == 200)
    fixture.service.queue.close()
    #expect(await fixture.send("GET", "/readyz").status == 503)
    #expect(await fixture.send("GET", "/healthz").status == 200)
    let refused = await fixture.send("POST", "/v1/images/generations", #"{"prompt": "a cat"}"#)
    #expect(refused.status == 503 && refused.json["error"]?["code"]?.string == "shutting_down")
  }

  @Test func metricsNameNoPromptAndNoPathOfAClient() async throws {
    let fixture = try ServiceFixture()
    _ = await fixture.send("POST", "/flux/v1/jobs", #"{"request": {"prompt": "my secret"}}"#)
    fixture.service.metrics.answered(
      route: FluxService.template(of: "/my/secret"), method: "SECRET", status: 404, seconds: 1)
    let text = fixture.service.metrics.text
    #expect(!text.lowercased().contains("secret"))
    #expect(text.contains(#"flux_http_requests_total{route="other",method="other",status="404"} 1"#))
  }
}

@Suite struct NativeInterfaceTests {
  @Test func aJobIsAcceptedListedAndCancelled() async throws {
    let fixture = try ServiceFixture()
    let added = await fixture.send(
      "POST", "/flux/v1/jobs", #"{"request": {"prompt": "a cat", "seed": 7, "steps": 3}, "count": 2}"#)
    #expect(added.status == 202 && added.json["status"]?.string == "queued")
    #expect(added.json["request"]?["seed"]?.int == 7 && added.json["steps"]?.int == 3)
    let id = try #require(added.json["id"]?.string)
    #expect(await fixture.send("GET", "/flux/v1/jobs").json["jobs"]?.array?.count == 1)
    #expect(await fixture.send("DELETE", "/flux/v1/jobs/\(id)").json["status"]?.string == "cancelled")
    #expect(await fixture.send("DELETE", "/flux/v1/jobs/\(id)").status == 409)
  }

  @Test(arguments: [
    (#"{"request": {"prompt": "x", "stepz": 3}}"#, "stepz"), (#"{"request": {"prompt": "x", "steps": 0}}"#, "steps"),
    (#"{"request": {"prompt": 1}}"#, "prompt"), (#"{"request": {}}"#, "prompt"), (#"{}"#, "request"),
    (#"{"request": {"prompt": "x", "sampler": "nope"}}"#, "sampler"),
    (#"{"request": {"prompt": "x", "model": "../../etc/passwd"}}"#, "model"),
    (#"{"request": {"prompt": "x", "width": 20000, "height": 64}}"#, "width"),
    (#"{"request": {"prompt": "x", "width": 60, "height": 64}}"#, "size"),
    (#"{"request": {"prompt": "x"}, "kind": "image"}"#, "kind"),
  ])
  func wrongFieldsAreNamed(_ body: String, _ field: String) async throws {
    let fixture = try ServiceFixture()
    let answer = await fixture.send("POST", "/flux/v1/jobs", body)
    #expect([400, 404].contains(answer.status), "\(answer)")
    if field != "width" { #expect(answer.json["error"]?["field"]?.string == field, "\(answer)") }
    #expect(fixture.service.queue.jobs.isEmpty)
  }

  @Test func tokensTellWhatIsCut() async throws {
    let fixture = try ServiceFixture()
    let long = Array(repeating: "apple", count: 30).joined(separator: " ")
    let answer = await fixture.send("POST", "/flux/v1/tokens", #"{"prompt": "\#(long)"}"#)
    #expect(answer.json["limit"]?.int == 24 && answer.json["ids"]?.array?.count == 24)
    #expect(answer.json["cut"]?.array?.count == 8)
  }

  @Test func anImageIsDrawnAndServedInAnyFormat() async throws {
    let fixture = try ServiceFixture(draws: true)
    try await fixture.waitUntilReady()
    let added = await fixture.send("POST", "/flux/v1/jobs", #"{"request": {"prompt": "a cat", "steps": 2, "seed": 3}}"#)
    let id = try #require(added.json["id"]?.string)
    var names: [String] = []
    let response = await fixture.send(ServiceFixture.request("GET", "/flux/v1/jobs/\(id)/events"))
    guard case .stream(let pieces) = response?.body else {
      Issue.record("no stream")
      return
    }
    for await piece in pieces {
      let lines = String(decoding: piece, as: UTF8.self).split(separator: "\n")
      names += lines.filter { $0.hasPrefix("event: ") }.map { String($0.dropFirst(7)) }
    }
    #expect(names.first == "queued" && Array(names.suffix(2)) == ["image", "done"], "\(names)")
    for ending in ["png", "jpg", "webp"] {
      let image = await fixture.send(ServiceFixture.request("GET", "/flux/v1/images/\(id)-0.\(ending)"))
      let bytes = try #require(image?.bytes)
      #expect(try ImageFile.decode(bytes, file: "it").width == 64)
      #expect(ImageFile(bytes)?.ending == ending)
    }
    #expect(await fixture.send("GET", "/flux/v1/images/\(id)-1.png").status == 404)
  }
}
