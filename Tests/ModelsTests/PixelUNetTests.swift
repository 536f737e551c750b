import Foundation
import Models
import NN
import Support
import TestSupport
import Testing
import Torch

/// Tools/golden/pixel_unet.py says how the golden was made.
@Suite struct PixelUNetTests {
  private let folder = Project.golden("pixel_unet")

  private func golden() throws -> (network: PixelUNet, inputs: SafetensorsFile) {
    (try PixelUNet.load(from: folder), try SafetensorsFile(folder.appendingPathComponent("case.safetensors")))
  }

  private func run(_ network: PixelUNet, _ inputs: SafetensorsFile) throws -> Tensor {
    let text = try network.encodeText(inputs.tensor("ids"), mask: inputs.tensor("mask"))
    return try network(inputs.tensor("images"), at: inputs.tensor("timesteps"), text)
  }

  @Test func itComputesWhatPyTorchComputes() throws {
    let (network, inputs) = try golden()
    expectClose(try run(network, inputs), try inputs.tensor("output"), atol: 1e-6)
  }

  @Test func itsGradientsAreThoseOfPyTorch() throws {
    let (network, inputs) = try golden()
    network.requireGradients(true)
    (try run(network, inputs) - inputs.tensor("target")).square().mean().backward()
    for (key, tensor) in network.parameters {
      let gradient = try #require(tensor.grad, "\(key)")
      expectClose(gradient, try inputs.tensor("gradient.\(key)"), atol: 1e-6, key)
    }
  }

  @Test func timeAndTextChangeTheOutput() throws {
    let (network, inputs) = try golden()
    let (images, times) = (try inputs.tensor("images"), try inputs.tensor("timesteps"))
    let text = try network.encodeText(inputs.tensor("ids"), mask: inputs.tensor("mask"))
    let output = network(images, at: times, text)
    func change(_ other: Tensor) -> Double { (other - output).abs().max().item() }
    #expect(change(network(images, at: times + 1, text)) > 1e-4)
    #expect(change(network(images, at: times, text.flipped([0]))) > 1e-3)
    #expect(change(network(images, at: times, text)) == 0)
  }

  @Test func wordsCountInAnyOrderAndPaddingDoesNot() throws {
    let (network, _) = try golden()
    func text(_ ids: [Int64], _ mask: [Float]) -> Tensor {
      network.encodeText(Tensor(ids, shape: [1, ids.count]), mask: Tensor(mask, shape: [1, ids.count]))
    }
    let expected = text([2, 7, 9, 3], [1, 1, 1, 1])
    expectClose(text([2, 9, 7, 3], [1, 1, 1, 1]), expected, atol: 1e-6)
    expectClose(text([2, 7, 9, 3, 0, 5], [1, 1, 1, 1, 0, 0]), expected, atol: 1e-6)
    #expect((text([2, 7, 8, 3], [1, 1, 1, 1]) - expected).abs().max().item() > 1e-3)
  }

  @Test(arguments: [(1, 5), (2, 16), (4, 24)]) func anImageKeepsItsShape(_ levels: Int, _ side: Int) {
    let configuration = PixelUNet.Configuration(
      sampleSize: side, blockOutChannels: [Int](repeating: 4, count: levels), vocabSize: 10, embeddingWidth: 4,
      maxTokens: 3)
    let network = PixelUNet(configuration, .random(Generator(seed: 1)))
    let images = Tensor.randn([3, 3, side, side], generator: Generator(seed: 2))
    let output = network(images, at: Tensor([Float](repeating: 7, count: 3)), Tensor.zeros([3, 4]))
    #expect(output.shape == [3, 3, side, side] && output.allFinite)
  }

  @Test func theExampleHasItsSize() {
    let network = PixelUNet(.example, .empty)
    #expect(network.parameterCount == 24_769_347)
    let shape = network.parameters.first { $0.key == "text_embedding.weight" }?.tensor.shape
    #expect(shape == [30_522, 512])
    let matrices = network.parameters.filter { $0.tensor.rank > 1 }.reduce(0) { $0 + $1.tensor.count }
    #expect(PixelUNet.Configuration.example.weightCount == matrices)
  }

  @Test func whatItSavesIsReadBackEqual() throws {
    try Project.inTemporaryFolder { saved in
      let (network, _) = try golden()
      try network.save(to: saved)
      let read = try PixelUNet.load(from: saved)
      #expect(read.configuration == network.configuration)
      for (a, b) in zip(network.parameters, read.parameters) {
        #expect(a.key == b.key && a.tensor.bytes() == b.tensor.bytes())
      }
    }
  }

  /// A trap would end the test program: whatever loads must also run.
  @Test func aDamagedNumberIsRefusedByNameOrHarmless() throws {
    try Project.inTemporaryFolder { folder in
      let copy = folder.appendingPathComponent("network")
      try FileManager.default.copyItem(at: self.folder, to: copy)
      try FileManager.default.removeItem(at: copy.appendingPathComponent("case.safetensors"))
      let inputs = try golden().inputs
      try DamagedConfiguration.forEach(copy.appendingPathComponent("config.json")) { key, value in
        do {
          _ = try run(PixelUNet.load(from: copy), inputs)
        } catch let error as CheckpointError {
          let text = error.description
          #expect(text.contains(copy.path), "\(key) \(value): \(text)")
          #expect(text.contains(key) || text.contains("tensor \""), "\(key) \(value): \(text)")
        }
      }
    }
  }

  private static let sentences: [(change: @Sendable (inout PixelUNet.Configuration) -> Void, sentence: String)] = [
    ({ $0.sampleSize = 60 }, "sample_size is 60, expected a multiple of 2 for each pooling, 8"),
    ({ $0.sampleSize = 0 }, "sample_size is 0, expected 1 to 16384"),
    ({ $0.blockOutChannels = [] }, "block_out_channels is a list of 0, expected 1 to 16 levels"),
    ({ $0.blockOutChannels[1] = -1 }, "block_out_channels[1] is -1, expected 1 to 65536"),
    ({ $0.embeddingWidth = 511 }, "embedding_width is 511, expected a multiple of sines and cosines, 2"),
    ({ $0.vocabSize = 3 }, "vocab_size is 3, expected 4 to 10000000"),
    ({ $0.maxTokens = 2 }, "max_tokens is 2, expected 3 to 65536"),
  ]

  @Test(arguments: sentences.indices) func theSentenceNamesKeyValueAndWhatIsAllowed(_ index: Int) throws {
    var configuration = PixelUNet.Configuration.example
    Self.sentences[index].change(&configuration)
    let error = #expect(throws: ConfigurationError.self) { try configuration.validate() }
    #expect(error?.description == Self.sentences[index].sentence)
  }
}
