import Foundation
import NN
import Support

@testable import Flux
@testable import Models
@testable import Torch

extension FuzzTarget {
  /// Safetensors files, the index of their shards, and what is stored in them.
  static var weights: [FuzzTarget] {
    [
      FuzzTarget("safetensors", dictionary: "safetensors", seeds: { try WeightSeeds.files() }) { try readAll($0) },
      FuzzTarget("safetensors-header", dictionary: "safetensors", seeds: { try WeightSeeds.headers() }) { bytes in
        try readAll(SafetensorsBytes.file(header: bytes))
      },
      FuzzTarget("shard-index", dictionary: "safetensors", seeds: { try WeightSeeds.indices() }) { bytes in
        let folder = Scratch.folder("shards")
        let index = try ShardIndex(reading: Scratch.write(bytes, "model.safetensors.index.json", in: folder))
        demand(JSONValue(index.json) != nil, "an index that is not read again")
        _ = try WeightSet(folder, name: "model", checking: .hashes)
      },
      FuzzTarget("lora", dictionary: "safetensors", maxLength: 1500, seeds: { try WeightSeeds.loras() }) { bytes in
        let file = Scratch.write(SafetensorsBytes.file(header: bytes), "lora.safetensors")
        let lora = try LoRA.load(file, for: WeightSeeds.unet)
        _ = lora.pairs.map { $0.change.shape }
      },
      FuzzTarget("single-file", dictionary: "safetensors", maxLength: 4000, seeds: { try WeightSeeds.singleFiles() }) {
        bytes in
        let file = Scratch.write(SafetensorsBytes.file(header: bytes), "single.safetensors")
        let checkpoint = try SingleFileCheckpoint(file)
        let parts = [checkpoint.unet, checkpoint.autoencoder, checkpoint.textEncoder, checkpoint.textEncoder2]
        for part in parts.compactMap({ $0 }) {
          demand(JSONValue(Array(part.configuration.text.utf8)) != nil, "a configuration that is not read again")
          for key in part.keys { _ = try part.tensor(key, shape: nil) }
        }
        let configuration = try UNet.readConfiguration(checkpoint.unet)
        if configuration.weightCount < 50_000 { _ = try UNet.load(from: checkpoint.unet) }
      },
      FuzzTarget("unfinished-images", dictionary: "json", seeds: { [WeightSeeds.unfinished] }) { bytes in
        let file = Scratch.folder.appendingPathComponent("a.part.safetensors")
        try Safetensors.write(
          WeightSeeds.state, metadata: [UnfinishedImages.recordKey: String(decoding: bytes, as: UTF8.self)], to: file)
        let images = try UnfinishedImages(file)
        demand(images.state.step <= images.state.count, "more steps than there are")
        demand(images.requests.count == 1, "another number of images than the latents have")
      },
      FuzzTarget("network-weights", dictionary: "safetensors", seeds: { try WeightSeeds.adapters() }) { bytes in
        let folder = Scratch.folder("adapter")
        Scratch.write(Array(WeightSeeds.adapterFile.utf8), "config.json", in: folder)
        Scratch.write(SafetensorsBytes.file(header: bytes), "diffusion_pytorch_model.safetensors", in: folder)
        _ = try TextAdapter.load(from: folder)
      },
    ]
  }

  private static func readAll(_ bytes: [UInt8]) throws {
    let file = try SafetensorsFile(Scratch.write(bytes, "a.safetensors"))
    _ = (file.metadata, file.elementCount)
    for key in file.keys {
      guard let info = file.info(key) else { fatalError("a key that is not found: \(key)") }
      guard info.dtype != nil else { continue }
      demand(try file.tensor(key).shape == info.shape, "a tensor of another shape")
    }
  }
}

/// The bytes of safetensors files.
enum SafetensorsBytes {
  /// A file with a header of any bytes, and as much data as it claims, up to a limit.
  static func file(header: [UInt8]) -> [UInt8] {
    let ends = JSONValue(header)?.fields?.compactMap { $0.value["data_offsets"]?.array?.last?.int } ?? []
    let count = min(max(ends.max() ?? 0, 0), 1 << 16)
    let data = (0..<count).map { header.isEmpty ? 0 : header[$0 * 7 % header.count] }
    return withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header + data
  }

  /// The header of a file.
  static func header(of file: [UInt8]) -> [UInt8] {
    let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    return Array(file[8..<8 + length])
  }
}

/// Small networks and their files.
enum WeightSeeds {
  static let adapter = TextAdapter.Configuration(inputWidth: 1, width: 2, layers: 1, heads: 1, maxTokens: 4)
  static let adapterFile = #"{"input_width":1,"width":2,"layers":1,"heads":1,"max_tokens":4}"#

  nonisolated(unsafe) static let unet = UNet(
    UNet.Configuration(
      sampleSize: nil, inChannels: 2, outChannels: 2, downBlockTypes: [.plain], midBlockType: nil,
      upBlockTypes: [.plain], blockOutChannels: [4], layersPerBlock: 1, transformerLayersPerBlock: 1,
      attentionHeadDim: 1, useLinearProjection: true, crossAttentionDim: 2, classEmbedType: nil,
      projectionClassEmbeddingsInputDim: nil, normNumGroups: 2, normEps: 1e-5, actFn: .silu, flipSinToCos: true,
      freqShift: 0, downsamplePadding: 1), .empty)

