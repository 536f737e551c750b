import ArgumentParser
import Flux
import Foundation
import Models
import Torch

/// `flux forward`: runs one network on given tensors, for comparison with other programs.
struct Forward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs one network of a model on the tensors of a safetensors file.",
    discussion: """
      The tensors of each component, floating-point unless noted:
        text-encoder  in: input_ids [B, N] (int64), attention_mask [B, N]      out: hidden_states.0 … hidden_states.6
        adapter       in: states [B, N, 768], attention_mask [B, N]            out: context, pooled
        unet          in: sample, timestep [B], encoder_hidden_states,
                          encoder_attention_mask (optional), class_labels      out: sample
        encoder       in: pixels [B, 3, H, W] in -1…1                          out: latents (normalized)
        decoder       in: latents [B, 64, h, w] (normalized)                   out: pixels
      """)

  enum Component: String, ExpressibleByArgument, CaseIterable {
    case textEncoder = "text-encoder"
    case adapter, unet, encoder, decoder
  }

  @Argument(help: ArgumentHelp("One of \(Component.allCases.map(\.rawValue).joined(separator: ", "))."))
  var component: Component
  @Option(
    name: [.short, .long],
    help: "A model directory or the directory of one component, or the name of a bundled one.",
    completion: Completions.models)
  var model: FilePath?
  @Option(name: .customLong("in"), help: "Safetensors file to read.") var input: FilePath
  @Option(name: .customLong("out"), help: "Safetensors file to write.") var output: FilePath

  func run() throws {
    try OutputFile.check(output.url, notAmong: [input])
    let file = try SafetensorsFile(input.url)
    let results: [(key: String, tensor: Tensor)] = try withInference { try forward(file) }
    try Safetensors.write(
      results.map { ($0.key, $0.tensor.contiguous()) }, metadata: [:], to: output.url)
    for (key, tensor) in results { try printLine("\(key)\t\(tensor.dtype)\t\(tensor.shape)") }
  }

  private func forward(_ file: SafetensorsFile) throws -> [(key: String, tensor: Tensor)] {
    var input = ForwardInput(file: file)
    switch component {
    case .textEncoder:
      let encoder = try TextEncoder.load(from: textEncoder())
      let c = encoder.configuration
      let ids = try input.ids(
        "input_ids", ["B", .init("N", in: 1...c.maxPositionEmbeddings)], below: c.vocabSize)
      let states = encoder(ids, mask: try input.mask("attention_mask", ["B", "N"]))
      return states.enumerated().map { ("hidden_states.\($0)", $1) }
    case .adapter:
      let adapter: TextAdapter = try load("text_adapter")
      let states = try input.floats("states", ["B", "N", .init(2 * adapter.configuration.inputWidth)])
      let text = adapter(states, mask: try input.mask("attention_mask", ["B", "N"]))
      return [("context", text.context), ("pooled", text.pooled)]
    case .unet:
      let unet = try unet()
      let c = unet.configuration
      guard c.additionEmbedType == nil, c.timeCondProjDim == nil else {
        throw Failure("this U-Net embeds image sizes or a guidance scale, which flux forward does not pass")
      }
      // Without padding every level below the first rounds its side down.
      let least = c.downsamplePadding == 0 ? 1 << (c.blockOutChannels.count - 1) : 1
      let sample = try input.floats(
        "sample", ["B", .init(c.inChannels), .init("h", in: least...Int.max), .init("w", in: least...Int.max)])
      let time = try input.floats("timestep", ["B"])
      let context = try input.floats("encoder_hidden_states", ["B", "N", .init(c.crossAttentionDim)])
      let mask =
        file.info("encoder_attention_mask") == nil ? nil : try input.mask("encoder_attention_mask", ["B", "N"])
      let labels =
        c.classEmbedType == nil
        ? nil : try input.floats("class_labels", ["B", .init(c.projectionClassEmbeddingsInputDim ?? 0)])
      let output = unet(sample, timesteps: time, context: context, contextMask: mask, classLabels: labels)
      return [("sample", output)]
    case .encoder:
      let autoencoder: Autoencoder = try load("autoencoder")
      let cell = autoencoder.configuration.downsample
      let pixels = try input.floats(
        "pixels", ["B", 3, .init("H", multipleOf: cell), .init("W", multipleOf: cell)])
      return [("latents", autoencoder.encode(pixels))]
    case .decoder:
      let autoencoder: Autoencoder = try load("autoencoder")
      let latents = try input.floats("latents", ["B", .init(autoencoder.configuration.latentChannels), "h", "w"])
      return [("pixels", autoencoder.decode(latents))]
    }
  }

  /// The directory of the text encoder: the given one, that of the given model, or the shared one.
  private func textEncoder() throws -> URL {
    guard let model else { return Home.textEncoder }
    if FileManager.default.fileExists(atPath: model.path + "/config.json") { return model.url }
    return try ModelBundle.ownTextEncoder(of: try Home.model(model)) ?? Home.textEncoder
  }

  /// The U-Net, also that of a model of Stable Diffusion, whose other parts are not known here.
  private func unet() throws -> UNet {
    if let model, !FileManager.default.fileExists(atPath: model.path + "/config.json") {
      let url = try Home.model(model)
      if StableDiffusionFiles.isStored(at: url) { return try StableDiffusionFiles(url).unet() }
    }
    return try load("unet")
  }

  /// Loads a component from a model directory, or from its own directory (as diffusers saves one).
  private func load<Model: ConfiguredModel>(_ name: String) throws -> Model {
    if let model {
      let folders = [model.url, Home.models.appendingPathComponent(model.text)]
      if let own = folders.first(where: { FileManager.default.fileExists(atPath: $0.path + "/config.json") }) {
        return try Model.load(from: own)
      }
    }
    let url = try Home.model(model)
    if StableDiffusionFiles.isStored(at: url) {
      throw Failure("\(url.path) is a model of Stable Diffusion, of which flux forward runs the U-Net only")
    }
    return try Model.load(from: url.appendingPathComponent(name))
  }
}
