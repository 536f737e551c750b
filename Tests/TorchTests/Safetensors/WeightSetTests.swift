import Foundation
import Support
import TestSupport
import Testing
import Torch

@Suite struct WeightSetTests {
  private let tensors: [(key: String, tensor: Tensor)] = (0..<5).map { index in
    (key: "layer.\(index)", tensor: Tensor.full([1000], Double(index)))
  }

  @Test func shardsReadAsOneSet() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, metadata: ["a": "b"], directory: folder, name: "weights", maxShardBytes: 9000)
      #expect(
        try names(folder) == [
          "weights-00001-of-00003.safetensors", "weights-00002-of-00003.safetensors",
          "weights-00003-of-00003.safetensors", "weights.safetensors.index.json",
        ])
      let set = try WeightSet(folder, name: "weights")
      #expect(set.keys == tensors.map(\.key))
      #expect(set.metadata == ["a": "b"])
      for (key, tensor) in tensors { #expect(try set.tensor(key, shape: [1000]).floats() == tensor.floats()) }
    }
  }

  @Test func aSetReplacesTheOneBeforeItWholly() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 9000)
      try Data().write(to: folder.appendingPathComponent("weights.txt"))
      try WeightSet.write(Array(tensors.prefix(2)), directory: folder, name: "weights")
      #expect(try names(folder) == ["weights.safetensors", "weights.txt"])
      #expect(try WeightSet(folder, name: "weights").keys == ["layer.0", "layer.1"])
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 9000)
      #expect(try WeightSet(folder, name: "weights").keys.count == 5)
    }
  }

  @Test(arguments: ["weights.safetensors.index.fp16.json", "weights.safetensors.fp16.index.json"])
  func theHalfPrecisionCopyIsTakenWhereThereIsNoOther(_ index: String) throws {
    try Project.inTemporaryFolder { folder in
      func move(_ name: String, _ new: String) throws {
        try FileManager.default.moveItem(
          at: folder.appendingPathComponent(name), to: folder.appendingPathComponent(new))
      }
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 9000)
      try move("weights.safetensors.index.json", index)
      #expect(try WeightSet(folder, name: "weights").keys == tensors.map(\.key))
      try WeightSet.write(Array(tensors.prefix(2)), directory: folder, name: "other")
      try move("other.safetensors", "weights.fp16.safetensors")
      #expect(try WeightSet(folder, name: "weights").keys.count == 2)
      try WeightSet.write(Array(tensors.prefix(1)), directory: folder, name: "other")
      try move("other.safetensors", "weights.safetensors")
      #expect(try WeightSet(folder, name: "weights").keys.count == 1, "the plain name goes first")
    }
  }

  @Test func aPickledFileIsRefusedWithTheWayOut() throws {
    try Project.inTemporaryFolder { folder in
      try Data([0x50, 0x4B, 3, 4, 0, 0, 0, 0, 0, 0]).write(to: folder.appendingPathComponent("pytorch_model.bin"))
      let set = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(
        set?.description.contains("nor weights.safetensors.index.json, only pytorch_model.bin: it is a pickled") == true
      )
      let file = folder.appendingPathComponent("pytorch_model.bin")
      let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(file) }
      #expect(error?.description == "cannot read \(file.path): \(SafetensorsFile.adviceAboutPickles)")
    }
  }

  @Test func aMissingShardIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 9000)
      let shard = folder.appendingPathComponent("weights-00002-of-00003.safetensors")
      let size = try Data(contentsOf: shard).count
      try FileManager.default.removeItem(at: shard)
      let error = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(error?.description == "\(shard.path): expected \(size) bytes, found no file")
      try FileManager.default.removeItem(at: folder.appendingPathComponent("weights-00003-of-00003.safetensors"))
      let two = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(two?.description.hasSuffix("found no file; 1 more shard is missing or damaged") == true)
    }
  }

  @Test func noShardIsLargerThanTheLimit() throws {
    try Project.inTemporaryFolder { folder in
      let metadata = ["plan": String(repeating: "x", count: 500)]
      let many = (0..<300).map { (key: "layer.\($0).weight", tensor: Tensor.ones([$0 % 30 + 1, 3])) }
      try WeightSet.write(many, metadata: metadata, directory: folder, name: "weights", maxShardBytes: 4000)
      for name in try names(folder) where name.hasSuffix(".safetensors") {
        let size = try Data(contentsOf: folder.appendingPathComponent(name)).count
        #expect(size <= 4000, "\(name)")
      }
      #expect(try WeightSet(folder, name: "weights", checking: .hashes).keys.count == 300)
    }
  }

  @Test func aDamagedShardIsNamedByItsHash() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, directory: folder, name: "weights", maxShardBytes: 9000)
      let shard = folder.appendingPathComponent("weights-00002-of-00003.safetensors")
      var bytes = try Data(contentsOf: shard)
      let (before, last) = (SHA256.hexDigest(Array(bytes)), bytes.count - 1)
      bytes[last] ^= 1
      try bytes.write(to: shard)
      #expect(throws: Never.self) { try WeightSet(folder, name: "weights") }
      let error = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights", checking: .hashes) }
      let after = SHA256.hexDigest(Array(bytes))
      #expect(error?.description == "\(shard.path): expected SHA-256 \(before), found \(after)")
      try bytes.dropLast().write(to: shard)
      let short = #expect(throws: CheckpointError.self) { try WeightSet(folder, name: "weights") }
      #expect(short?.description == "\(shard.path): expected \(last + 1) bytes, found \(last)")
    }
  }

  @Test func aSetOfOneShardMayHaveAnIndex() throws {
    try Project.inTemporaryFolder { folder in
      try WeightSet.write(tensors, directory: folder, name: "weights", alwaysIndexed: true)
      #expect(try names(folder) == ["weights-00001-of-00001.safetensors", "weights.safetensors.index.json"])
      #expect(try WeightSet(folder, name: "weights", checking: .hashes).keys.count == 5)
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