  /// The tensors of one image that is being denoised.
  static var state: [(key: String, tensor: Tensor)] {
    [("history.clean", Tensor.zeros([1, 2, 1, 1])), ("latent", Tensor.zeros([1, 2, 1, 1]))]
  }

  /// The record of such an image, as `UnfinishedImages` writes it.
  static var unfinished: [UInt8] {
    Array(
      (#"{"draws":1,"model":{"hash":"5cbc","loras":[],"name":"mini"},"requests":[{"eta":0,"guidance":{"rescale":0,"#
        + #""scale":3},"large_latents":false,"negative_prompt":"","prompt":"a cat","prompt_syntax":"plain","sampler":"#
        + #""dpmpp_2m","seed":42,"steps":20}],"run":{"batch":{"count":1,"index":0},"device":"cpu","libtorch":"2.13.0","#
        + #""threads":1},"schema":1,"step":14,"steps":20,"tensors_sha256":""# + UnfinishedImages.hash(of: state)
        + #"","version":"0.2.0"}"#).utf8)
  }

  static func files() throws -> [[UInt8]] {
    try Seeds.files("Tests/Golden/sharpness.safetensors") + [try written(metadata: ["format": "pt"])]
  }

  static func headers() throws -> [[UInt8]] { try files().map(SafetensorsBytes.header) }

  static func indices() throws -> [[UInt8]] {
    let folder = Scratch.folder("sharded")
    try WeightSet.write(
      [("a", Tensor.zeros([4])), ("b.c", Tensor.zeros([2, 3]))], directory: folder, name: "model", maxShardBytes: 64,
      alwaysIndexed: true)
    return [[UInt8](try Data(contentsOf: folder.appendingPathComponent("model.safetensors.index.json")))]
      + Seeds.texts(#"{"metadata":{"total_size":16},"weight_map":{"a":"model-00001-of-00001.safetensors"}}"#)
  }

  static func loras() throws -> [[UInt8]] {
    let url = Scratch.folder.appendingPathComponent("seed.safetensors")
    let lora = LoRA(for: unet, rank: 1, Generator(seed: 1))
    return try [2, 3].map { count in
      try LoRA(Array(lora.pairs.prefix(count))).save(
        to: url, metadata: ["lora_adapter_metadata": #"{"unet.lora_alpha": 2, "unet.r": 1}"#])
      return SafetensorsBytes.header(of: [UInt8](try Data(contentsOf: url)))
    }
      + Seeds.texts(
        #"{"unet.conv_in.lora.down.weight":{"dtype":"F32","shape":[1,2,3,3],"data_offsets":[0,72]},"#
          + #""unet.conv_in.lora.up.weight":{"dtype":"F32","shape":[4,1,1,1],"data_offsets":[72,88]},"#
          + #""unet.conv_in.alpha":{"dtype":"F32","shape":[],"data_offsets":[88,92]}}"#)
  }

  /// The smallest beginnings of a model: the layers by which it is known.
  static func singleFiles() throws -> [[UInt8]] {
    let prefix = "model.diffusion_model."
    let tensors: [(key: String, tensor: Tensor)] = [
      ("\(prefix)input_blocks.0.0.weight", Tensor.zeros([32, 4, 1, 1])),
      ("\(prefix)input_blocks.1.0.in_layers.2.weight", Tensor.zeros([32, 1, 1, 1])),
      ("\(prefix)input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight", Tensor.zeros([1, 768])),
      ("\(prefix)output_blocks.0.0.in_layers.2.weight", Tensor.zeros([1])),
      ("first_stage_model.decoder.conv_in.weight", Tensor.zeros([1, 4])),
      ("cond_stage_model.transformer.text_model.encoder.layers.0.mlp.fc1.weight", Tensor.zeros([2, 1])),
    ]
    let url = Scratch.folder.appendingPathComponent("seed.safetensors")
    try Safetensors.write(tensors, to: url)
    return [SafetensorsBytes.header(of: [UInt8](try Data(contentsOf: url)))]
  }

  static func adapters() throws -> [[UInt8]] {
    let folder = Scratch.folder("adapter-seed")
    return try [Quantization.float32, .int8].map { format in
      try TextAdapter(adapter, .empty).save(to: folder, as: format)
      let file = folder.appendingPathComponent("diffusion_pytorch_model.safetensors")
      return SafetensorsBytes.header(of: [UInt8](try Data(contentsOf: file)))
    }
  }

  static func written(metadata: [String: String], _ key: String = "a") throws -> [UInt8] {
    let url = Scratch.folder.appendingPathComponent("seed.safetensors")
    try Safetensors.write([(key, Tensor.zeros([2, 3])), ("b", Tensor.zeros([0]))], metadata: metadata, to: url)
    return [UInt8](try Data(contentsOf: url))
  }
}
