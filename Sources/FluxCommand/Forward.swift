import ArgumentParser
import Flux
import Foundation
import Models
import Torch

/// `flux forward`: one network on given tensors, so that anyone can compare it with another program.
struct Forward: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs one network of a model on the tensors of a safetensors file.",
    discussion: """
      The tensors of each component, all of them float32 unless said otherwise:
        text-encoder  in: input_ids [B, N] (int64), attention_mask [B, N]      out: hidden_states.0 … hidden_states.6
        adapter       in: states [B, N, 768], attention_mask [B, N]            out: context, pooled
        unet          in: sample, timestep [B], encoder_hidden_states,
                          encoder_attention_mask (optional), class_labels      out: sample
        encoder       in: pixels [B, 3, H, W] in -1…1                          out: latents (normalised)
        decoder       in: latents [B, 64, h, w] (normalised)                   out: pixels
      """)

  enum Component: String, ExpressibleByArgument, CaseIterable {
    case textEncoder = "text-encoder"
    case adapter, unet, encoder, decoder
  }

  @Argument(help: ArgumentHelp("One of \(Component.allCases.map(\.rawValue).joined(separator: ", "))."))
  var component: Component
  @Option(
    name: [.short, .long],
    help: "A model directory, the name of a shipped model, or the directory of one component.")
  var model: String?
  @Option(name: .customLong("in"), help: "The safetensors file to read.") var input: String
  @Option(name: .customLong("out"), help: "The safetensors file to write.") var output: String

  func run() throws {
    let file = try SafetensorsFile(URL(fileURLWithPath: input))
    let results: [(key: String, tensor: Tensor)] = try withInference { try forward(file) }
    try Safetensors.write(
      results.map { ($0.key, $0.tensor.contiguous()) }, metadata: [:], to: URL(fileURLWithPath: output))
    for (key, tensor) in results { print("\(key)\t\(tensor.dtype)\t\(tensor.shape)") }
  }

  private func forward(_ file: SafetensorsFile) throws -> [(key: String, tensor: Tensor)] {
    func read(_ key: String) throws -> Tensor {
      let tensor = try file.tensor(key)
      return tensor.dtype.isFloatingPoint ? tensor.to(.float32) : tensor
    }
    switch component {
    case .textEncoder:
      let encoder = try TextEncoder.load(from: model.map { URL(fileURLWithPath: $0) } ?? Home.textEncoder)
      let states = encoder(try read("input_ids"), mask: try read("attention_mask").to(.float32))
      return states.enumerated().map { ("hidden_states.\($0)", $1) }
    case .adapter:
      let adapter: TextAdapter = try load("text_adapter")
      let (context, pooled) = adapter(try read("states"), mask: try read("attention_mask").to(.float32))
      return [("context", context), ("pooled", pooled)]
    case .unet:
      let unet: UNet = try load("unet")
      let mask =
        file.keys.contains("encoder_attention_mask") ? try read("encoder_attention_mask").to(.float32) : nil
      let labels = file.keys.contains("class_labels") ? try read("class_labels") : nil
      if unet.configuration.classEmbedType != nil, labels == nil {
        throw CheckpointError.missingKey(file: input, key: "class_labels")
      }
      let sample = unet(
        try read("sample"), timesteps: try read("timestep").to(.float32),
        context: try read("encoder_hidden_states"),
        contextMask: mask, classLabels: labels)
      return [("sample", sample)]
    case .encoder:
      let autoencoder: Autoencoder = try load("autoencoder")
      return [("latents", autoencoder.encode(try read("pixels")))]
    case .decoder:
      let autoencoder: Autoencoder = try load("autoencoder")
      return [("pixels", autoencoder.decode(try read("latents")))]
    }
  }

  /// A component from a model's directory, or from a directory of its own (as diffusers saves one).
  private func load<Model: ConfiguredModel>(_ name: String) throws -> Model {
    if let model, FileManager.default.fileExists(atPath: model + "/config.json") {
      return try Model.load(from: URL(fileURLWithPath: model))
    }
    return try Model.load(from: Home.model(model).appendingPathComponent(name))
  }
}
