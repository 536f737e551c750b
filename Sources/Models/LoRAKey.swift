import NN

/// A network that a LoRA file can change.
public enum LoRANetwork: String, CaseIterable, Sendable {
  /// The U-Net.
  case unet
  /// The text encoder.
  case textEncoder = "text_encoder"
  /// The second text encoder of Stable Diffusion XL.
  case textEncoder2 = "text_encoder_2"

  /// The network in messages.
  public var name: String {
    switch self {
    case .unet: "U-Net"
    case .textEncoder: "text encoder"
    case .textEncoder2: "second text encoder"
    }
  }

  /// What precedes the network's layers in keys of PEFT and diffusers.
  var prefix: String { rawValue + "." }

  /// What precedes them in keys of kohya's scripts, whose layers have underscores for dots; the numbers of several text
  /// encoders begin at 1.
  var flatPrefixes: [String] {
    switch self {
    case .unet: ["lora_unet_"]
    case .textEncoder: ["lora_te_", "lora_te1_"]
    case .textEncoder2: ["lora_te2_"]
    }
  }
}

/// A key of a LoRA file, taken apart.
///
///     unet.LAYER.lora_A.weight                          PEFT and diffusers (also lora_A.default.weight)
///     base_model.model.LAYER.lora_A.weight              PEFT alone, which does not name the network
///     lora_unet_LAYER_WITH_UNDERSCORES.lora_down.weight  kohya's scripts, with LAYER.alpha; the layers of a U-Net have
///                                                       their names, or those of the original layout
///     unet.LAYER.lora.down.weight                       diffusers before PEFT (also lora_linear_layer)
///     unet.BLOCK.processor.to_q_lora.down.weight        its attention processors
struct LoRAKey {
  /// What a tensor is to its layer.
  enum Part: Hashable { case down, up, alpha }

  /// The network that the key names; nil if it names none.
  let network: LoRANetwork?
  /// The layer as it is spelled.
  let layer: String
  /// Whether the layer has underscores for dots.
  let isFlat: Bool
  let part: Part
  /// The key of the other factor of the layer; nil for an alpha.
  let partner: String?

  /// The ends of keys of A and B.
  private static let endings = [
    (".lora_A.weight", ".lora_B.weight"), (".lora_A.default.weight", ".lora_B.default.weight"),
    (".lora.down.weight", ".lora.up.weight"), (".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"),
    (".lora_down.weight", ".lora_up.weight"), ("_lora.down.weight", "_lora.up.weight"),
  ]
  private static let alphaEnding = ".alpha"
  /// The prefix of PEFT's own files.
  static let peftPrefix = "base_model.model."

  /// Nil if the key is not one of a LoRA.
  init?(_ key: String) {
    guard let (stem, part, ending, other) = Self.cut(key) else { return nil }
    self.part = part
    partner = other.map { stem + $0 }
    for network in LoRANetwork.allCases {
      guard let prefix = network.flatPrefixes.first(where: stem.hasPrefix) else { continue }
      (self.network, isFlat, layer) = (network, true, String(stem.dropFirst(prefix.count)))
      return
    }
    isFlat = false
    var name = stem
    network = LoRANetwork.allCases.first { stem.hasPrefix($0.prefix) }
    if let network {
      name = String(stem.dropFirst(network.prefix.count))
    } else if stem.hasPrefix(Self.peftPrefix) {
      name = String(stem.dropFirst(Self.peftPrefix.count))
    }
    if ending.hasPrefix("_") {  // …attn1.processor.to_out
      let parts = name.split(separator: ".").filter { $0 != "processor" }
      name = parts.joined(separator: ".") + (parts.last == "to_out" ? ".0" : "")
    }
    layer = name
  }

  /// A key without its end, with the end of the other factor.
  private static func cut(_ key: String) -> (stem: String, part: Part, ending: String, other: String?)? {
    func stem(_ ending: String) -> String? { key.hasSuffix(ending) ? String(key.dropLast(ending.count)) : nil }
    for (down, up) in endings {
      if let stem = stem(down) { return (stem, .down, down, up) }
      if let stem = stem(up) { return (stem, .up, up, down) }
    }
    return stem(alphaEnding).map { ($0, .alpha, alphaEnding, nil) }
  }

  /// Adaptations of other kinds, by a part of their keys.
  private static let otherKinds = [
    ("hada_", "LoHa"), ("lokr_", "LoKr"), ("oft_", "OFT"), ("lora_mid", "LoCon with a core tensor"),
    ("dora_scale", "DoRA"), ("lora_magnitude_vector", "DoRA"), ("lora_embedding_", "LoRA of an embedding table"),
  ]

  /// The kind of adaptation that a key belongs to, if it is known and not a LoRA of matrices and kernels.
  static func otherKind(_ key: String) -> String? { otherKinds.first { key.contains($0.0) }?.1 }
}

/// The layers of networks by every spelling of their names.
struct LoRALayerTable {
  /// A layer that a LoRA can adapt.
  struct Place {
    let network: LoRANetwork
    let layer: String
    let weight: [Int]  // shape
  }

  private var places: [LoRANetwork: [String: Place]] = [:]
  private var flat: [LoRANetwork: [String: Place]] = [:]

  /// Adds the layers of a network; `others` are further names of a layer.
  mutating func add(
    _ layers: [(String, shape: [Int])], of network: LoRANetwork, others: (String) -> [String] = { _ in [] }
  ) {
    for (layer, shape) in layers {
      let place = Place(network: network, layer: layer, weight: shape)
      for name in [layer] + others(layer) {
        places[network, default: [:]][name] = place
        flat[network, default: [:]][String(name.map { $0 == "." ? "_" : $0 })] = place
      }
    }
  }

  /// Adds the layers of a U-Net, under their names and those of the original layout.
  mutating func add(_ unet: UNet) {
    add(LoRA.layers(of: unet).map { ($0.0, $0.1.shape) }, of: .unet) {
      unet.configuration.originalName($0).map { [$0] } ?? []
    }
  }

  /// Adds the layers of a text encoder; transformers 5.6 and later leave out the prefix of CLIP's.
  mutating func add(textEncoder: any Module, as network: LoRANetwork = .textEncoder) {
    let prefix = "text_model."
    add(LoRA.layers(of: textEncoder).map { ($0.0, $0.1.shape) }, of: network) {
      $0.hasPrefix(prefix) ? [String($0.dropFirst(prefix.count))] : []
    }
  }

  /// The layer that a key means; nil if no network has it.
  func place(of key: LoRAKey) -> Place? {
    let networks = key.network.map { [$0] } ?? LoRANetwork.allCases
    let tables = key.isFlat ? flat : places
    return networks.lazy.compactMap { tables[$0]?[key.layer] }.first
  }

  /// The name of any layer, for messages.
  var example: String? { places[.unet]?.keys.min() ?? places[.textEncoder]?.keys.min() }
}
