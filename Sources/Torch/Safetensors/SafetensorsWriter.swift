import Files
import Foundation

/// Writing of safetensors files, atomically and tensor by tensor.
public enum Safetensors {
  /// Writes tensors and free text; the file appears whole or not at all.
  public static func write(
    _ tensors: [(key: String, tensor: Tensor)], metadata: [String: String] = [:], to url: URL
  ) throws(CheckpointError) {
    // Widest elements first, then by name, as the reference implementation does: every tensor stays aligned.
    let ordered = tensors.sorted { ($1.tensor.dtype.size, $0.key) < ($0.tensor.dtype.size, $1.key) }
    do throws(FileError) {
      let file = try AtomicFile(url)
      try file.write(header(ordered, metadata))
      for (_, tensor) in ordered { try file.write(tensor.bytes()) }
      try file.commit()
    } catch { throw .notWritten(error) }
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
    json += [UInt8](repeating: UInt8(ascii: " "), count: (8 - json.count % 8) % 8)  // the data begins aligned
    return withUnsafeBytes(of: UInt64(json.count).littleEndian) { Array($0) } + json
  }

  private static func quoted(_ text: String) -> String {
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
