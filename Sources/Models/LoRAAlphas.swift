import Foundation
import Support
import Torch

/// The alphas of a LoRA file: B · A counts alpha / rank times.
struct LoRAAlphas {
  private var byNetwork: [LoRANetwork: Double] = [:]

  /// The alpha of a network's layers that have none of their own; nil if there is none.
  func common(_ network: LoRANetwork) -> Double? { byNetwork[network] }

  /// Reads the configuration of PEFT, which newer programs store in the metadata, with the network's name as prefix of each
  /// option if the file has several networks; PEFT alone stores it in a file beside the weights.
  init(_ file: SafetensorsFile, _ url: URL) throws(CheckpointError) {
    if let text = file.metadata["lora_adapter_metadata"] {
      try read(Array(text.utf8), "its lora_adapter_metadata", file)
    } else if file.keys.contains(where: { $0.hasPrefix(LoRAKey.peftPrefix) }) {
      let config = url.deletingLastPathComponent().appendingPathComponent("adapter_config.json")
      guard let bytes = try? FileSlice(path: config.path).read(limit: JSONFile.limit) else {
        throw .configuration(
          file: file.path, reason: "PEFT keeps the alpha in adapter_config.json, which is not beside it")
      }
      try read(bytes, "the adapter_config.json beside it", file)
    }
  }

  private mutating func read(_ json: [UInt8], _ source: String, _ file: SafetensorsFile) throws(CheckpointError) {
    guard let table = JSONValue(json), table.fields != nil else {
      throw .configuration(file: file.path, reason: "\(source) is not a JSON object")
    }
    let prefixes = [""] + LoRANetwork.allCases.map(\.prefix)
    // Each of these would change the meaning of A and B.
    for option in ["alpha_pattern", "use_dora", "use_rslora", "lora_bias", "modules_to_save", "fan_in_fan_out"] {
      for prefix in prefixes {
        guard let value = table[prefix + option], !Self.isOff(value) else { continue }
        throw .configuration(file: file.path, reason: "\(source) sets \(option), which Flux does not implement")
      }
    }
    for network in LoRANetwork.allCases {
      guard let alpha = table[network.prefix + "lora_alpha"] ?? table["lora_alpha"], !alpha.isNull else { continue }
      guard let number = alpha.double, number.isFinite else {
        throw .configuration(file: file.path, reason: "lora_alpha of \(source) is not a number")
      }
      byNetwork[network] = number
    }
  }

  /// Whether an option has no effect.
  private static func isOff(_ value: JSONValue) -> Bool {
    switch value {
    case .null: true
    case .bool(let on): !on
    case .number(let number, _): number == 0
    case .object(let fields): fields.isEmpty
    case .array(let values): values.isEmpty
    case .string: false
    }
  }

  /// A layer's own alpha: one number of any type but bool.
  static func number(_ key: String, in file: SafetensorsFile) throws(CheckpointError) -> Double {
    let value = try file.tensor(key)
    guard value.count == 1, value.rank <= 1 else {
      throw .shape(file: file.path, key: key, expected: [], actual: value.shape)
    }
    guard value.dtype != .bool else {
      throw .type(file: file.path, key: key, expected: "a number's", actual: value.dtype.rawValue)
    }
    let number = value.to(.float64).item()
    guard number.isFinite else {
      throw .configuration(file: file.path, reason: "\(key) is \(number), expected a number")
    }
    return number
  }
}
