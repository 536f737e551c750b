import Foundation

/// The settings of a plan by name, as a checkpoint stores them, to report those that differ.
public struct PlanIdentity {
  private let settings: [String: Any]  // JSON values

  /// The settings of a plan of plain values as JSON.
  public init(_ plan: some Encodable) {
    do {
      let data = try JSONEncoder().encode(plan)
      settings = try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:]
    } catch { fatalError("a plan of plain values always encodes: \(error)") }
  }

  /// The settings stored in a checkpoint; nil if they are not a JSON object.
  init?(json: String) {
    guard let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any] else { return nil }
    var settings: [String: Any] = [:]
    for (key, value) in object { settings[Self.renamed[key] ?? key] = value }
    if let data = settings["data"] as? String {  // a folder of images and its crop
      settings["data"] = data.replacingOccurrences(of: " centre", with: " center")
    }
    self.settings = settings
  }

  /// Names that settings had in plans of earlier versions.
  private static let renamed = [
    "knowsObjects": "hasObjectLabels", "anew": "reinitialize", "autoencoderRate": "autoencoderLearningRate",
    "diffusionRate": "diffusionLearningRate", "secondBeta": "beta2", "averages": "emaSigmas", "distance": "lossType",
    "lastDistance": "cooldownLossType", "evenTimes": "uniformTimesteps", "gradientLimit": "maxGradNorm",
    "rate": "learningRate", "ownPaths": "onPolicyShare", "average": "ema",
  ]

  /// The settings as JSON with sorted keys.
  public func json() throws -> String {
    String(decoding: try JSONSerialization.data(withJSONObject: settings, options: .sortedKeys), as: UTF8.self)
  }

  /// The number of steps, if it is stored.
  var steps: Int? { settings["steps"] as? Int }

  /// Settings that differ from the stored ones, as text: "steps 200 there, 300 here".
  ///
  /// A setting that did not exist when the checkpoint was written has its neutral value.
  func differences(from stored: PlanIdentity) -> [String] {
    Self.differences(settings, from: stored.settings)
  }

  /// The same for the settings of a group, which are shown with its name.
  private static func differences(
    _ settings: [String: Any], from stored: [String: Any], in group: String = ""
  ) -> [String] {
    Set(settings.keys).union(stored.keys).sorted().flatMap { key -> [String] in
      let here = settings[key], there = stored[key] ?? (neutral[key] as Any?)
      if let here = here as? [String: Any], let there = there as? [String: Any] {
        return differences(here, from: there, in: "\(group)\(key).")
      }
      let texts = [text(there), text(here)]
      if texts[0] == texts[1] { return [] }
      let shown = texts.map { $0.count > 80 ? $0.prefix(80) + "…" : $0 }  // captions may be a whole file
      return ["\(group)\(key) \(shown[0]) there, \(shown[1]) here"]
    }
  }

  /// The neutral values of settings that were added later.
  private static let neutral: [String: NSNumber] = [
    "gradientCheckpointing": false, "lateLoss": 1, "equivariance": 0, "textures": 0, "uniformTimesteps": 0,
    "regeneratedLatents": 0,
  ]

  private static func text(_ value: Any?) -> String {
    guard let value, !(value is NSNull) else { return "none" }
    if let text = value as? String { return text }
    if let number = value as? NSNumber {  // a limit that is off is the largest number
      return number.doubleValue == .greatestFiniteMagnitude ? "no limit" : "\(number)"
    }
    let data = try? JSONSerialization.data(withJSONObject: value, options: .sortedKeys)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "\(value)"
  }
}
