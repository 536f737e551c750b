import Foundation
import NN
import Support
import Torch

/// A network that lives in a directory: `config.json` beside safetensors, as diffusers and transformers keep theirs.
public protocol ConfiguredModel: Module {
  associatedtype Configuration: Codable
  /// What `config.json` names the class.
  static var className: String { get }
  /// Name of the safetensors set, without extension.
  static var weightsName: String { get }
  /// Keys of files that this model does not use.
  static func ignores(_ key: String) -> Bool
  /// What is wrong with a configuration, or nil.
  static func problem(_ configuration: Configuration) -> String?
  /// Options that the field's other programs know, which must have these values if they are given.
  static var fixedOptions: [String: FixedOption] { get }
  var configuration: Configuration { get }
  init(_ configuration: Configuration, _ initial: Initializer)
}

/// The one value of an option that Flux implements.
public enum FixedOption: Sendable, Equatable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
}

extension ConfiguredModel {
  public static func ignores(_ key: String) -> Bool { false }
  public static func problem(_ configuration: Configuration) -> String? { nil }
  public static var fixedOptions: [String: FixedOption] { [:] }
  public static var weightsName: String { "diffusion_pytorch_model" }

  /// Reads configuration and weights; names file, key, expected and actual where they do not fit.
  public static func load(from directory: URL) throws(CheckpointError) -> Self {
    let model = Self(try readConfiguration(directory), .empty)
    try model.loadWeights(from: directory)
    return model
  }

  /// Reads and checks `config.json`.
  public static func readConfiguration(_ directory: URL) throws(CheckpointError) -> Configuration {
    let url = directory.appendingPathComponent("config.json")
    guard let data = FileManager.default.contents(atPath: url.path) else {
      throw .unreadable(file: url.path, reason: "it does not exist or cannot be opened")
    }
    guard let object = try? JSONSerialization.jsonObject(with: data), let table = object as? [String: Any]
    else {
      throw .configuration(file: url.path, reason: "it is not a JSON object")
    }
    for (key, expected) in fixedOptions.sorted(by: { $0.key < $1.key }) {
      if let value = table[key], !expected.matches(value) {
        throw .configuration(file: url.path, reason: "\(key) is \(value), Flux implements only \(expected)")
      }
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    let configuration: Configuration
    do {
      configuration = try decoder.decode(Configuration.self, from: data)
    } catch { throw .configuration(file: url.path, reason: sentence(error)) }
    if let problem = problem(configuration) { throw .configuration(file: url.path, reason: problem) }
    return configuration
  }

  /// Copies the weights of a directory into this network.
  public func loadWeights(from directory: URL) throws(CheckpointError) {
    let set = try WeightSet(directory, name: Self.weightsName)
    try load { (key: String, shape: [Int]) throws(CheckpointError) in
      try Quantisation.read(key, shape, from: set)
    }
    let known = Set(parameters.map(\.key))
    let unknown = set.keys.filter {
      !known.contains($0) && !Self.ignores($0) && !known.contains(Quantisation.quantisedKey($0))
    }
    if !unknown.isEmpty { throw .unexpectedKeys(file: set.path, keys: unknown.sorted()) }
  }

  /// Writes configuration and weights; every file appears whole or not at all.
  public func save(to directory: URL, as format: Quantisation = .float32, metadata: [String: String] = [:])
    throws(CheckpointError)
  {
    try Self.createDirectory(directory)
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    guard let body = try? encoder.encode(configuration),
      let object = try? JSONSerialization.jsonObject(with: body),
      var table = object as? [String: Any]
    else { fatalError("a configuration of plain values always encodes") }
    table["_class_name"] = Self.className
    guard
      let json = try? JSONSerialization.data(withJSONObject: table, options: [.prettyPrinted, .sortedKeys])
    else {
      fatalError("a table of plain values always encodes")
    }
    do throws(FileError) {
      try AtomicFile.write(Array(json) + [10], to: directory.appendingPathComponent("config.json"))
    } catch { throw .notWritten(error) }
    let tensors = parameters.flatMap { format.stored($0.key, $0.tensor) }
    try WeightSet.write(tensors, metadata: metadata, directory: directory, name: Self.weightsName)
  }

  private static func createDirectory(_ directory: URL) throws(CheckpointError) {
    do {
      try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    } catch { throw .unreadable(file: directory.path, reason: "the folder cannot be created") }
  }
}

extension FixedOption: CustomStringConvertible {
  public var description: String {
    switch self {
    case .null: "null"
    case .flag(let value): "\(value)"
    case .number(let value): "\(value)"
    case .text(let value): "\"\(value)\""
    }
  }

  func matches(_ value: Any) -> Bool {
    switch self {
    case .null: value is NSNull
    case .flag(let expected): (value as? NSNumber)?.boolValue == expected
    case .number(let expected): (value as? NSNumber)?.doubleValue == expected
    case .text(let expected): value as? String == expected
    }
  }
}

/// A decoding error as a sentence that names the option.
private func sentence(_ error: any Error) -> String {
  func path(_ context: DecodingError.Context) -> String {
    context.codingPath.map(\.stringValue).joined(separator: ".")
  }
  return switch error {
  case DecodingError.keyNotFound(let key, _): "it lacks \"\(key.stringValue)\""
  case DecodingError.typeMismatch(let type, let context): "\"\(path(context))\" is not a \(type)"
  case DecodingError.valueNotFound(_, let context): "\"\(path(context))\" is null"
  case DecodingError.dataCorrupted(let context): "\"\(path(context))\": \(context.debugDescription)"
  default: "\(error)"
  }
}

// Which directory each network is stored in, and under which names.

extension UNet: ConfiguredModel {
  public static var className: String { "UNet2DConditionModel" }
  public static func problem(_ configuration: Configuration) -> String? { configuration.problem }

  /// Options of diffusers' class that Flux implements in one way only.
  public static var fixedOptions: [String: FixedOption] {
    [
      "act_fn": .text("silu"), "addition_embed_type": .null, "addition_time_embed_dim": .null,
      "attention_type": .text("default"), "center_input_sample": .flag(false),
      "class_embeddings_concat": .flag(false),
      "conv_in_kernel": .number(3), "conv_out_kernel": .number(3), "cross_attention_norm": .null,
      "dropout": .number(0),
      "dual_cross_attention": .flag(false), "encoder_hid_dim": .null, "encoder_hid_dim_type": .null,
      "mid_block_only_cross_attention": .null, "mid_block_scale_factor": .number(1),
      "num_attention_heads": .null,
      "num_class_embeds": .null, "only_cross_attention": .flag(false), "resnet_out_scale_factor": .number(1),
      "resnet_skip_time_act": .flag(false), "resnet_time_scale_shift": .text("default"),
      "reverse_transformer_layers_per_block": .null, "time_cond_proj_dim": .null,
      "time_embedding_act_fn": .null,
      "time_embedding_dim": .null, "time_embedding_type": .text("positional"), "timestep_post_act": .null,
    ]
  }
}

extension Autoencoder: ConfiguredModel {
  public static var className: String { "FluxAutoencoder" }
  public static func problem(_ configuration: Configuration) -> String? { configuration.problem }
}

extension TextAdapter: ConfiguredModel {
  public static var className: String { "FluxTextAdapter" }
}

extension TextEncoder: ConfiguredModel {
  public static var className: String { "BertModel" }
  public static var weightsName: String { "model" }

  /// MiniLM stores a table of positions, which are just counted, and a pooler, which nobody reads here.
  public static func ignores(_ key: String) -> Bool {
    key == "embeddings.position_ids" || key.hasPrefix("pooler.")
  }
}
