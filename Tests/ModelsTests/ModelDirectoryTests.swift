import Foundation
import NN
import Support
import TestSupport
import Testing
import Torch

@testable import Models

@Suite struct ModelDirectoryTests {
  private let adapter = TextAdapter(SmallNetworks.adapter, .random(Generator(seed: 1)))
  private static let weights = "diffusion_pytorch_model"
  private static let key = "layers.1.to_q_k_v.weight"  // [24, 8]

  /// The sentence of a folder whose weights were changed, with `FILE` for the file of the weights.
  private func refusal(_ change: (inout [NamedTensor]) -> Void) throws -> String? {
    try Project.inTemporaryFolder { folder in
      try write(to: folder, change)
      let error = #expect(throws: CheckpointError.self) { _ = try TextAdapter.load(from: folder) }
      let file = folder.appendingPathComponent("\(Self.weights).safetensors")
      return error?.description.replacingOccurrences(of: file.path, with: "FILE")
    }
  }

  private func write(to folder: URL, shardBytes: Int = 1 << 20, _ change: (inout [NamedTensor]) -> Void) throws {
    try adapter.save(to: folder)
    var tensors = adapter.parameters
    change(&tensors)
    try WeightSet.write(tensors, directory: folder, name: Self.weights, maxShardBytes: shardBytes)
  }

  /// The folder's network, compared with what was saved.
  private func expectEqual(_ folder: URL, tolerance: Double = 0) throws {
    let copy = try TextAdapter.load(from: folder)
    for (read, saved) in zip(copy.parameters, adapter.parameters) {
      #expect(read.tensor.dtype == .float32)
      expectClose(read.tensor, saved.tensor, atol: tolerance, read.key)
    }
  }

  private func index(_ tensors: [NamedTensor]) -> Int { tensors.firstIndex { $0.key == Self.key } ?? -1 }

  @Test func aMissingTensorIsNamed() throws {
    #expect(try refusal { $0.remove(at: index($0)) } == "FILE has no tensor \"\(Self.key)\"")
  }

  @Test func tensorsThatTheNetworkDoesNotHaveAreNamed() throws {
    let sentence = try refusal { tensors in
      for key in ["z", "a.weight"] { tensors.append((key, Tensor.ones([1]))) }
    }
    #expect(sentence == "FILE has 2 tensors that the model does not know, among them \"a.weight\", \"z\"")
    let many = try refusal { tensors in
      for index in 1...5 { tensors.append(("x\(index)", Tensor.ones([1]))) }
    }
    #expect(many == "FILE has 5 tensors that the model does not know, among them \"x1\", \"x2\", \"x3\"")
  }

