import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct LoRAFileTests {
  private let folder = Project.golden("text_encoder_small")
  private let unetFolder = Project.golden("unet/one-level")

  private func networks() throws -> (unet: UNet, encoder: TextEncoder) {
    (try UNet.load(from: unetFolder), try TextEncoder.load(from: folder))
  }

  /// The error of reading a file of the given tensors.
  private func error(_ tensors: [NamedTensor], textEncoder: Bool = true) throws -> String? {
    try Project.inTemporaryFolder { folder in
      let (unet, encoder) = try networks()
      let file = folder.appendingPathComponent("a.safetensors")
      try Safetensors.write(tensors, metadata: [:], to: file)
      let error = #expect(throws: CheckpointError.self) {
        _ = try LoRAFile(file, unet: unet, textEncoder: textEncoder ? encoder : nil)
      }
      return error?.description.replacingOccurrences(of: file.path, with: "FILE")
    }
  }

  /// Both networks under one LoRA, as PEFT and diffusers save it, as kohya's scripts spell it, and with the attention
  /// processors of older diffusers: states and prediction are PEFT's.
  @Test(arguments: ["peft", "kohya", "processors"]) func everySpellingDoesWhatItDoesInPEFT(_ name: String) throws {
    let (unet, encoder) = try networks()
    let lora = try LoRAFile(
      folder.appendingPathComponent("lora-\(name).safetensors"), unet: unet, textEncoder: encoder)
    lora.merge(unet: unet, textEncoder: encoder)
    let expected = try SafetensorsFile(folder.appendingPathComponent("lora-states.safetensors"))
    let text = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    let states = try encoder(text.tensor("ids"), mask: text.tensor("mask"))
    let mask = try text.tensor("mask").unsqueezed(2)
    expectClose(states[0], try expected.tensor("first"), atol: 1e-5)
    expectClose(states[2] * mask, try expected.tensor("last") * mask, atol: 1e-4)
    let inputs = try SafetensorsFile(unetFolder.appendingPathComponent("case.safetensors"))
    func optional(_ key: String) throws -> Tensor? { inputs.info(key) == nil ? nil : try inputs.tensor(key) }
    let sample = try withNoGrad {
      try unet(
        inputs.tensor("sample"), timesteps: inputs.tensor("timesteps"), context: inputs.tensor("context"),
        contextMask: optional("mask"), classLabels: optional("class_labels"))
    }
    expectClose(sample, try expected.tensor("sample"), atol: 2e-4)
  }

  /// PEFT's own files name no network; the alpha is in a file beside them.
  @Test func peftsOwnFileIsRead() throws {
    try Project.inTemporaryFolder { folder in
      let (unet, encoder) = try networks()
      let pair = LoRA.Pair(
        layer: "encoder.layer.0.attention.self.query", down: Tensor.ones([2, 15]), up: Tensor.ones([15, 2]))
      let file = folder.appendingPathComponent("adapter_model.safetensors")
      try Safetensors.write(
        LoRA([pair]).parameters.map { ("base_model.model.\($0.key)", $0.tensor) }, metadata: [:], to: file)
      let error = #expect(throws: CheckpointError.self) {
        _ = try LoRAFile(file, unet: unet, textEncoder: encoder)
      }
      #expect(error?.description.contains("keeps the alpha in adapter_config.json") == true)
      try Data(#"{"lora_alpha": 6, "r": 2, "use_rslora": false}"#.utf8)
        .write(to: folder.appendingPathComponent("adapter_config.json"))
      let read = try LoRAFile(file, unet: unet, textEncoder: encoder)
      #expect(read.unet == nil)
      expectClose(try #require(read.textEncoder?.pairs.first).change, pair.change * 3, atol: 1e-6)
    }
  }

  @Test func aFileHoldsBothNetworks() throws {
    try Project.inTemporaryFolder { folder in
      let (unet, encoder) = try networks()
      func random(_ network: any Module) -> LoRA {
        let lora = LoRA(for: network, rank: 2, Generator(seed: 3))
        for pair in lora.pairs { pair.up.normal_(std: 0.1, generator: Generator(seed: 4)) }
        return lora
      }
      let written = LoRAFile(unet: random(unet), textEncoder: random(encoder))
      let file = folder.appendingPathComponent("a.safetensors")
      try written.save(to: file, as: .float32)
      let read = try LoRAFile(file, unet: unet, textEncoder: encoder)
      for (ours, theirs) in [(read.unet, written.unet), (read.textEncoder, written.textEncoder)] {
        let saved = Dictionary(uniqueKeysWithValues: try #require(theirs).parameters.map { ($0.key, $0.tensor) })
        for (key, tensor) in try #require(ours).parameters {
          #expect(try #require(saved[key]).bytes() == tensor.bytes(), "\(key)")
        }
      }
      // Embedding tables are matrices, too, but a LoRA adapts them in another way.
      #expect(written.textEncoder?.pairs.contains { $0.layer.contains("embeddings") } == false)
    }
  }

  @Test func targetsAreEndsOfLayerNames() throws {
    let (unet, encoder) = try networks()
    let attention = LoRA(for: unet, targets: ["to_q", "to_out.0"], rank: 2, Generator(seed: 1)).pairs.map(\.layer)
    #expect(!attention.isEmpty && attention.allSatisfy { $0.hasSuffix(".to_q") || $0.hasSuffix(".to_out.0") })
    let dense = LoRA(for: encoder, targets: ["output.dense"], rank: 2, Generator(seed: 1)).pairs.map(\.layer)
    #expect(dense.count == 4 && !dense.contains { $0.contains("intermediate") })
    #expect(!LoRA.matches("attn1.to_q", "o_q"))
  }

  /// A matrix as a kernel of 1×1, as kohya's scripts store the projections of other models.
  @Test func aMatrixMayBeAKernelOfOne() throws {
    try Project.inTemporaryFolder { folder in
      let (unet, _) = try networks()
      let layer = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q"
      let pair = try #require(LoRA(for: unet, targets: [layer], rank: 2, Generator(seed: 1)).pairs.first)
      let flat = "lora_unet_" + layer.replacingOccurrences(of: ".", with: "_")
      let file = folder.appendingPathComponent("a.safetensors")
      let (inputs, outputs) = (pair.down.shape[1], pair.up.shape[0])
      try Safetensors.write(
        [
          ("\(flat).lora_down.weight", pair.down.reshaped([2, inputs, 1, 1])),
          ("\(flat).lora_up.weight", Tensor.ones([outputs, 2, 1, 1])),
        ], metadata: [:], to: file)
      #expect(try LoRA.load(file, for: unet).pairs.map(\.layer) == [layer])
      #expect(try LoRA.load(file, for: unet).pairs[0].up.shape == [outputs, 2])
    }
  }

  @Test func aLoRAOfAnotherKindOfModelIsNamed() throws {
    let message = try error([
      ("lora_unet_double_blocks_0_img_attn_proj.lora_down.weight", Tensor.zeros([4, 320])),
      ("lora_unet_double_blocks_0_img_attn_proj.lora_up.weight", Tensor.zeros([320, 4])),
    ])
    let name = "lora_unet_double_blocks_0_img_attn_proj.lora_down.weight"
    #expect(message?.hasPrefix("FILE: none of its 2 tensors, such as \"\(name)\"") == true)
    #expect(message?.hasSuffix("\"conv_in\": it is a LoRA of another kind of model") == true)
  }

  @Test func whatIsNoLoRAIsNamed() throws {
    let layer = "lora_unet_conv_in"
    let loha = try error([("\(layer).hada_w1_a", Tensor.zeros([4, 4]))])
    #expect(loha == "FILE: tensor \"lora_unet_conv_in.hada_w1_a\" belongs to a LoHa, which Flux does not implement")
    let dora = try error([("unet.conv_in.dora_scale", Tensor.zeros([4, 4]))])
    #expect(dora?.contains("belongs to a DoRA") == true)
    let table = try error([("text_encoder.embeddings.word_embeddings.lora_embedding_A", Tensor.zeros([4, 4]))])
    #expect(table?.contains("belongs to a LoRA of an embedding table") == true)
  }

  @Test func aLayerIsGivenOnce() throws {
    let down = Tensor.zeros([2, 64, 3, 3])
    let message = try error([
      ("unet.conv_in.lora_A.weight", down), ("lora_unet_conv_in.lora_down.weight", down),
    ])
    #expect(
      message == "FILE: tensors \"lora_unet_conv_in.lora_down.weight\" and \"unet.conv_in.lora_A.weight\" are the same "
        + "factor of the layer unet.conv_in")
  }

  @Test func aTextEncodersLoRANeedsOne() throws {
    let tensors: [NamedTensor] = ["lora_A", "lora_B"].map {
      ("text_encoder.encoder.layer.0.attention.self.query.\($0).weight", Tensor.zeros([15, 15]))
    }
    let message = try error(tensors, textEncoder: false)
    #expect(message?.contains("belongs to a layer of this model") == true)
  }
}
