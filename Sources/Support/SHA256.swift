import CCrypto
import Foundation

/// SHA-256 (FIPS 180-4) by OpenSSL's libcrypto, fed piece by piece.
public struct SHA256 {
  private var context = Context()

  /// Begins with an empty message.
  public init() {}

  /// Appends bytes to the message.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    if !isKnownUniquelyReferenced(&context) { context = Context(copying: context) }
    context.update(bytes)
  }

  /// The digest of what was appended, as 64 hexadecimal digits.
  public func hexDigest() -> String { Context(copying: context).finish() }

  /// The digest of one piece.
  public static func hexDigest(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return hash.hexDigest()
  }

  /// Appends the bytes of a file, which is read piece by piece.
  ///
  /// Throws if it cannot be read.
  public mutating func update(file: URL) throws(FileError) {
    let file = try OpenFile(ByteString(file.path))
    let piece = 1 << 20  // bytes
    for start in stride(from: 0, to: file.size, by: piece) {
      let bytes = try file.bytes(start, min(piece, file.size - start))
      bytes.withUnsafeBytes { update($0) }
    }
  }

  /// The digest of a file.
  public static func hexDigest(file: URL) throws(FileError) -> String {
    var hash = SHA256()
    try hash.update(file: file)
    return hash.hexDigest()
  }
}

/// The state of libcrypto, which is freed with its last owner.
private final class Context {
  private let pointer: OpaquePointer

  init() {
    pointer = Self.make()
    Self.check(EVP_DigestInit_ex(pointer, EVP_sha256(), nil))
  }

  init(copying other: Context) {
    pointer = Self.make()
    Self.check(EVP_MD_CTX_copy_ex(pointer, other.pointer))
  }

  deinit { EVP_MD_CTX_free(pointer) }

  func update(_ bytes: UnsafeRawBufferPointer) {
    Self.check(EVP_DigestUpdate(pointer, bytes.baseAddress, bytes.count))
  }

  func finish() -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    Self.check(EVP_DigestFinal_ex(pointer, &digest, nil))
    return digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
  }

  private static func make() -> OpaquePointer {
    guard let pointer = EVP_MD_CTX_new() else { fatalError("libcrypto has no memory for a hash") }
    return pointer
  }

  /// Its functions fail for want of memory or of the algorithm alone.
  private static func check(_ result: Int32) {
    if result != 1 { fatalError("libcrypto cannot compute SHA-256") }
  }
}
