/// The Castagnoli checksum CRC-32C (RFC 3720, appendix B.4).
public enum CRC32C {
  /// The checksum of the bytes as TFRecord stores it: rotated, plus a constant.
  public static func masked(_ bytes: [UInt8]) -> UInt32 {
    let sum = value(bytes)
    return (sum >> 15 | sum << 17) &+ 0xa282_ead8
  }

  /// The checksum of the bytes.
  public static func value(_ bytes: [UInt8]) -> UInt32 {
    ~bytes.reduce(~UInt32(0)) { table[Int(UInt8(truncatingIfNeeded: $0) ^ $1)] ^ ($0 >> 8) }
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? 0x82f6_3b78 ^ (value >> 1) : value >> 1 }
  }
}
