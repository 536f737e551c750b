import Foundation
import Models
import TestSupport
import Torch

/// Small models of Stable Diffusion's family, as other programs store them.
enum StableDiffusionExamples {
  /// The directory in diffusers' layout, with 48 pixels.
  static let directory = Project.golden("stable_diffusion/model").path

  /// A random single file `NAME.safetensors` in the original layout, with the tokenizer beside it that such files lack.
  static func makeFile(_ name: String, in folder: URL) throws {
    let unet = UNet(
      UNet.Configuration(
        sampleSize: 64, inChannels: 4, outChannels: 4, downBlockTypes: [.crossAttention, .plain],
        midBlockType: .crossAttention, upBlockTypes: [.plain, .crossAttention], blockOutChannels: [32, 32],
        layersPerBlock: 1, transformerLayersPerBlock: 1, attentionHeadDim: 8, useLinearProjection: false,
        crossAttentionDim: 64, classEmbedType: nil, projectionClassEmbeddingsInputDim: nil, normNumGroups: 32,
        normEps: 1e-5, actFn: .silu, flipSinToCos: true, freqShift: 0, downsamplePadding: 1),
      .random(Generator(seed: 1)))
    let autoencoder = AutoencoderKL(
      .init(blockOutChannels: [32, 32], layersPerBlock: 1), .random(Generator(seed: 2)))
    let text = CLIPTextModel(
      .init(
        vocabSize: 814, hiddenSize: 64, intermediateSize: 64, numHiddenLayers: 2, numAttentionHeads: 1,
        hiddenAct: .quickGelu), .random(Generator(seed: 3)))
    var tensors = unet.parameters.map { key, tensor in
      let dot = key.lastIndex(of: ".") ?? key.endIndex
      let layer = unet.configuration.originalName(String(key[..<dot])) ?? ""
      return (key: "model.diffusion_model.\(layer)\(key[dot...])", tensor: tensor)
    }
    tensors += autoencoder.parameters.map { ("first_stage_model.\($0.key)", $0.tensor) }
    tensors += text.parameters.map { ("cond_stage_model.transformer.\($0.key)", $0.tensor) }
    tensors.append(("model_ema.decay", Tensor.ones([1])))
    let file = folder.appendingPathComponent("\(name).safetensors")
    try Safetensors.write(
      tensors.map { ($0.key, $0.tensor.detached().contiguous()) }, metadata: ["modelspec.license": "openrail"], to: file
    )
    try FileManager.default.copyItem(
      at: Project.golden("clip_tokenizer/toy"), to: folder.appendingPathComponent("tokenizer"))
  }
}
