import Serving
import Testing

@Suite struct AccessRulesTests {
  private func refusal(_ rules: AccessRules, _ fields: [(name: String, value: String)], isOpen: Bool = false)
    -> AccessRules.Refusal?
  {
    rules.refusal(of: ServerRequest(method: "GET", path: "/", headers: HeaderFields(fields)), isOpen: isOpen)
  }

  @Test(arguments: ["localhost:7860", "127.0.0.1", "[::1]:7860", "LOCALHOST"])
  func loopbackHostsAreServed(_ host: String) {
    #expect(refusal(AccessRules(), [("Host", host)]) == nil)
  }

  @Test(arguments: ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:7860", ""])
  func otherHostsAreRefusedSinceTheyMayBeRebound(_ host: String) {
    #expect(refusal(AccessRules(), [("Host", host)]) == .host(host))
  }

  @Test func listedHostsAreServed() {
    #expect(refusal(AccessRules(hosts: ["Gpu.lan"]), [("Host", "gpu.lan:80")]) == nil)
  }

  @Test func pagesOfOtherSitesAreRefused() {
    let fields = [(name: "Host", value: "localhost:7860"), (name: "Origin", value: "https://evil.example")]
    #expect(refusal(AccessRules(), fields) == .origin("https://evil.example"))
    #expect(refusal(AccessRules(origins: ["https://evil.example"]), fields) == nil)
    #expect(refusal(AccessRules(), [("Host", "localhost:7860"), ("Origin", "http://localhost:7860")]) == nil)
    #expect(refusal(AccessRules(), [("Host", "localhost:7860"), ("Origin", "http://localhost:8000")]) != nil)
    #expect(refusal(AccessRules(), [("Host", "localhost:7860"), ("Origin", "null")]) == .origin("null"))
  }

  @Test(arguments: ["Bearer secret-token", "bearer secret-token", "Basic bmFtZTpzZWNyZXQtdG9rZW4="])
  func theTokenOpens(_ field: String) {
    let rules = AccessRules(token: "secret-token")
    #expect(refusal(rules, [("Host", "localhost"), ("Authorization", field)]) == nil)
  }

  @Test(arguments: [
    "", "Bearer", "Bearer secret", "Bearer secret-token2", "Basic c2VjcmV0LXRva2Vu", "Digest secret-token",
  ])
  func anythingElseDoesNot(_ field: String) {
    let rules = AccessRules(token: "secret-token")
    #expect(refusal(rules, [("Host", "localhost"), ("Authorization", field)]) == .token)
    #expect(refusal(rules, [("Host", "localhost"), ("Authorization", field)], isOpen: true) == nil)
  }

  @Test(arguments: ["", "Bearer anything", "Basic Og=="])
  func withoutATokenTheFieldDoesNotMatter(_ field: String) {
    #expect(refusal(AccessRules(), [("Host", "localhost"), ("Authorization", field)]) == nil)
  }
}
