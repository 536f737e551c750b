import Foundation
import NN
import Support
import Torch

/// A network stored in a directory with `config.json` and safetensors, as in diffusers and transformers.
public protocol ConfiguredModel: Module {
  /// The type of `config.json`.
  associatedtype Configuration: NetworkConfiguration
  /// The class name in `config.json`.
  static var className: String { get }
  /// Name of the safetensors set, without extension.
  static var weightsName: String { get }
  /// Maximum size of a file of weights, in bytes.
  static var shardBytes: Int { get }
  /// Whether a key of a file is ignored.
  static func ignores(_ key: String) -> Bool
  /// Prefixes of keys, each with its spelling in files of version 0.1.
  static var olderKeys: [String: String] { get }
  /// Options of other programs that must have these values if they are present.
  static var fixedOptions: [String: FixedOption] { get }
  /// Further entries of `config.json` that other programs need.
  static var writtenOptions: [String: String] { get }
  /// The sizes that the network was built with.
  var configuration: Configuration { get }
  /// A network of the given sizes; traps if they are invalid.
  init(_ configuration: Configuration, _ initial: Initializer)
}

/// The sizes of a network.
public protocol NetworkConfiguration: ModelConfiguration {
  /// Number of elements of its matrices and kernels, without vectors; the configuration must be valid.
  var weightCount: Int { get }
}

extension NetworkConfiguration {
  /// Traps with the error of `validate`, for configurations written in code.
  public func checkedOrTrap() {
    do {
      try validate()
    } catch { fatalError("\(Self.self): \(error)") }
  }
}

/// The only supported value of an option.
public enum FixedOption: Sendable, Equatable {
  /// The option must be null.
  case null
  /// The option must be this Boolean.
  case flag(Bool)
  /// The option must be this number.
  case number(Double)
  /// The option must be this text.
  case text(String)
}

extension ConfiguredModel {
  /// No keys, by default.
  public static func ignores(_ key: String) -> Bool { false }
  /// No keys, by default.
  public static var olderKeys: [String: String] { [:] }
  /// No options, by default.
  public static var fixedOptions: [String: FixedOption] { [:] }
  /// No entries, by default.
  public static var writtenOptions: [String: String] { [:] }
  /// The limit of all sets of weights, by default.
  public static var shardBytes: Int { WeightSet.shardLimit }
  /// The name that diffusers uses, by default.
  public static var weightsName: String { "diffusion_pytorch_model" }

  /// Reads configuration and weights, which get the given type; errors name file, key, expected and actual value.
  ///
  /// With `preparing` the network only draws from now on, and its layers are packed.
  public static func load(
    from directory: URL, as dtype: DType = .float32, keeping storage: WeightStorage = .computed, preparing: Bool = false
  ) throws(CheckpointError) -> Self {
    try StoredNetwork<Self>(directory).filled(as: dtype, keeping: storage, preparing: preparing)
  }

  /// Reads and checks `config.json`.
  public static func readConfiguration(_ directory: URL) throws(CheckpointError) -> Configuration {
    do throws(JSONFileError) {
      return try JSONFile.read(directory.appendingPathComponent("config.json"), check: checkFixedOptions)
    } catch { throw CheckpointError(error) }
  }

  /// Reads a part of a single file, whose configuration follows from its keys and shapes.
  public static func load(from part: CheckpointPart, as dtype: DType = .float32) throws(CheckpointError) -> Self {
    try StoredNetwork<Self>(part).filled(as: dtype)
  }

  /// The configuration of a part of a single file, checked like that of a directory.
  public static func readConfiguration(_ part: CheckpointPart) throws(CheckpointError) -> Configuration {
    do throws(JSONFileError) {
      return try JSONFile.read(part.configuration, of: part.path, check: checkFixedOptions)
    } catch { throw CheckpointError(error) }
  }

