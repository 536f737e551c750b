/// Tar archives made by hand, so that tests can make wrong ones.
public enum TarBytes {
  /// One member: its header and its data, padded.
  public static func member(
    _ name: String, _ data: [UInt8], kind: Character = "0", magic: String = "ustar\u{0}00", prefix: String = "",
    claiming size: Int? = nil
  ) -> [UInt8] {
    var header = [UInt8](repeating: 0, count: 512)
    func put(_ text: String, _ offset: Int) {
      header.replaceSubrange(offset..<offset + text.utf8.count, with: Array(text.utf8))
    }
    put(name, 0)
    put("0000644\u{0}0000000\u{0}0000000\u{0}", 100)
    let octal = String(size ?? data.count, radix: 8)
    put(String(repeating: "0", count: 11 - octal.count) + octal, 124)
    put("00000000000", 136)
    put("        ", 148)
    put(String(kind), 156)
    put(magic, 257)
    put(prefix, 345)
    let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
    put(String(repeating: "0", count: 6 - sum.count) + sum + "\u{0} ", 148)
    return header + data + [UInt8](repeating: 0, count: (512 - data.count % 512) % 512)
  }

  /// What ends an archive.
  public static let end = [UInt8](repeating: 0, count: 1024)

  /// A whole archive.
  public static func archive(_ members: [(name: String, data: [UInt8])]) -> [UInt8] {
    members.flatMap { member($0.name, $0.data) } + end
  }
}