  @Test(arguments: [[8, 24], [24, 8, 1], [192], [23, 8]]) func aTensorOfAnotherShapeIsNamed(_ shape: [Int]) throws {
    #expect(
      try refusal { $0[index($0)].tensor = Tensor.zeros(shape) }
        == "FILE: tensor \"\(Self.key)\" has shape \(shape), expected [24, 8]")
  }

  @Test(arguments: [DType.int64, .int16, .uint8, .bool]) func aTensorOfATypeThatIsNoWeightsIsNamed(_ dtype: DType)
    throws
  {
    #expect(
      try refusal { $0[index($0)].tensor = Tensor.zeros([24, 8], dtype: dtype) }
        == "FILE: tensor \"\(Self.key)\" has type \(dtype.rawValue), expected a floating-point type, or int8 or "
        + "uint8 with scales")
  }

  @Test func eightBitsNeedAScaleForEachRow() throws {
    let quantized = Tensor.zeros([24, 8], dtype: .int8)
    #expect(
      try refusal { $0[index($0)].tensor = quantized } == "FILE has no tensor \"\(Self.key)_scale\"")
    let wrong = try refusal {
      $0[index($0)].tensor = quantized
      $0.append(("\(Self.key)_scale", Tensor.ones([8])))
    }
    #expect(wrong == "FILE: tensor \"\(Self.key)_scale\" has shape [8], expected [24]")
    let whole = try refusal {
      $0[index($0)].tensor = quantized
      $0.append(("\(Self.key)_scale", Tensor.ones([24], dtype: .int32)))
    }
    #expect(whole == "FILE: tensor \"\(Self.key)_scale\" has type int32, expected a floating-point type")
  }

  @Test(arguments: [(DType.float64, 0.0), (.float16, 1e-3), (.bfloat16, 1e-2)])
  func everyFloatingPointTypeIsRead(_ dtype: DType, _ tolerance: Double) throws {
    try Project.inTemporaryFolder { folder in
      try write(to: folder) { tensors in tensors = tensors.map { (key: $0.key, tensor: $0.tensor.to(dtype)) } }
      try expectEqual(folder, tolerance: tolerance)
    }
  }

  @Test func weightsInSeveralFilesAreRead() throws {
    try Project.inTemporaryFolder { folder in
      try write(to: folder, shardBytes: 2000) { _ in }
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(files.filter { $0.hasPrefix("\(Self.weights)-0") }.count > 2)
      #expect(!files.contains("\(Self.weights).safetensors"))
      try expectEqual(folder)
    }
  }

  @Test func aFolderWithoutWeightsIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      try adapter.save(to: folder)
      let file = folder.appendingPathComponent("\(Self.weights).safetensors")
      try FileManager.default.removeItem(at: file)
      let error = #expect(throws: CheckpointError.self) { _ = try TextAdapter.load(from: folder) }
      #expect(
        error?.description
          == "cannot read \(file.path): there is neither this file nor \(Self.weights).safetensors.index.json")
    }
  }

  @Test func aConfigurationThatLacksAKeyIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("config.json")
      try adapter.save(to: folder)
      let table = try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
      #expect(table["_class_name"] as? String == "FluxTextAdapter")
      for key in ["heads", "input_width", "layers", "max_tokens", "width"] {
        try JSONSerialization.data(withJSONObject: table.filter { $0.key != key }).write(to: file)
        let error = #expect(throws: CheckpointError.self) { _ = try TextAdapter.readConfiguration(folder) }
        #expect(error?.description == "\(file.path): \(key) is missing")
      }
      try JSONSerialization.data(withJSONObject: table.merging(["author": "x"]) { $1 }).write(to: file)
      #expect(try TextAdapter.readConfiguration(folder) == SmallNetworks.adapter)  // what is not known does not matter
    }
  }

  @Test func sizesFarBeyondTheFileAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      try adapter.save(to: folder)
      var large = SmallNetworks.adapter
      large.width = 4096
      let file = folder.appendingPathComponent("config.json")
      try JSONFile.write(large, className: TextAdapter.className, to: file)
      let error = #expect(throws: CheckpointError.self) { _ = try TextAdapter.load(from: folder) }
      #expect(error?.description.hasPrefix("\(file.path): its sizes give a network with ") == true)
      let stored = adapter.parameterCount
      #expect(error?.description.hasSuffix("\(Self.weights).safetensors has \(stored)") == true)
    }
  }

  @Test func savingReplacesWeightsOfAnotherLayout() throws {
    try Project.inTemporaryFolder { folder in
      try write(to: folder, shardBytes: 2000) { _ in }
      try adapter.save(to: folder, as: .int8)
      let files = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      #expect(files == ["config.json", "\(Self.weights).safetensors"])
      try expectEqual(folder, tolerance: 0.005)
    }
  }

  @Test func theMetadataIsStoredWithTheWeights() throws {
    try Project.inTemporaryFolder { folder in
      try adapter.save(to: folder, metadata: ["note": "a \"b\""])
      #expect(try WeightSet(folder, name: Self.weights).metadata == ["note": "a \"b\""])
    }
  }

  @Test func partsOfATextEncoderThatAreNotUsedArePassedOver() throws {
    try Project.inTemporaryFolder { folder in
      let encoder = TextEncoder(SmallNetworks.textEncoder, .random(Generator(seed: 2)))
      try encoder.save(to: folder)
      let unused: [NamedTensor] = [
        ("pooler.dense.weight", Tensor.ones([8, 8])), ("embeddings.position_ids", Tensor.zeros([1, 6], dtype: .int64)),
      ]
      try WeightSet.write(encoder.parameters + unused, directory: folder, name: TextEncoder.weightsName)
      #expect(throws: Never.self) { _ = try TextEncoder.load(from: folder) }
      let foreign: [NamedTensor] = [("cls.bias", Tensor.ones([8]))]
      try WeightSet.write(
        encoder.parameters + foreign, directory: folder, name: TextEncoder.weightsName)
      let error = #expect(throws: CheckpointError.self) { _ = try TextEncoder.load(from: folder) }
      #expect(error?.description.hasSuffix("among them \"cls.bias\"") == true)
    }
  }
}
