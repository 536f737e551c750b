import Foundation
import Models
import NN
import TestSupport
import Testing
import Torch

@Suite struct UNetTests {
  static let cases = [
    "one-level", "ship-like", "three-levels-mixed", "odd-size", "no-attention", "no-middle",
  ]

  private func run(_ unet: UNet, _ inputs: SafetensorsFile) throws -> Tensor {
    func optional(_ key: String) throws -> Tensor? { inputs.info(key) == nil ? nil : try inputs.tensor(key) }
    return try unet(
      inputs.tensor("sample"), timesteps: inputs.tensor("timesteps"), context: inputs.tensor("context"),
      contextMask: optional("mask"), classLabels: optional("class_labels"))
  }

  @Test(arguments: cases) func itComputesWhatDiffusersComputes(_ name: String) throws {
    let folder = Project.golden("unet/\(name)")
    let inputs = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    let output = try run(UNet.load(from: folder), inputs)
    expectClose(output, try inputs.tensor("output"), atol: 1e-4, name)
  }

  @Test(.enabled(if: PackedWeights.isSupported(.float32), "needs AVX2"), arguments: cases)
  func preparedForInferenceItComputesWhatDiffusersComputes(_ name: String) throws {
    let folder = Project.golden("unet/\(name)")
    let inputs = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    let unet = try UNet.load(from: folder)
    let plain = try withInference { try run(unet, inputs) }
    for _ in 0..<2 { unet.prepareForInference() }  // the second time, nothing is left to pack
    #expect(unet.parameters.contains { $0.tensor.packed != nil })
    let output = try withInference { try run(unet, inputs) }
    expectClose(output, try inputs.tensor("output"), atol: 1e-4, name)
    #expect(((output - plain).square().sum() / plain.square().sum()).sqrt().item() < 5e-6, "\(name)")
  }

  /// Rounding of the packed layers is not what makes a trained network inexact in bfloat16.
  @Test(.enabled(if: PackedWeights.isSupported(.bfloat16), "needs AVX512-BF16"), arguments: ["mini", "midi"])
  func inBfloat16PackedWeightsAreAboutAsExactAsOthers(_ name: String) throws {
    let folder = Project.root.appendingPathComponent("models/\(name)/unet")
    let generator = Generator(seed: 4)
    let (x, context) = (
      Tensor.randn([4, 64, 8, 8], generator: generator),
      Tensor.randn([4, 12, name == "mini" ? 192 : 256], generator: generator)
    )
    func output(_ unet: UNet) -> Tensor {
      withInference {
        unet(x, timesteps: .full([4], 400), context: context, contextMask: nil, classLabels: context.mean([1]))
      }
    }
    let exact = output(try UNet.load(from: folder))
    func error(_ unet: UNet) -> Double {
      ((output(unet).to(.float32) - exact).square().sum() / exact.square().sum()).sqrt().item()
    }
    let plain = try UNet.load(from: folder)
    plain.convert(to: .bfloat16)
    let (expected, actual) = (error(plain), error(try UNet.load(from: folder, as: .bfloat16, preparing: true)))
    #expect(actual < 1.2 * expected && expected < 0.05, "\(actual), \(expected)")
  }

  @Test(.enabled(if: PackedWeights.isSupported(.float32), "needs AVX2"))
  func attentionPacksLayersThatReadTheSameRowsTogether() throws {
    let unet = try UNet.load(from: Project.golden("unet/ship-like"))
    unet.prepareForInference()
    let packed = Dictionary(uniqueKeysWithValues: unet.parameters.map { ($0.key, $0.tensor.packed) })
    func weights(_ query: String, _ name: String) -> PackedWeights? {
      packed[query.replacingOccurrences(of: "to_q", with: name)] ?? nil
    }
    let queries = packed.keys.filter { $0.hasSuffix("to_q.weight") }
    #expect(!queries.isEmpty)
    for query in queries {
      let values = try #require(weights(query, "to_v"), "\(query)")
      #expect(values === weights(query, "to_k"), "\(query)")
      #expect((values === weights(query, "to_q")) == query.contains("attn1"), "\(query)")
    }
  }

