import Foundation
import Support

/// A TensorBoard event file: scalars and images over steps, as TensorFlow's `Event` messages in `TFRecord` framing.
///
/// Written by hand, since TensorBoard reads only a few fields (event.proto, summary.proto and record_writer.cc of
/// TensorFlow).
final class EventFile {
  private let file: AppendFile

  /// Creates a new file in the folder; it invalidates `step` and later steps of older files.
  init(folder: URL, step: Int) throws {
    let seconds = Int(Date().timeIntervalSince1970)
    let name = "events.out.tfevents.\(seconds).\(ProcessInfo.processInfo.processIdentifier).flux"
    file = try AppendFile(folder.appendingPathComponent(name))
    try write(event(step: 0).text(3, "brain.Event:2"))
    try write(event(step: step).message(7, Message().integer(1, 1)))  // SessionLog.START: forget later steps
  }

  /// Adds scalars of a step.
  func add(_ scalars: [String: Double], step: Int) throws {
    var summary = Message()
    for (name, value) in scalars.sorted(by: { $0.key < $1.key }) {
      summary = summary.message(1, Message().text(1, name).float(2, Float(value)))
    }
    try write(event(step: step).message(5, summary))
  }

  /// Adds an image, as the bytes of a PNG file.
  func add(_ name: String, png: [UInt8], width: Int, height: Int, step: Int) throws {
    let image = Message().integer(1, height).integer(2, width).integer(3, 3).bytes(4, png)
    try write(event(step: step).message(5, Message().message(1, Message().text(1, name).message(4, image))))
  }

  private func event(step: Int) -> Message {
    Message().double(1, Date().timeIntervalSince1970).integer(2, step)
  }

  /// Length, its checksum, the message, its checksum.
  private func write(_ event: Message) throws {
    let length = withUnsafeBytes(of: UInt64(event.bytes.count).littleEndian) { Array($0) }
    func sum(_ bytes: [UInt8]) -> [UInt8] { withUnsafeBytes(of: CRC32C.masked(bytes).littleEndian) { Array($0) } }
    try file.write(length + sum(length) + event.bytes + sum(event.bytes))
  }
}

/// A protocol buffer message under construction.
private struct Message {
  private(set) var bytes: [UInt8] = []

  func integer(_ field: Int, _ value: Int) -> Message { adding(field, 0) { $0.appendVarint(UInt64(value)) } }
  func double(_ field: Int, _ value: Double) -> Message {
    adding(field, 1) { bytes in withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
  }
  func float(_ field: Int, _ value: Float) -> Message {
    adding(field, 5) { bytes in withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
  }
  func bytes(_ field: Int, _ value: [UInt8]) -> Message {
    adding(field, 2) { bytes in
      bytes.appendVarint(UInt64(value.count))
      bytes += value
    }
  }
  func text(_ field: Int, _ value: String) -> Message { bytes(field, Array(value.utf8)) }
  func message(_ field: Int, _ value: Message) -> Message { bytes(field, value.bytes) }

  private func adding(_ field: Int, _ wireType: Int, _ value: (inout [UInt8]) -> Void) -> Message {
    var copy = self
    copy.bytes.appendVarint(UInt64(field << 3 | wireType))
    value(&copy.bytes)
    return copy
  }
}

extension [UInt8] {
  /// Seven bits per byte, least significant first.
  fileprivate mutating func appendVarint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      append(UInt8(rest & 0x7f) | 0x80)
      rest >>= 7
    }
    append(UInt8(rest))
  }
}
