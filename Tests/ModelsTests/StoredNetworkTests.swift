import Foundation
import NN
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct StoredNetworkTests {
  /// Runs `body` with the folder of a U-Net that is stored in a format, and its output with `weights` read from there.
  private func inFolder(_ format: Quantization, _ body: (URL) throws -> Void) throws {
    try Project.inTemporaryFolder { folder in
      let network = UNet(SmallNetworks.wideUNet, .random(Generator(seed: 1)))
      try network.save(to: folder, as: format)
      try body(folder)
    }
  }

  private func output(_ network: UNet) -> Tensor {
    let c = network.configuration
    let generator = Generator(seed: 2)
    let text = TextConditioning(
      context: Tensor.randn([2, 3, c.crossAttentionDim], generator: generator), mask: .ones([2, 3]),
      pooled: Tensor.randn([2, c.crossAttentionDim], generator: generator))
    return withInference {
      network(Tensor.randn([2, c.inChannels, 8, 8], generator: generator), at: .full([2], 500), text)
    }
  }

  @Test(arguments: [Quantization.bfloat16, .int8, .int4])
  func weightsAsTheyAreStoredComputeTheSameInLessMemory(_ format: Quantization) throws {
    try inFolder(format) { folder in
      let wide = try StoredNetwork<UNet>(folder).filled()
      let compact = try StoredNetwork<UNet>(folder).filled(keeping: .stored)
      #expect(output(compact).bytes() == output(wide).bytes())
      #expect(wide.parameters.allSatisfy { $0.tensor.compact == nil })
      for (key, tensor) in compact.parameters {
        #expect((tensor.compact != nil) == (tensor.rank >= 2), "\(key)")
        if let bytes = tensor.compact?.bytes { #expect(bytes < 4 * tensor.count, "\(key)") }
      }
    }
  }

  @Test func weightsThatAreNoSmallerAsTheyAreStoredAreConverted() throws {
    try inFolder(.bfloat16) { folder in
      let network = try StoredNetwork<UNet>(folder).filled(as: .bfloat16, keeping: .stored)
      #expect(network.parameters.allSatisfy { $0.tensor.compact == nil && $0.tensor.dtype == .bfloat16 })
    }
  }

  @Test(arguments: [Quantization.float32, .bfloat16, .int8])
  func weightsInTheMappedFileComputeTheSameAlsoOnceItHasNoName(_ format: Quantization) throws {
    try inFolder(format) { folder in
      let copied = try StoredNetwork<UNet>(folder).filled()
      let mapped = try StoredNetwork<UNet>(folder).filled(keeping: .mapped)
      try FileManager.default.removeItem(at: folder.appendingPathComponent("\(UNet.weightsName).safetensors"))
      #expect(output(mapped).bytes() == output(copied).bytes())
    }
  }

  @Test(
    .enabled(if: PackedWeights.isSupported(.float32), "needs AVX2"), arguments: [Quantization.float32, .int8],
    [DType.float32, .bfloat16])
  func layersPackedAsTheyAreReadAreThoseOfANetworkThatIsPackedAfterwards(_ format: Quantization, _ dtype: DType) throws
  {
    guard PackedWeights.isSupported(dtype) else { return }
    try inFolder(format) { folder in
      let network = try UNet.load(from: folder)
      network.convert(to: dtype)
      network.prepareForInference()
      let prepared = try UNet.load(from: folder, as: dtype, preparing: true)
      for (expected, actual) in zip(network.parameters, prepared.parameters) {
        let types = (expected.tensor.dtype, actual.tensor.dtype)
        #expect(types.0 == dtype && types.1 == dtype, "\(actual.key)")
        #expect((expected.tensor.packed == nil) == (actual.tensor.packed == nil), "\(actual.key)")
      }
      #expect(output(prepared).bytes() == output(network).bytes())
    }
  }

  @Test(
    arguments: Quantization.allCases, [(DType.float32, false), (.float32, true), (.bfloat16, false), (.bfloat16, true)])
  func bytesInMemoryAreKnownFromHeaders(_ format: Quantization, _ use: (dtype: DType, preparing: Bool)) throws {
    try inFolder(format) { folder in
      let stored = try StoredNetwork<UNet>(folder)
      for storage in [WeightStorage.computed, .stored] {
        let expected = stored.bytes(as: use.dtype, keeping: storage, preparing: use.preparing)
        try stored.fill(as: use.dtype, keeping: storage, preparing: use.preparing)
        #expect(bytesInMemory(stored.network.parameters.map(\.tensor)) == expected, "\(storage)")
        stored.release()
      }
    }
  }

  /// As in Stable Diffusion, whose kernels for 8×8 cells are not packed.
  @Test func kernelsThatStayPlainCountAsTheyAre() throws {
    try Project.inTemporaryFolder { folder in
      var configuration = SmallNetworks.wideUNet
      (configuration.sampleSize, configuration.blockOutChannels, configuration.midBlockType) = (2, [32, 1024], nil)
      let network = UNet(configuration, .random(Generator(seed: 1)))
      try network.save(to: folder, as: .bfloat16)
      let stored = try StoredNetwork<UNet>(folder)
      let (plain, packed) = (
        stored.bytes(as: .bfloat16, keeping: .stored), stored.bytes(as: .bfloat16, keeping: .stored, preparing: true)
      )
      try stored.fill(as: .bfloat16, keeping: .stored, preparing: true)
      #expect(bytesInMemory(stored.network.parameters.map(\.tensor)) == packed)
      // Of all kernels only those of the finer level grow, and the one after enlargement.
      #expect(stored.network.downBlocks[1].resnets[0].conv2.weight.packed == nil)
      if PackedWeights.usesWinograd(.bfloat16) {
        #expect(stored.network.upBlocks[0].upsamplers[0].conv.weight.packed != nil)
        #expect(packed > plain && packed < plain * 4 / 3)
      }
    }
  }

  @Test func pagesOfMappedWeightsAreReadAgain() throws {
    try inFolder(.float32) { folder in
      let stored = try StoredNetwork<UNet>(folder)
      let network = try stored.filled(keeping: .mapped)
      let expected = output(network).bytes()
      stored.releasePages()
      #expect(output(network).bytes() == expected)
    }
  }

  @Test func whatWasLetGoIsReadAgain() throws {
    for format in [Quantization.float32, .int8] {
      try inFolder(format) { folder in
        let stored = try StoredNetwork<UNet>(folder)
        #expect(output(stored.network).floats().allSatisfy { $0.isNaN }, "there are no weights yet")
        try stored.fill(keeping: .stored)
        let expected = output(stored.network)
        #expect(expected.allFinite)
        stored.release()
        #expect(output(stored.network).floats().allSatisfy { $0.isNaN })
        try stored.fill(keeping: .stored)
        #expect(output(stored.network).bytes() == expected.bytes())
      }
    }
  }

  @Test func aLoRAIsMergedIntoCompactWeights() throws {
    try inFolder(.int8) { folder in
      let (wide, compact) = (
        try StoredNetwork<UNet>(folder).filled(), try StoredNetwork<UNet>(folder).filled(keeping: .stored)
      )
      let lora = LoRA(for: wide, targets: ["to_q"], rank: 2, Generator(seed: 3))
      for pair in lora.pairs { pair.up.fill_(0.5) }
      let before = output(wide)
      for network in [wide, compact] { lora.merge(into: network) }
      #expect(output(compact).bytes() == output(wide).bytes())
      #expect(output(compact).bytes() != before.bytes())
    }
  }

  @Test func aCompactNetworkIsSavedAsItWasRead() throws {
    try inFolder(.int8) { folder in
      let compact = try StoredNetwork<UNet>(folder).filled(keeping: .stored)
      let copy = folder.appendingPathComponent("copy")
      try compact.save(to: copy, as: .float32)
      #expect(try output(UNet.load(from: copy)).bytes() == output(compact).bytes())
    }
  }

  @Test func headersAreComparedBeforeWeightsAreRead() throws {
    try inFolder(.float32) { folder in
      let weights = folder.appendingPathComponent("diffusion_pytorch_model.safetensors")
      let file = try SafetensorsFile(weights)
      let tensors = try file.keys.map { (key: $0, tensor: try file.tensor($0)) }
      try Safetensors.write(tensors.filter { $0.key != "conv_in.bias" }, to: weights)
      #expect(throws: CheckpointError.missingKey(file: weights.path, key: "conv_in.bias")) {
        try StoredNetwork<UNet>(folder)
      }
      try Safetensors.write(tensors + [("more", .ones([1]))], to: weights)
      #expect(throws: CheckpointError.unexpectedKeys(file: weights.path, keys: ["more"])) {
        try StoredNetwork<UNet>(folder)
      }
    }
  }

  @Test func scalesOfFourBitsHaveTheShapeOfTheirGroups() throws {
    try inFolder(.int4) { folder in
      let weights = folder.appendingPathComponent("diffusion_pytorch_model.safetensors")
      let file = try SafetensorsFile(weights)
      var tensors = try file.keys.map { (key: $0, tensor: try file.tensor($0)) }
      let index = try #require(tensors.firstIndex { $0.key.hasSuffix("_scale") && $0.tensor.dtype == .float16 })
      let (key, shape) = (tensors[index].key, tensors[index].tensor.shape)
      tensors[index].tensor = .ones([1, 1])
      try Safetensors.write(tensors, to: weights)
      #expect(throws: CheckpointError.shape(file: weights.path, key: key, expected: shape, actual: [1, 1])) {
        try StoredNetwork<UNet>(folder)
      }
    }
  }
}
