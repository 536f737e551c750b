import Foundation
import TestSupport
import Testing
import Torch

@Suite struct WeightSetTests {
  private let tensors: [(key: String, tensor: Tensor)] = (0..<5).map { index in
    (key: "layer.\(index)", tensor: Tensor.full([10], Double(index)))
  }

  @Test func shardsReadAsOneSet() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, metadata: ["a": "b"], directory: folder, name: "weights", maxShardBytes: 100)
      #expect(
        try names(folder) == [
          "weights-00001-of-00003.safetensors", "weights-00002-of-00003.safetensors",
          "weights-00003-of-00003.safetensors", "weights.safetensors.index.json",
        ])
      let set = try WeightSet(folder, name: "weights")
      #expect(set.keys == Set(tensors.map(\.key)))
      #expect(set.metadata == ["a": "b"])
      for (key, tensor) in tensors { #expect(try set.tensor(key, shape: [10]).floats() == tensor.floats()) }
    }
  }

  @Test func aSetReplacesTheOneBeforeItWholly() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 100)
      try Data().write(to: folder.appendingPathComponent("weights.txt"))
      try WeightSet.write(Array(tensors.prefix(2)), directory: folder, name: "weights")
      #expect(try names(folder) == ["weights.safetensors", "weights.txt"])
      #expect(try WeightSet(folder, name: "weights").keys == ["layer.0", "layer.1"])
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 100)
      #expect(try WeightSet(folder, name: "weights").keys.count == 5)
    }
  }

  @Test func aMissingShardIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 100)
      let shard = folder.appendingPathComponent("weights-00002-of-00003.safetensors")
      try FileManager.default.removeItem(at: shard)
      let error = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(error?.description == "cannot read \(shard.path): No such file or directory")
    }
  }

  @Test(arguments: ["../weights.safetensors", "/etc/passwd", "a/b.safetensors", "..", "weights.bin"])
  func anIndexCannotPointOutOfItsFolder(_ shard: String) throws {
    try Project.inTemporaryFolder { folder in
      let json = try JSONSerialization.data(withJSONObject: ["weight_map": ["a": shard]])
      try json.write(to: folder.appendingPathComponent("weights.safetensors.index.json"))
      let error = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(error?.description.contains("is not the name of a shard") == true)
    }
  }

  @Test func anIndexThatPromisesTooMuchIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      try Safetensors.write([("a", Tensor.zeros([1]))], to: folder.appendingPathComponent("s.safetensors"))
      let map = ["a": "s.safetensors", "b": "s.safetensors"]
      let json = try JSONSerialization.data(withJSONObject: ["weight_map": map])
      try json.write(to: folder.appendingPathComponent("weights.safetensors.index.json"))
      #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
    }
  }

  @Test func anEmptyFolderSaysWhatIsMissing() throws {
    try Project.inTemporaryFolder { folder in
      let error = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(error?.description.contains("weights.safetensors.index.json") == true)
    }
  }

  private func names(_ folder: URL) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }
}
