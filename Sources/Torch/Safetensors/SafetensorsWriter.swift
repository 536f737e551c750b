import Foundation
import Support

/// Writes safetensors files, atomically and tensor by tensor.
public enum Safetensors {
  /// Writes tensors and free text; the file appears complete or not at all.
  public static func write(
    _ tensors: [(key: String, tensor: Tensor)], metadata: [String: String] = [:], to url: URL
  ) throws(CheckpointError) {
    let ordered = ordered(tensors)
    do throws(FileError) {
      let file = try AtomicFile(url)
      try file.write(header(ordered, metadata))
      for (_, tensor) in ordered { try file.write(tensor.bytes()) }
      try file.commit()
    } catch { throw .notWritten(error) }
  }

  /// The bytes of a file.
  static func encoded(_ tensors: [(key: String, tensor: Tensor)], metadata: [String: String]) -> [UInt8] {
    let ordered = ordered(tensors)
    return ordered.reduce(into: header(ordered, metadata)) { $0 += $1.tensor.bytes() }
  }

  /// An upper limit for the bytes of a tensor in a file, including its header entry.
  static func size(_ key: String, _ tensor: Tensor) -> Int {
    quoted(key).utf8.count + 90 + 21 * tensor.rank + tensor.count * tensor.dtype.size
  }

  /// An upper limit for the bytes of a file in addition to its tensors.
  static func size(_ metadata: [String: String]) -> Int { header([], metadata).count + 8 }

  /// Widest elements first, then by name, as the reference implementation does: every tensor stays aligned.
  private static func ordered(_ tensors: [(key: String, tensor: Tensor)]) -> [(key: String, tensor: Tensor)] {
    tensors.sorted { a, b in
      a.tensor.dtype.size == b.tensor.dtype.size
        ? a.key.utf8.lexicographicallyPrecedes(b.key.utf8) : a.tensor.dtype.size > b.tensor.dtype.size
    }
  }

  private static func header(_ tensors: [(key: String, tensor: Tensor)], _ metadata: [String: String])
    -> [UInt8]
  {
    var fields: [String] = []
    if !metadata.isEmpty {
      let pairs = metadata.sorted { $0.key < $1.key }.map { "\(quoted($0.key)):\(quoted($0.value))" }
      fields.append("\"__metadata__\":{\(pairs.joined(separator: ","))}")
    }
    var offset = 0
    for (key, tensor) in tensors {
      let end = offset + tensor.count * tensor.dtype.size
      let shape = tensor.shape.map(String.init).joined(separator: ",")
      let type = SafetensorsHeader.name(of: tensor.dtype)
      fields.append(
        "\(quoted(key)):{\"dtype\":\"\(type)\",\"shape\":[\(shape)],\"data_offsets\":[\(offset),\(end)]}")
      offset = end
    }
    var json = Array("{\(fields.joined(separator: ","))}".utf8)
    json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)  // aligns the data
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  /// A text as a JSON string.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case _ where scalar.value < 0x20:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