  @Test(arguments: cases) func whatItSavesIsWhatDiffusersSaved(_ name: String) throws {
    let folder = Project.golden("unet/\(name)")
    let saved = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: saved) }
    try UNet.load(from: folder).save(to: saved)
    let theirs = try SafetensorsFile(folder.appendingPathComponent("diffusion_pytorch_model.safetensors"))
    let ours = try SafetensorsFile(saved.appendingPathComponent("diffusion_pytorch_model.safetensors"))
    #expect(Set(ours.keys) == Set(theirs.keys))
    for key in theirs.keys { #expect(try ours.tensor(key).bytes() == theirs.tensor(key).bytes(), "\(key)") }
    #expect(try UNet.readConfiguration(saved) == UNet.readConfiguration(folder))
  }

  @Test func channelsLastChangesNothing() throws {
    let folder = Project.golden("unet/ship-like")
    let inputs = try SafetensorsFile(folder.appendingPathComponent("case.safetensors"))
    let unet = try UNet.load(from: folder)
    let output = try unet(
      inputs.tensor("sample").channelsLast(), timesteps: inputs.tensor("timesteps"),
      context: inputs.tensor("context"),
      contextMask: inputs.tensor("mask"), classLabels: inputs.tensor("class_labels"))
    expectClose(output, try inputs.tensor("output"), atol: 1e-4)
  }

  @Test func anOptionThatFluxLacksIsRefusedByName() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = Project.golden("unet/one-level/config.json")
    let text = try String(contentsOf: source, encoding: .utf8)
      .replacingOccurrences(of: "\"encoder_hid_dim_type\": null", with: "\"encoder_hid_dim_type\": \"text_proj\"")
    try text.write(to: folder.appendingPathComponent("config.json"), atomically: true, encoding: .utf8)
    let error = #expect(throws: CheckpointError.self) { _ = try UNet.readConfiguration(folder) }
    #expect(error?.description.contains("encoder_hid_dim_type is \"text_proj\", expected null, the only value") == true)
  }

  /// 116,000 layers, each so small that their weights are few: building them takes half a minute and 1.6 GB.
  @Test func aNetworkOfVeryManySmallLayersIsRefusedBeforeItIsBuilt() throws {
    try Project.inTemporaryFolder { folder in
      let golden = Project.golden("unet/one-level")
      let weights = "\(UNet.weightsName).safetensors"
      try FileManager.default.copyItem(
        at: golden.appendingPathComponent(weights), to: folder.appendingPathComponent(weights))
      let config = try Data(contentsOf: golden.appendingPathComponent("config.json"))
      var table = try #require(try JSONSerialization.jsonObject(with: config) as? [String: Any])
      (table["layers_per_block"], table["transformer_layers_per_block"]) = (57, 1000)
      (table["block_out_channels"], table["norm_num_groups"], table["attention_head_dim"]) = ([2], 1, 1)
      (table["cross_attention_dim"], table["in_channels"], table["out_channels"]) = (1, 1, 1)
      try JSONSerialization.data(withJSONObject: table).write(to: folder.appendingPathComponent("config.json"))
      let error = #expect(throws: CheckpointError.self) { _ = try UNet.load(from: folder) }
      #expect(error?.description.contains("its sizes give a network with ") == true)
    }
  }

  @Test func aWeightOfTheWrongShapeIsNamed() throws {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let unet = try UNet.load(from: Project.golden("unet/one-level"))
    try unet.save(to: folder)
    var tensors = unet.parameters
    tensors[0].tensor = Tensor.zeros([3, 3])
    try WeightSet.write(tensors, directory: folder, name: UNet.weightsName)
    let error = #expect(throws: CheckpointError.self) { _ = try UNet.load(from: folder) }
    #expect(
      error?.description.contains("\"conv_in.weight\" has shape [3, 3], expected [16, 5, 3, 3]") == true)
  }

  @Test(arguments: [Quantization.bfloat16, .int8]) func smallerStorageStaysClose(_ format: Quantization)
    throws
  {
    let folder = try Project.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let golden = Project.golden("unet/ship-like")
    let inputs = try SafetensorsFile(golden.appendingPathComponent("case.safetensors"))
    try UNet.load(from: golden).save(to: folder, as: format)
    let output = try run(UNet.load(from: folder), inputs)
    let expected = try inputs.tensor("output")
    #expect((output - expected).abs().mean().item() < 0.05 * expected.abs().mean().item())
  }

  @Test(arguments: [DType.bool, .int64, .uint8, .int32]) func weightsOfOtherTypesAreRefused(_ dtype: DType) throws {
    try Project.inTemporaryFolder { folder in
      let unet = try UNet.load(from: Project.golden("unet/one-level"))
      try unet.save(to: folder)
      var tensors = unet.parameters
      tensors[0].tensor = tensors[0].tensor.to(dtype)
      try WeightSet.write(tensors, directory: folder, name: UNet.weightsName)
      let error = #expect(throws: CheckpointError.self) { _ = try UNet.load(from: folder) }
      #expect(error?.description.contains("\"\(tensors[0].key)\" has type \(dtype.rawValue), expected a float") == true)
    }
  }
}