  private static func checkFixedOptions(_ table: [String: Any]) throws(ConfigurationError) {
    for (key, expected) in fixedOptions.sorted(by: { $0.key < $1.key }) {
      if let value = table[key], !expected.matches(value) {
        throw ConfigurationError(key, JSONFile.shown(value), expected: "\(expected), the only value that Flux supports")
      }
    }
  }

  /// Writes configuration and weights; every file is written atomically, and none is larger than `maxShardBytes`.
  public func save(
    to directory: URL, as format: Quantization = .float32, metadata: [String: String] = [:],
    maxShardBytes: Int = Self.shardBytes
  ) throws(CheckpointError) {
    try Self.createDirectory(directory)
    do throws(FileError) {
      try JSONFile.write(
        configuration, className: Self.className, adding: Self.writtenOptions,
        to: directory.appendingPathComponent("config.json"))
    } catch { throw .notWritten(error) }
    let tensors = parameters.flatMap { format.stored($0.key, $0.tensor) }
    try WeightSet.write(
      tensors, metadata: metadata, directory: directory, name: Self.weightsName, maxShardBytes: maxShardBytes)
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
    case .flag(let expected):
      // Some options have one value for all levels, or a list.
      (value as? [NSNumber])?.allSatisfy { $0.boolValue == expected } ?? ((value as? NSNumber)?.boolValue == expected)
    case .number(let expected): (value as? NSNumber)?.doubleValue == expected
    case .text(let expected): value as? String == expected
    }
  }
}

// How each network is stored.

extension UNet: ConfiguredModel {
  /// The class of diffusers with the same structure and keys.
  public static var className: String { "UNet2DConditionModel" }

  /// Options of diffusers' class for which Flux supports one value only.
  public static var fixedOptions: [String: FixedOption] {
    [
      "act_fn": .text("silu"),
      "attention_type": .text("default"), "center_input_sample": .flag(false),
      "class_embeddings_concat": .flag(false),
      "conv_in_kernel": .number(3), "conv_out_kernel": .number(3), "cross_attention_norm": .null,
      "dropout": .number(0),
      "dual_cross_attention": .flag(false), "encoder_hid_dim": .null, "encoder_hid_dim_type": .null,
      "mid_block_only_cross_attention": .null, "mid_block_scale_factor": .number(1),
      "num_attention_heads": .null,
      "num_class_embeds": .null, "only_cross_attention": .flag(false), "resnet_out_scale_factor": .number(1),
      "resnet_skip_time_act": .flag(false), "resnet_time_scale_shift": .text("default"),
      "reverse_transformer_layers_per_block": .null,
      "time_embedding_act_fn": .null,
      "time_embedding_dim": .null, "time_embedding_type": .text("positional"), "timestep_post_act": .null,
    ]
  }
}

extension Autoencoder: ConfiguredModel {
  /// A class of Flux: no other library has this network.
  public static var className: String { "FluxAutoencoder" }
}

extension TextAdapter: ConfiguredModel {
  /// A class of Flux: no other library has this network.
  public static var className: String { "FluxTextAdapter" }
}

extension TextEncoder: ConfiguredModel {
  /// The class of transformers with the same structure and keys.
  public static var className: String { "BertModel" }
  /// The name that transformers uses: `model.safetensors`.
  public static var weightsName: String { "model" }
  /// The limit of transformers: programs expect a single file.
  public static var shardBytes: Int { 5_000_000_000 }
  /// Only absolute position embeddings are supported.
  public static var fixedOptions: [String: FixedOption] { ["position_embedding_type": .text("absolute")] }
  /// The entry by which transformers' AutoModel and AutoTokenizer find their classes.
  public static var writtenOptions: [String: String] { ["model_type": "bert"] }

  /// MiniLM's files also have position ids and a pooler, which are not used.
  public static func ignores(_ key: String) -> Bool {
    key == "embeddings.position_ids" || key.hasPrefix("pooler.")
  }
}
