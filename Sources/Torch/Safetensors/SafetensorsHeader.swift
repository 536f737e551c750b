import Foundation

/// The table of contents of a safetensors file, checked against the size of the file.
///
/// Format: 8 bytes little-endian header length, a JSON object, then the bytes of all tensors. As in the reference
/// implementation, the byte ranges must cover the data exactly: no overlap, no hole, nothing beyond the end.
struct SafetensorsHeader {
  struct Entry: Equatable {
    let key: String
    let dtype: DType
    let shape: [Int]
    let range: Range<Int>  // within the file
  }

  let metadata: [String: String]
  let entries: [Entry]  // in order of their bytes

  /// The largest header that is read, as in the reference implementation.
  static let maxLength = 100_000_000

  private static let names: [(DType, String)] = [
    (.float64, "F64"), (.float32, "F32"), (.float16, "F16"), (.bfloat16, "BF16"), (.int64, "I64"),
    (.int32, "I32"),
    (.int16, "I16"), (.int8, "I8"), (.uint8, "U8"), (.bool, "BOOL"),
  ]

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
    let json = Data(bytes: bytes.baseAddress! + 8, count: Int(length))
    guard let object = try? JSONSerialization.jsonObject(with: json), let table = object as? [String: Any]
    else {
      throw malformed("its header is not a JSON object")
    }

    var metadata: [String: String] = [:]
    var entries: [Entry] = []
    let dataCount = bytes.count - dataStart
    for (key, value) in table {
      if key == "__metadata__" {
        guard let strings = value as? [String: String] else {
          throw malformed("__metadata__ is not a table of strings")
        }
        metadata = strings
        continue
      }
      guard let fields = value as? [String: Any], let typeName = fields["dtype"] as? String,
        let shape = Self.integers(fields["shape"]), let offsets = Self.integers(fields["data_offsets"]),
        offsets.count == 2
      else { throw malformed("the entry of tensor \"\(key)\" lacks a proper dtype, shape or data_offsets") }
      guard let dtype = Self.names.first(where: { $0.1 == typeName })?.0 else {
        throw malformed("tensor \"\(key)\" has type \(typeName), which Flux does not read")
      }
      guard offsets[0] <= offsets[1], offsets[1] <= dataCount else {
        throw malformed("tensor \"\(key)\" claims bytes \(offsets[0])..<\(offsets[1]) of \(dataCount)")
      }
      var expected = dtype.size
      for size in shape {
        let (product, overflow) = expected.multipliedReportingOverflow(by: size)
        if overflow { throw malformed("tensor \"\(key)\" has an impossible shape \(shape)") }
        expected = product
      }
      guard expected == offsets[1] - offsets[0] else {
        throw malformed(
          "tensor \"\(key)\" of shape \(shape) and type \(typeName) needs \(expected) bytes, its range has "
            + "\(offsets[1] - offsets[0])")
      }
      entries.append(
        Entry(key: key, dtype: dtype, shape: shape, range: dataStart + offsets[0]..<dataStart + offsets[1]))
    }
    entries.sort {
      ($0.range.lowerBound, $0.range.upperBound, $0.key) < ($1.range.lowerBound, $1.range.upperBound, $1.key)
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

  /// Non-negative whole numbers; nil for anything else, such as 1.5, −1, true or 1e30.
  private static func integers(_ value: Any?) -> [Int]? {
    guard let list = value as? [Any] else { return nil }
    var result: [Int] = []
    for item in list {
      guard let number = item as? NSNumber, CFBooleanLike(number) == false,
        let exact = Int(exactly: number.doubleValue),
        exact >= 0
      else { return nil }
      result.append(exact)
    }
    return result
  }

  private static func CFBooleanLike(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }
}
