import Foundation
import NN
import Support
import Torch

/// The LoRAs that one file holds: of the U-Net, of the text encoder, or of both.
///
/// Written as PEFT and diffusers do: `unet.LAYER.lora_A.weight`, `text_encoder.LAYER.lora_B.weight`. `LoRAKey` lists the
/// spellings that are read.
public struct LoRAFile {
  /// The LoRA of the U-Net.
  public var unet: LoRA?
  /// The LoRA of the text encoder.
  public var textEncoder: LoRA?
  /// The LoRA of the second text encoder.
  public var textEncoder2: LoRA?

  /// A file of the given LoRAs.
  public init(unet: LoRA? = nil, textEncoder: LoRA? = nil, textEncoder2: LoRA? = nil) {
    (self.unet, self.textEncoder, self.textEncoder2) = (unet, textEncoder, textEncoder2)
  }

  /// Reads a file and checks every tensor against the layers of the networks; a tensor that cannot be applied is an error.
  ///
  /// Alphas, per layer, in PEFT's metadata or in the `adapter_config.json` beside the file, are multiplied into B.
  public init(_ url: URL, unet: UNet, textEncoder: (any Module)? = nil) throws(CheckpointError) {
    try self.init(url, unet: unet, textEncoders: textEncoder.map { [$0] } ?? [])
  }

  /// The same for a model with several text encoders, at most two.
  public init(_ url: URL, unet: UNet, textEncoders: [any Module]) throws(CheckpointError) {
    let file = try SafetensorsFile(url)
    var table = LoRALayerTable()
    table.add(unet)
    for (network, encoder) in zip([LoRANetwork.textEncoder, .textEncoder2], textEncoders) {
      table.add(textEncoder: encoder, as: network)
    }
    let layers = try LoRAFileLayers(file, table)
    let alphas = try LoRAAlphas(file, url)
    var pairs: [LoRANetwork: [LoRA.Pair]] = [:]
    for layer in layers.all {
      pairs[layer.place.network, default: []].append(try layer.pair(in: file, alphas))
    }
    guard !pairs.isEmpty else {
      let networks = textEncoders.isEmpty ? "a U-Net" : "a U-Net or text encoder"
      throw .configuration(file: file.path, reason: "it holds no LoRA of \(networks)")
    }
    self.unet = pairs[.unet].map { LoRA($0) }
    self.textEncoder = pairs[.textEncoder].map { LoRA($0) }
    textEncoder2 = pairs[.textEncoder2].map { LoRA($0) }
  }

  /// Writes all factors, in bf16 by default; the scale is part of B, so no alpha is needed.
  public func save(
    to url: URL, as dtype: DType = .bfloat16, metadata: [String: String] = [:]
  ) throws(CheckpointError) {
    let named = [(LoRANetwork.unet, unet), (.textEncoder, textEncoder), (.textEncoder2, textEncoder2)]
    let tensors = withNoGrad {
      named.flatMap { network, lora in
        (lora?.parameters ?? []).map {
          (key: network.prefix + $0.key, tensor: $0.tensor.detached().to(.cpu).to(dtype).contiguous())
        }
      }
    }
    try Safetensors.write(tensors, metadata: ["format": "pt"].merging(metadata) { $1 }, to: url)
  }

  /// Adds the LoRAs, times `scale`, to the weights of networks with the layers that the file was read for.
  public func merge(unet: UNet, textEncoder: (any Module)?, scale: Double = 1) {
    merge(unet: unet, textEncoders: textEncoder.map { [$0] } ?? [], scale: scale)
  }

  /// The same for a model with several text encoders.
  public func merge(unet: UNet, textEncoders: [any Module], scale: Double = 1) {
    self.unet?.merge(into: unet, scale: scale)
    for (index, lora) in [textEncoder, textEncoder2].enumerated() {
      guard let lora else { continue }
      guard textEncoders.indices.contains(index) else { fatalError("a LoRA of a text encoder needs it") }
      lora.merge(into: textEncoders[index], scale: scale)
    }
  }
}

extension LoRA {
  /// The name of LoRA files in diffusers.
  public static let fileName = "pytorch_lora_weights.safetensors"

  /// Writes a file that holds this LoRA as that of a U-Net, in bf16 by default.
  public func save(to url: URL, as dtype: DType = .bfloat16, metadata: [String: String] = [:]) throws(CheckpointError) {
    try LoRAFile(unet: self).save(to: url, as: dtype, metadata: metadata)
  }

