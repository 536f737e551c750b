import Foundation
import Torch

/// What a LoRA file says about itself, read from its header without a model.
public struct LoRASummary: Sendable, Equatable {
  /// The LoRA of one network; a file that does not name its networks has one without a name.
  public struct Part: Sendable, Equatable {
    /// The network; nil if the keys do not name it.
    public let network: LoRANetwork?
    /// Number of layers.
    public let layers: Int
    /// The ranks, ascending.
    public let ranks: [Int]
    /// The alphas of layers or network, ascending; without any, A and B count as they are stored.
    public let alphas: [Double]
    /// The ends of the layers' names, such as `to_q`, sorted.
    public let targets: [String]
  }

  /// The networks that it changes.
  public let parts: [Part]
  /// Number of elements of all factors.
  public let parameters: Int
  /// Data types of the factors, sorted.
  public let types: [String]
  /// The file's metadata, such as the options of its training.
  public let metadata: [String: String]

  /// Reads a file; nil if none of its tensors is a factor of a LoRA.
  public init?(_ url: URL) throws(CheckpointError) {
    let file = try SafetensorsFile(url)
    var layers: [LoRANetwork?: Set<String>] = [:]
    var ranks: [LoRANetwork?: Set<Int>] = [:]
    var alphas: [LoRANetwork?: Set<Double>] = [:]
    var types: Set<String> = []
    var parameters = 0
    for key in file.keys {
      guard let parsed = LoRAKey(key), let info = file.info(key) else { continue }
      if parsed.part == .alpha {
        alphas[parsed.network, default: []].insert(try LoRAAlphas.number(key, in: file))
        continue
      }
      layers[parsed.network, default: []].insert(parsed.layer)
      if parsed.part == .down, let rank = info.shape.first { ranks[parsed.network, default: []].insert(rank) }
      parameters += info.shape.reduce(1, *)
      types.insert(info.dtype?.rawValue ?? "unknown")
    }
    if layers.isEmpty { return nil }
    let common = try? LoRAAlphas(file, url)
    parts = layers.keys.sorted { ($0?.rawValue ?? "") > ($1?.rawValue ?? "") }.map { network in
      let own = network.flatMap { common?.common($0) } ?? (network == nil ? common?.common(.unet) : nil)
      let names = layers[network] ?? []
      return Part(
        network: network, layers: names.count, ranks: (ranks[network] ?? []).sorted(),
        alphas: (alphas[network] ?? Set([own].compactMap { $0 })).sorted(), targets: Self.targets(of: names))
    }
    (self.parameters, self.types, metadata) = (parameters, types.sorted(), file.metadata)
  }

  /// The ends of layer names, without the numbers of blocks; `to_out.0` keeps its number, as in PEFT.
  private static func targets(of layers: Set<String>) -> [String] {
    let flatEnds = [
      "to_out_0", "to_q", "to_k", "to_v", "proj_in", "proj_out", "conv1", "conv2", "conv_shortcut", "time_emb_proj",
      "ff_net_0_proj", "ff_net_2", "q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2", "in_layers_2",
      "out_layers_3",
      "emb_layers_1", "skip_connection",
    ]
    return Set(
      layers.map { layer in
        let parts = layer.split(separator: ".")
        if parts.count == 1 { return flatEnds.first { layer.hasSuffix("_" + $0) } ?? layer }  // underscores for dots
        let count = parts.last.map { $0.allSatisfy(\.isNumber) } == true ? 2 : 1
        return parts.suffix(count).joined(separator: ".")
      }
    ).sorted()
  }
}
