import Support

/// The table of contents of a safetensors file, checked against the size of the file.
///
/// Format: 8 bytes little-endian header length, a JSON object, then the bytes of all tensors. As in the reference
/// implementation, the byte ranges must cover the data exactly: no overlap, no gap, nothing beyond the end.
struct SafetensorsHeader {
  struct Entry: Equatable {
    let key: String
    let dtype: DType?  // nil for a type that Flux does not support
    let type: String  // as in the file
    let shape: [Int]
    let range: Range<Int>  // within the file
  }

  let metadata: [String: String]
  let entries: [Entry]  // in the order of their bytes

  /// The largest header that is read, as in the reference implementation.
  static let maxLength = 100_000_000

  private static let names: [(DType, String)] = [
    (.float64, "F64"), (.float32, "F32"), (.float16, "F16"), (.bfloat16, "BF16"), (.int64, "I64"),
    (.int32, "I32"),
    (.int16, "I16"), (.int8, "I8"), (.uint8, "U8"), (.bool, "BOOL"),
  ]

  /// Types of the format that Flux does not support, with the bits of an element.
  private static let otherTypes: [String: Int] = [
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "U16": 16, "U32": 32, "U64": 64, "C64": 64,
  ]

  /// The supported types, for messages.
  static var readable: String { "one of " + names.map(\.1).joined(separator: ", ") }

  static func name(of dtype: DType) -> String { names.first { $0.0 == dtype }!.1 }

  /// Parses and checks the beginning of a file; `bytes` is all of it.
  init(_ bytes: UnsafeRawBufferPointer, file: String) throws(CheckpointError) {
    func malformed(_ reason: String) -> CheckpointError { .malformed(file: file, reason: reason) }
    guard bytes.count >= 8 else {
      throw malformed("it has \(bytes.count) bytes, fewer than the 8 of the header length")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(Self.maxLength) else {
      throw malformed("its header claims \(length) bytes, more than 100 MB")
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= bytes.count else {
      throw malformed(
        "its header claims \(length) bytes, but only \(bytes.count - 8) follow: the file is truncated")
    }
    let json = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
    guard let table = JSONValue(json)?.fields else { throw malformed("its header is not a JSON object") }

    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    var known: Set<ByteString> = []
    let dataCount = bytes.count - dataStart
    for (key, value) in table {
      if key == "__metadata__" {
        metadata = try Self.metadata(value, malformed)
        continue
      }
      guard known.insert(ByteString(key)).inserted else { throw malformed("it has two tensors \"\(key)\"") }
      guard let typeName = value["dtype"]?.string, let shape = Self.sizes(value["shape"]),
        let offsets = Self.sizes(value["data_offsets"]), offsets.count == 2
      else { throw malformed("the entry of tensor \"\(key)\" lacks a proper dtype, shape or data_offsets") }
      let dtype = Self.names.first { $0.1 == typeName }?.0
      guard let bits = dtype.map({ 8 * $0.size }) ?? Self.otherTypes[typeName] else {
        throw malformed("tensor \"\(key)\" has type \(typeName), which is none of the format's")
      }
      guard offsets[0] <= offsets[1], offsets[1] <= dataCount else {
        throw malformed("tensor \"\(key)\" claims bytes \(offsets[0])..<\(offsets[1]) of \(dataCount)")
      }
      // Zeros count as ones, as in libtorch's strides, which must not overflow.
      var extent = bits
      for size in shape {
        let (product, overflow) = extent.multipliedReportingOverflow(by: max(size, 1))
        if overflow { throw malformed("tensor \"\(key)\" has an impossible shape \(shape)") }
        extent = product
      }
      let expected = shape.contains(0) ? 0 : extent
      guard expected % 8 == 0, expected / 8 == offsets[1] - offsets[0] else {
        throw malformed(
          "tensor \"\(key)\" of shape \(shape) and type \(typeName) needs \((expected + 7) / 8) bytes, its range has "
            + "\(offsets[1] - offsets[0])")
      }
      entries.append(
        Entry(
          key: key, dtype: dtype, type: typeName, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1]))
    }
    entries.sort { a, b in
      let (from, to) = ((a.range.lowerBound, a.range.upperBound), (b.range.lowerBound, b.range.upperBound))
      return from == to ? a.key.utf8.lexicographicallyPrecedes(b.key.utf8) : from < to
    }
    var end = dataStart
    for entry in entries {
      guard entry.range.lowerBound == end else {
        let what = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole before it"
        throw malformed("tensor \"\(entry.key)\" \(what)")
      }
      end = entry.range.upperBound
    }
    guard end == bytes.count else { throw malformed("\(bytes.count - end) bytes follow the last tensor") }
    self.metadata = metadata
    self.entries = entries
  }

  /// The metadata; null counts as none, as in the reference implementation.
  private static func metadata(
    _ value: JSONValue, _ malformed: (String) -> CheckpointError
  ) throws(CheckpointError) -> [String: String] {
    if value.isNull { return [:] }
    guard let fields = value.fields else { throw malformed("__metadata__ is not a table of strings") }
    var metadata: [String: String] = [:]
    for (key, value) in fields {
      guard let text = value.string else { throw malformed("__metadata__ is not a table of strings") }
      metadata[key] = text
    }
    return metadata
  }

  /// Whole numbers of 0 and more; nil for anything else, such as 1.5, −1, true or 1e30.
  private static func sizes(_ value: JSONValue?) -> [Int]? {
    guard let list = value?.array else { return nil }
    let sizes = list.compactMap { $0.int }.filter { $0 >= 0 }
    return sizes.count == list.count ? sizes : nil
  }
}
