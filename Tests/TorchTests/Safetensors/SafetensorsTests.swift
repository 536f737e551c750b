import Foundation
import TestSupport
import Testing
import Torch

@Suite struct SafetensorsTests {
  private let types: [DType] = [.float64, .float32, .float16, .bfloat16, .int64, .int32, .int16, .int8, .uint8, .bool]

  @Test func everyTypeSurvivesTheRoundTripWithShapesAndMetadata() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let values = Tensor([0, 1, 2, 3, 4, 5] as [Float], shape: [2, 1, 3])
      var tensors = types.map { (key: "of \($0) \"é\\\n", tensor: values.to($0)) }
      tensors.append((key: "scalar", tensor: Tensor(7)))
      tensors.append((key: "none", tensor: Tensor.zeros([0, 4])))
      try Safetensors.write(tensors, metadata: ["note": "quoted \" and\ttab"], to: url)
      let file = try SafetensorsFile(url)
      #expect(Set(file.keys) == Set(tensors.map(\.key)))
      #expect(file.metadata == ["note": "quoted \" and\ttab"])
      for (key, tensor) in tensors {
        let back = try file.tensor(key, shape: tensor.shape)
        #expect(back.dtype == tensor.dtype)
        #expect(back.doubles() == tensor.doubles(), "\(key)")
      }
    }
  }

  @Test func aTensorInTheMappedFileKeepsItOpenAndACopyDoesNotNeedIt() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      // After one byte, floats do not lie where they should.
      let tensors = [("byte", Tensor.ones([1], dtype: .uint8)), ("z", Tensor([1.5, -2] as [Float], shape: [2]))]
      try Safetensors.write(tensors + [("large", Tensor.ones([1 << 20]))], to: url)
      var file: SafetensorsFile? = try SafetensorsFile(url)
      let (odd, large) = (try file?.mapped("z"), try file?.mapped("large", shape: [1 << 20]))
      let copy = try file?.withTensor("large", once: true) { (tensor) throws(CheckpointError) in tensor.clone() }
      file?.releasePages()
      file = nil
      #expect(odd?.floats() == [1.5, -2])
      #expect(large?.sum().item() == 1_048_576)
      #expect(copy?.sum().item() == 1_048_576)
    }
  }

  @Test func equalTensorsGiveEqualBytesInWhateverOrderTheyCome() throws {
    try Project.inTemporaryFolder { folder in
      let (a, b) = (folder.appendingPathComponent("a"), folder.appendingPathComponent("b"))
      let tensors: [(key: String, tensor: Tensor)] = [("x", Tensor.ones([3])), ("w", Tensor.zeros([2], dtype: .int64))]
      try Safetensors.write(tensors, to: a)
      try Safetensors.write(tensors.reversed(), to: b)
      #expect(try Data(contentsOf: a) == Data(contentsOf: b))
    }
  }

  @Test func missingKeysAndOtherShapesAreNamed() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try Safetensors.write([("weight", Tensor.zeros([2, 3]))], to: url)
      let file = try SafetensorsFile(url)
      #expect(throws: CheckpointError.missingKey(file: url.path, key: "bias")) { try file.tensor("bias") }
      let error = #expect(throws: CheckpointError.self) { try file.tensor("weight", shape: [3, 2]) }
      #expect(error?.description == "\(url.path): tensor \"weight\" has shape [2, 3], expected [3, 2]")
    }
  }

  @Test func everyTruncationIsRefused() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try Safetensors.write([("weight", Tensor.zeros([4])), ("bias", Tensor.zeros([2]))], to: url)
      let whole = try Data(contentsOf: url)
      for count in 0..<whole.count {
        try whole.prefix(count).write(to: url)
        #expect(throws: CheckpointError.self, "\(count) of \(whole.count) bytes") { try SafetensorsFile(url) }
      }
    }
  }

  /// Headers that lie, each with a word of the sentence that refuses it; every file has 16 bytes of data.
  private static let lies: [(header: String, reason: String)] = [
    (#"[]"#, "not a JSON object"),
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}"#, "not a JSON object"),
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}"#, "needs 16 bytes, its range has 12"),
    (#"{"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}}"#, "claims bytes 0..<20 of 16"),
    (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#, "4 bytes follow the last tensor"),
    (#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}}"#, "leaves a hole before it"),
    (
      #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
      "overlaps the tensor before it"
    ),
    (#"{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}"#, "lacks a proper"),
    (#"{"a":{"dtype":"F32","shape":[4.5],"data_offsets":[0,16]}}"#, "lacks a proper"),
    (#"{"a":{"dtype":"F32","shape":[true,4],"data_offsets":[0,16]}}"#, "lacks a proper"),
    (#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}"#, "claims bytes 16..<0"),
    (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}}"#, "impossible shape"),
    (#"{"a":{"dtype":"F32","shape":[0,4611686018427387904,4],"data_offsets":[0,0]}}"#, "impossible shape"),
    (#"{"a":{"dtype":"F9","shape":[4],"data_offsets":[0,16]}}"#, "type F9"),
    (#"{"a":{"shape":[4],"data_offsets":[0,16]}}"#, "lacks a proper"),
    (#"{"a":7}"#, "lacks a proper"),
    (
      #"{"__metadata__":{"n":1},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, "__metadata__"
    ),
  ]

  @Test(arguments: lies.indices) func aLyingHeaderIsRefusedWithAReason(_ index: Int) throws {
    let (header, reason) = Self.lies[index]
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try Self.file(length: UInt64(header.utf8.count), header: header).write(to: url)
      let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(url) }
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains(url.path) == true)
    }
  }

  /// Names that Unicode calls equal are two tensors.
  @Test func keysAreBytes() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let (composed, decomposed) = ("caf\u{e9}", "cafe\u{301}")
      try Safetensors.write([(composed, Tensor(1)), (decomposed, Tensor(2))], to: url)
      let file = try SafetensorsFile(url)
      #expect(file.keys.count == 2)
      #expect(try file.tensor(composed).item() == 1 && file.tensor(decomposed).item() == 2)
      let name = "a"
      try WeightSet.write(
        [(composed, Tensor(1)), (decomposed, Tensor(2))], directory: folder, name: name, maxShardBytes: 200)
      try? FileManager.default.removeItem(at: url)  // writing shards has removed it already
      let set = try WeightSet(folder, name: name)
      #expect(set.keys.count == 2)
      #expect(try set.tensor(composed).item() == 1 && set.tensor(decomposed).item() == 2)
    }
  }

  @Test func twoTensorsOfOneNameAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let entry = #""a":{"dtype":"F32","shape":[2],"data_offsets":"#
      let header = "{\(entry)[0,8]},\(entry)[8,16]}}"
      try Self.file(length: UInt64(header.utf8.count), header: header).write(to: url)
      let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(url) }
      #expect(error?.description.hasSuffix("it has two tensors \"a\"") == true)
    }
  }

  @Test(arguments: ["F8_E4M3", "F8_E5M2", "F8_E8M0", "U16", "U32", "U64", "C64", "F4"])
  func otherTypesAreErrorsOnlyOfTheTensorsThatHaveThem(_ type: String) throws {
    let bits = ["F4": 4, "U16": 16, "U32": 32, "U64": 64, "C64": 64][type] ?? 8
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let header =
        "{\"x\":{\"dtype\":\"\(type)\",\"shape\":[\(64 / bits)],\"data_offsets\":[0,8]},"
        + "\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,16]}}"
      try Self.file(length: UInt64(header.utf8.count), header: header).write(to: url)
      let file = try SafetensorsFile(url)
      #expect(try file.tensor("y").floats() == [0, 0])
      let info = try #require(file.info("x"))
      #expect(info.dtype == nil && info.shape == [64 / bits])
      let error = #expect(throws: CheckpointError.self) { try file.tensor("x") }
      #expect(error?.description.contains("tensor \"x\" has type \(type), expected one of F64, F32") == true)
    }
  }

  @Test func metadataMayBeNull() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      let header = #"{"__metadata__":null,"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#
      try Self.file(length: UInt64(header.utf8.count), header: header).write(to: url)
      #expect(try SafetensorsFile(url).metadata.isEmpty)
    }
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100_000_001, 1000])
  func aHeaderLengthBeyondTheFileIsRefused(_ length: UInt64) throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("a.safetensors")
      try Self.file(length: length, header: "{}").write(to: url)
      #expect(throws: CheckpointError.self) { try SafetensorsFile(url) }
    }
  }

  @Test func aFolderAndAMissingFileAreRefused() throws {
    try Project.inTemporaryFolder { folder in
      let error = #expect(throws: CheckpointError.self) { try SafetensorsFile(folder) }
      #expect(error?.description == "cannot read \(folder.path): it is not a regular file")
      #expect(throws: CheckpointError.self) { try SafetensorsFile(folder.appendingPathComponent("none")) }
    }
  }

  private static func file(length: UInt64, header: String) -> Data {
    withUnsafeBytes(of: length.littleEndian) { Data($0) } + Data(header.utf8) + Data(count: 16)
  }
}
