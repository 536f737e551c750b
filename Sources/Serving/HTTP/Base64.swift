import Foundation

/// Base64 (RFC 4648) as clients send it.
enum Base64 {
  /// Bytes as text.
  static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  /// The bytes of a text with or without the beginning of a `data:` URL; nil where it is not base64.
  static func decode(_ text: String) -> [UInt8]? {
    var text = Substring(text)
    if text.hasPrefix("data:") {
      guard let comma = text.firstIndex(of: ","), text[..<comma].hasSuffix(";base64") else { return nil }
      text = text[text.index(after: comma)...]
    }
    return Data(base64Encoded: String(text), options: .ignoreUnknownCharacters).map { [UInt8]($0) }
  }
}
