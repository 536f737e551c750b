import Foundation
import TestSupport
import Testing
import Torch

@Suite struct ForwardTests {
  @Test func forwardRunsOneNetwork() throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeModel(in: folder)
      let latents = Tensor.randn([1, 64, 4, 4], generator: Generator(seed: 1))
      try Safetensors.write([("latents", latents)], to: folder.appendingPathComponent("in.safetensors"))
      let result = try Program.run(
        ["forward", "decoder", "--model", "model", "--in", "in.safetensors", "--out", "out.safetensors"], in: folder)
      #expect(result.output == "pixels\tfloat32\t[1, 3, 64, 64]\n", "\(result.errors)")
      let file = try SafetensorsFile(folder.appendingPathComponent("out.safetensors"))
      #expect(file.info("pixels")?.shape == [1, 3, 64, 64])
    }
  }

  @Test func forwardNamesATensorThatIsMissing() throws {
    try Project.inTemporaryFolder { folder in
      try Program.makeModel(in: folder)
      try Safetensors.write([("x", Tensor.zeros([1]))], to: folder.appendingPathComponent("in.safetensors"))
      let result = try Program.run(
        ["forward", "unet", "--model", "model", "--in", "in.safetensors", "--out", "out.safetensors"], in: folder)
      #expect(result.code == 1)
      #expect(result.errors.hasSuffix("in.safetensors has no tensor \"sample\"\n"))
    }
  }

  private var goodUNet: [(key: String, tensor: Tensor)] {
    [
      ("sample", Tensor.zeros([2, 64, 4, 4])), ("timestep", Tensor.zeros([2])),
      ("encoder_hidden_states", Tensor.zeros([2, 5, 32])), ("encoder_attention_mask", Tensor.ones([2, 5])),
      ("class_labels", Tensor.zeros([2, 32])),
    ]
  }

  /// Component, tensor, what replaces it in a good input, and the sentence.
  private var wrongInputs: [(String, String, Tensor, String)] {
    [
      ("unet", "sample", .zeros([2, 64, 4]), "has shape [2, 64, 4], expected [B, 64, h, w], every size 1 or more"),
      ("unet", "sample", .zeros([2, 3, 4, 4]), "has shape [2, 3, 4, 4], expected [B, 64, h, w], every size 1 or more"),
      (
        "unet", "sample", .zeros([2, 64, 0, 4]), "has shape [2, 64, 0, 4], expected [B, 64, h, w], every size 1 or more"
      ),
      ("unet", "sample", .zeros([2, 64, 4, 4], dtype: .int64), "has type int64, expected a floating-point type"),
      ("unet", "timestep", .zeros([]), "has shape [], expected [B = 2], every size 1 or more"),
      ("unet", "timestep", .zeros([3]), "has shape [3], expected [B = 2], every size 1 or more"),
      ("unet", "timestep", .zeros([2], dtype: .int64), "has type int64, expected a floating-point type"),
      (
        "unet", "encoder_hidden_states", .zeros([2, 5, 31]),
        "has shape [2, 5, 31], expected [B = 2, N, 32], every size 1 or more"
      ),
      (
        "unet", "encoder_attention_mask", .zeros([2, 6]),
        "has shape [2, 6], expected [B = 2, N = 5], every size 1 or more"
      ),
      ("unet", "class_labels", .zeros([2]), "has shape [2], expected [B = 2, 32], every size 1 or more"),
      ("adapter", "states", .zeros([1, 4, 384]), "has shape [1, 4, 384], expected [B, N, 768], every size 1 or more"),
      ("adapter", "attention_mask", .zeros([1, 5]), "has shape [1, 5], expected [B = 1, N = 4], every size 1 or more"),
      (
        "encoder", "pixels", .zeros([1, 3, 60, 64]),
        "has shape [1, 3, 60, 64], expected [B, 3, H (a multiple of 16), W (a multiple of 16)], every size 1 or more"
      ),
      (
        "encoder", "pixels", .zeros([1, 4, 64, 64]),
        "has shape [1, 4, 64, 64], expected [B, 3, H (a multiple of 16), W (a multiple of 16)], every size 1 or more"
      ),
      ("encoder", "pixels", .zeros([1, 3, 64, 64], dtype: .uint8), "has type uint8, expected a floating-point type"),
      ("decoder", "latents", .zeros([64, 4, 4]), "has shape [64, 4, 4], expected [B, 64, h, w], every size 1 or more"),
      (
        "decoder", "latents", .zeros([0, 64, 4, 4]),
        "has shape [0, 64, 4, 4], expected [B, 64, h, w], every size 1 or more"
      ),
    ]
  }

  @Test func forwardSaysWhatIsWrongWithATensor() throws {
    let good: [String: [(key: String, tensor: Tensor)]] = [
      "unet": goodUNet,
      "adapter": [("states", Tensor.zeros([1, 4, 768])), ("attention_mask", Tensor.ones([1, 4]))],
      "encoder": [("pixels", Tensor.zeros([1, 3, 64, 64]))], "decoder": [("latents", Tensor.zeros([1, 64, 4, 4]))],
    ]
    try Project.inTemporaryFolder { folder in
      try Program.makeModel(in: folder)
      let file = folder.appendingPathComponent("in.safetensors")
      func run(_ component: String) throws -> Program.Result {
        try Program.run(
          ["forward", component, "--model", "model", "--in", "in.safetensors", "--out", "out.safetensors"], in: folder)
      }
      for (component, tensors) in good {
        try Safetensors.write(tensors, to: file)
        #expect(try run(component).code == 0, "\(component)")
      }
      for (component, key, tensor, sentence) in wrongInputs {
        try Safetensors.write((good[component] ?? []).map { $0.key == key ? (key, tensor) : $0 }, to: file)
        let result = try run(component)
        #expect(result.code == 1 && result.errors.hasSuffix("tensor \"\(key)\" \(sentence)\n"), "\(result.errors)")
      }
    }
  }

  @Test func forwardChecksTheIdsOfTheTextEncoder() throws {
    let ids = Tensor([101, 7592, 102] as [Int64], shape: [1, 3])
    let cases: [(Tensor, String?)] = [
      (ids, nil), (ids.to(.int32), nil), (ids.to(.float32), "has type float32, expected int64"),
      (Tensor([101, 30522, 102] as [Int64], shape: [1, 3]), "holds 30522, expected ids of 0 to 30521"),
      (Tensor([101, -1, 102] as [Int64], shape: [1, 3]), "holds -1, expected ids of 0 to 30521"),
      (ids.reshaped([3]), "has shape [3], expected [B, N (1 to 512)], every size 1 or more"),
      (Tensor.zeros([1, 513], dtype: .int64), "has shape [1, 513], expected [B, N (1 to 512)], every size 1 or more"),
    ]
    try Project.inTemporaryFolder { folder in
      for (ids, sentence) in cases {
        try Safetensors.write(
          [("input_ids", ids), ("attention_mask", Tensor.ones([1, 3]))],
          to: folder.appendingPathComponent("in.safetensors"))
        let result = try Program.run(
          ["forward", "text-encoder", "--in", "in.safetensors", "--out", "out.safetensors"], in: folder)
        if let sentence {
          #expect(result.code == 1 && result.errors.hasSuffix("tensor \"input_ids\" \(sentence)\n"), "\(result.errors)")
        } else {
          #expect(result.code == 0, "\(result.errors)")
        }
      }
    }
  }
}
