import Serving
import Support
import Testing

/// The description at `/openapi.json`; `make test-clients` compares it with what the server does.
@Suite struct OpenAPITests {
  private func document() async throws -> JSONValue { try await ServiceFixture().send("GET", "/openapi.json").json }

  /// All strings under a key, anywhere.
  private func values(_ key: String, in value: JSONValue) -> [String] {
    switch value {
    case .object(let fields):
      fields.flatMap { ($0.key == key ? [$0.value.string].compactMap { $0 } : []) + values(key, in: $0.value) }
    case .array(let elements): elements.flatMap { values(key, in: $0) }
    default: []
    }
  }

  @Test func everySchemaThatItNamesIsThere() async throws {
    let document = try await document()
    let schemas = Set((document["components"]?["schemas"]?.fields ?? []).map { "#/components/schemas/\($0.key)" })
    let named = Set(values("$ref", in: document))
    #expect(!named.isEmpty && named.subtracting(schemas).isEmpty, "\(named.subtracting(schemas))")
    #expect(schemas.subtracting(named).isEmpty, "schemas of nothing: \(schemas.subtracting(named))")
  }

  @Test func everyOperationStatesItsAnswersAndRefusals() async throws {
    let document = try await document()
    let names = values("operationId", in: document["paths"] ?? .null)
    for (path, operations) in document["paths"]?.fields ?? [] {
      for (method, operation) in operations.fields ?? [] {
        let statuses = (operation["responses"]?.fields ?? []).map(\.key)
        #expect(statuses.contains { $0.hasPrefix("2") } && statuses.contains("403"), "\(method) \(path)")
        #expect(Set(statuses).count == statuses.count && !statuses.contains("default"), "\(method) \(path)")
        let isOpen = operation["security"]?.array?.isEmpty == true
        #expect(statuses.contains("401") != isOpen, "\(method) \(path)")
      }
    }
    // Operations by links.
    let operations = (document["paths"]?.fields ?? []).flatMap { $0.value.fields ?? [] }
    #expect(names.count == operations.count + 3 && Set(names).count == operations.count)
  }

  @Test func limitsAreThoseOfTheServer() async throws {
    var limits = ServerLimits()
    (limits.steps, limits.images) = (7, 3)
    let document = try await ServiceFixture(limits: limits).send("GET", "/openapi.json").json
    let job = document["components"]?["schemas"]?["Job"]?["properties"]
    #expect(job?["count"]?["maximum"]?.int == 3)
    #expect(job?["request"]?["properties"]?["steps"]?["maximum"]?.int == 7)
  }
}
