import Foundation
import NN
import Support
import Torch

/// A network that lives in a directory: `config.json` beside safetensors, as diffusers and transformers keep theirs.
public protocol ConfiguredModel: Module {
  associatedtype Configuration: NetworkConfiguration
  /// What `config.json` names the class.
  static var className: String { get }
  /// Name of the safetensors set, without extension.
  static var weightsName: String { get }
  /// Keys of files that this model does not use.
  static func ignores(_ key: String) -> Bool
  /// Options that the field's other programs know, which must have these values if they are given.
  static var fixedOptions: [String: FixedOption] { get }
  var configuration: Configuration { get }
  init(_ configuration: Configuration, _ initial: Initializer)
}

/// The sizes of a network.
public protocol NetworkConfiguration: ModelConfiguration {
  /// Elements of its matrices and kernels; vectors are left out. Only of a configuration that is valid.
  var weightCount: Int { get }
}

extension NetworkConfiguration {
  /// Traps with the sentence of `validate`: for programs that build networks from numbers of their own.
  public func checkedOrTrap() {
    do {
      try validate()
    } catch { fatalError("\(Self.self): \(error)") }
  }
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
  public static var fixedOptions: [String: FixedOption] { [:] }
  public static var weightsName: String { "diffusion_pytorch_model" }

  /// Reads configuration and weights; names file, key, expected and actual where they do not fit.
  public static func load(from directory: URL) throws(CheckpointError) -> Self {
    let configuration = try readConfiguration(directory)
    let set = try WeightSet(directory, name: weightsName)
    // A network far larger than its files would fill memory, or take minutes, before the first shape is compared.
    let (asked, stored) = (configuration.weightCount, set.elementCount)
    guard asked <= 4 * stored + 1_000_000 else {
      throw .configuration(
        file: directory.appendingPathComponent("config.json").path,
        reason: "its sizes make a network of \(asked) weights, and \(set.path) holds \(stored)")
    }
    let model = Self(configuration, .empty)
    try model.loadWeights(set)
    return model
  }

  /// Reads and checks `config.json`.
  public static func readConfiguration(_ directory: URL) throws(CheckpointError) -> Configuration {
    do throws(JSONFileError) {
      return try JSONFile.read(directory.appendingPathComponent("config.json")) { table throws(ConfigurationError) in
        for (key, expected) in fixedOptions.sorted(by: { $0.key < $1.key }) {
          if let value = table[key], !expected.matches(value) {
            throw ConfigurationError(
              key, JSONFile.shown(value), expected: "\(expected), the only one that Flux implements")
          }
        }
      }
    } catch { throw CheckpointError(error) }
  }

  /// Copies the weights of a set into this network.
  private func loadWeights(_ set: WeightSet) throws(CheckpointError) {
    try load { (key: String, shape: [Int]) throws(CheckpointError) in
      try Quantisation.read(key, shape, from: set)
    }
    let known = Set(parameters.map(\.key))
    let unknown = set.keys.filter {
      !known.contains($0) && !Self.ignores($0) && !known.contains(Quantisation.quantisedKey($0))
    }
    if !unknown.isEmpty { throw .unexpectedKeys(file: set.path, keys: unknown) }
  }

  /// Writes configuration and weights; every file appears whole or not at all.
  public func save(to directory: URL, as format: Quantisation = .float32, metadata: [String: String] = [:])
    throws(CheckpointError)
  {
    try Self.createDirectory(directory)
    do throws(FileError) {
      try JSONFile.write(
        configuration, className: Self.className, to: directory.appendingPathComponent("config.json"))
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

// Which directory each network is stored in, and under which names.

extension UNet: ConfiguredModel {
  public static var className: String { "UNet2DConditionModel" }

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
}

extension TextAdapter: ConfiguredModel {
  public static var className: String { "FluxTextAdapter" }
}

extension TextEncoder: ConfiguredModel {
  public static var className: String { "BertModel" }
  public static var weightsName: String { "model" }
  public static var fixedOptions: [String: FixedOption] { ["position_embedding_type": .text("absolute")] }

  /// MiniLM stores a table of positions, which are just counted, and a pooler, which nobody reads here.
  public static func ignores(_ key: String) -> Bool {
    key == "embeddings.position_ids" || key.hasPrefix("pooler.")
  }
}
