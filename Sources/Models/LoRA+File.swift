import Foundation
import NN
import Support
import Torch

// The file that PEFT and diffusers write: `unet.LAYER.lora_A.weight` and `unet.LAYER.lora_B.weight`.

extension LoRA {
  /// The name of LoRA files in diffusers.
  public static let fileName = "pytorch_lora_weights.safetensors"

  private static let prefix = "unet."
  private static let parts = (down: ".lora_A.weight", up: ".lora_B.weight")
  /// The key suffixes of diffusers before PEFT.
  private static let olderParts = (down: ".lora.down.weight", up: ".lora.up.weight")

  /// Writes all factors, in bf16 by default; the scale is part of B, so no alpha is needed.
  public func save(to url: URL, as dtype: DType = .bfloat16, metadata: [String: String] = [:]) throws(CheckpointError) {
    let tensors = withNoGrad {
      parameters.map { (key: Self.prefix + $0.key, tensor: $0.tensor.detached().to(.cpu).to(dtype).contiguous()) }
    }
    try Safetensors.write(tensors, metadata: ["format": "pt"].merging(metadata) { $1 }, to: url)
  }

  /// Reads a file and checks every tensor against a U-Net's layers; unknown tensors are errors.
  ///
  /// Alphas, per layer or in PEFT's metadata, are multiplied into B.
  public static func load(_ url: URL, for unet: UNet) throws(CheckpointError) -> LoRA {
    let file = try SafetensorsFile(url)
    let weights = Dictionary(uniqueKeysWithValues: layers(of: unet))
    let common = try commonAlpha(file)
    var known: Set<String> = []
    var pairs: [Pair] = []
    for layer in try layers(in: file).sorted() {
      guard let weight = weights[layer] else { continue }  // its keys are reported as unknown below
      let isOlder = [olderParts.down, olderParts.up].contains { file.info(prefix + layer + $0) != nil }
      let names = isOlder ? olderParts : parts
      let (down, up) = (prefix + layer + names.down, prefix + layer + names.up)
      guard let first = file.info(down) else { throw .missingKey(file: file.path, key: down) }
      guard let rank = first.shape.first, rank > 0 else {
        throw .shape(file: file.path, key: down, expected: [1] + weight.shape.dropFirst(), actual: first.shape)
      }
      let shapes = Pair.shapes(of: weight.shape, rank: rank)
      let (A, B) = (try file.floats(down, shapes.down), try file.floats(up, shapes.up))
      let alpha = prefix + layer + ".alpha"
      let own = file.info(alpha) == nil ? common : try Self.alpha(alpha, in: file)
      let scale = own.map { $0 / Double(rank) } ?? 1
      for (key, part) in [(down, A), (up, B)] where !part.allFinite {
        throw .configuration(file: file.path, reason: "tensor \"\(key)\" holds numbers that are not finite")
      }
      pairs.append(Pair(layer: layer, down: A, up: scale == 1 ? B : B * scale))
      known.formUnion([down, up, alpha])
    }
    let unknown = file.keys.filter { !known.contains($0) }
    if !unknown.isEmpty { throw .unexpectedKeys(file: file.path, keys: unknown.sorted()) }
    guard !pairs.isEmpty else { throw .configuration(file: file.path, reason: "it holds no LoRA of a U-Net") }
    return LoRA(pairs)
  }

  /// The layers named in a file's keys.
  private static func layers(in file: SafetensorsFile) throws(CheckpointError) -> Set<String> {
    let endings = [parts.down, parts.up, olderParts.down, olderParts.up]
    return Set(
      file.keys.compactMap { key in
        guard key.hasPrefix(prefix), let ending = endings.first(where: key.hasSuffix) else { return nil }
        return String(key.dropFirst(prefix.count).dropLast(ending.count))
      })
  }

  /// A layer's alpha: one number of any type but bool.
  private static func alpha(_ key: String, in file: SafetensorsFile) throws(CheckpointError) -> Double {
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

  /// The alpha of PEFT's configuration, which newer programs store in the metadata, with the network's name as prefix of
  /// each option if the file has several networks.
  private static func commonAlpha(_ file: SafetensorsFile) throws(CheckpointError) -> Double? {
    guard let text = file.metadata["lora_adapter_metadata"] else { return nil }
    guard let table = JSONValue(Array(text.utf8)), table.fields != nil else {
      throw .configuration(file: file.path, reason: "its lora_adapter_metadata is not a JSON object")
    }
    // Each of these would change the meaning of A and B.
    for option in ["alpha_pattern", "use_dora", "use_rslora", "lora_bias", "modules_to_save", "fan_in_fan_out"] {
      for value in [table[prefix + option], table[option]] {
        guard let value, !isOff(value) else { continue }
        throw .configuration(
          file: file.path, reason: "its lora_adapter_metadata sets \(option), which Flux does not implement")
      }
    }
    guard let alpha = table[prefix + "lora_alpha"] ?? table["lora_alpha"], !alpha.isNull else { return nil }
    guard let number = alpha.double, number.isFinite else {
      throw .configuration(file: file.path, reason: "lora_alpha of its lora_adapter_metadata is not a number")
    }
    return number
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
}

extension SafetensorsFile {
  /// A tensor as float32; throws if its type is not floating-point.
  fileprivate func floats(_ key: String, _ shape: [Int]) throws(CheckpointError) -> Tensor {
    let value = try tensor(key, shape: shape)
    guard value.dtype.isFloatingPoint else {
      throw .type(file: path, key: key, expected: "a floating-point one", actual: value.dtype.rawValue)
    }
    return value.to(.float32)
  }
}
