import Foundation

/// What a checkpoint remembers of its plan: each setting by name, so that a run with other settings can say which.
struct PlanIdentity {
  private let settings: [String: Any]  // JSON values

  /// The settings of a plan of plain values as JSON.
  init(_ plan: some Encodable) {
    do {
      let data = try JSONEncoder().encode(plan)
      settings = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    } catch { fatalError("a plan of plain values always encodes: \(error)") }
  }

  /// What a checkpoint stored; nil where it is no JSON object.
  init?(json: String) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] else { return nil }
    settings = object
  }

  /// As text with keys in a fixed order.
  func json() throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: settings, options: .sortedKeys), as: UTF8.self)
  }

  /// The number of steps, where it is known.
  var steps: Int? { settings["steps"] as? Int }

  /// Settings that differ from stored ones, in words: "steps 200 there, 300 here".
  ///
  /// A setting that did not exist when a checkpoint was written had the value that changes nothing.
  func differences(from stored: PlanIdentity) -> [String] {
    let keys = Set(settings.keys).union(stored.settings.keys).sorted()
    return keys.compactMap { key in
      let here = settings[key], there = stored.settings[key] ?? (Self.neutral[key] as Any?)
      return Self.text(here) == Self.text(there) ? nil : "\(key) \(Self.text(there)) there, \(Self.text(here)) here"
    }
  }

  /// What settings that came later mean where they are missing.
  private static let neutral: [String: NSNumber] = [
    "gradientCheckpointing": false, "lateLoss": 1, "equivariance": 0, "textures": 0, "evenTimes": 0,
  ]

  private static func text(_ value: Any?) -> String {
    guard let value, !(value is NSNull) else { return "none" }
    if let text = value as? String { return text }
    if let number = value as? NSNumber { return "\(number)" }
    let data = try? JSONSerialization.data(withJSONObject: value, options: .sortedKeys)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
  }
}