  /// Reads a file that holds a LoRA of the U-Net and nothing else.
  public static func load(_ url: URL, for unet: UNet) throws(CheckpointError) -> LoRA {
    guard let lora = try LoRAFile(url, unet: unet).unet else { fatalError("a file without text encoder has a U-Net") }
    return lora
  }
}

/// The layers of a LoRA file.
private struct LoRAFileLayers {
  /// The keys of one layer.
  struct Layer {
    let place: LoRALayerTable.Place
    var keys: [LoRAKey.Part: String] = [:]
    var partner: String?

    /// Reads both factors, with the alpha in B.
    func pair(in file: SafetensorsFile, _ alphas: LoRAAlphas) throws(CheckpointError) -> LoRA.Pair {
      guard let down = keys[.down], let up = keys[.up] else {
        throw .missingKey(file: file.path, key: partner ?? "\(place.network.prefix)\(place.layer).lora_A.weight")
      }
      let weight = place.weight
      guard let shape = file.info(down)?.shape, let rank = shape.first, rank > 0 else {
        throw .shape(
          file: file.path, key: down, expected: [1] + weight.dropFirst(), actual: file.info(down)?.shape ?? [])
      }
      let shapes = LoRA.Pair.shapes(of: weight, rank: rank)
      let (A, B) = (try file.factor(down, shapes.down), try file.factor(up, shapes.up))
      for (key, factor) in [(down, A), (up, B)] where !factor.allFinite {
        throw .configuration(file: file.path, reason: "tensor \"\(key)\" holds numbers that are not finite")
      }
      let own = try keys[.alpha].map { key throws(CheckpointError) in try LoRAAlphas.number(key, in: file) }
      let scale = (own ?? alphas.common(place.network)).map { $0 / Double(rank) } ?? 1
      return LoRA.Pair(layer: place.layer, down: A, up: scale == 1 ? B : B * scale)
    }
  }

  /// The layers in the order of their networks and names.
  let all: [Layer]

  /// Throws if a tensor belongs to no layer of the table, or two tensors are the same part of a layer.
  init(_ file: SafetensorsFile, _ table: LoRALayerTable) throws(CheckpointError) {
    var layers: [String: Layer] = [:]
    var unknown: [String] = []
    for key in file.keys.sorted() {
      if let kind = LoRAKey.otherKind(key) {
        throw .configuration(
          file: file.path, reason: "tensor \"\(key)\" belongs to a \(kind), which Flux does not implement")
      }
      guard let parsed = LoRAKey(key), let place = table.place(of: parsed) else {
        unknown.append(key)
        continue
      }
      let name = place.network.prefix + place.layer
      var layer = layers[name] ?? Layer(place: place)
      if let other = layer.keys[parsed.part] {
        throw .configuration(
          file: file.path, reason: "tensors \"\(other)\" and \"\(key)\" are the same factor of the layer \(name)")
      }
      layer.keys[parsed.part] = key
      layer.partner = parsed.partner ?? layer.partner
      layers[name] = layer
    }
    if layers.isEmpty, let first = unknown.first, let example = table.example {
      throw .configuration(
        file: file.path,
        reason: "none of its \(unknown.count) tensors, such as \"\(first)\", belongs to a layer of this model, such as "
          + "\"\(example)\": it is a LoRA of another kind of model")
    }
    if !unknown.isEmpty { throw .unexpectedKeys(file: file.path, keys: unknown) }
    all = layers.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension SafetensorsFile {
  /// A factor as float32; throws if its type is not floating-point.
  ///
  /// A matrix may be stored as a kernel of 1×1, and the other way.
  fileprivate func factor(_ key: String, _ expected: [Int]) throws(CheckpointError) -> Tensor {
    func matrix(_ shape: [Int]) -> [Int] {
      shape.count > 2 && shape.dropFirst(2).allSatisfy { $0 == 1 } ? Array(shape.prefix(2)) : shape
    }
    guard let shape = info(key)?.shape else { throw .missingKey(file: path, key: key) }
    guard matrix(shape) == matrix(expected) else {
      throw .shape(file: path, key: key, expected: expected, actual: shape)
    }
    let value = try tensor(key)
    guard value.dtype.isFloatingPoint else {
      throw .type(file: path, key: key, expected: "a floating-point one", actual: value.dtype.rawValue)
    }
    return value.to(.float32).reshaped(expected)
  }
}
