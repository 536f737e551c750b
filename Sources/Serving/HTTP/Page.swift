import Support

/// The page: one file of HTML with its script and its style in it.
struct Page: Sendable {
  let html: [UInt8]
  /// What browsers may load and run: only what is in the file, by its hash.
  let policy: String

  init(html: [UInt8]) {
    self.html = html
    let text = String(decoding: html, as: UTF8.self)
    func source(_ tag: String) -> String {
      guard let start = text.range(of: "<\(tag)>"), let end = text.range(of: "</\(tag)>") else { return "'none'" }
      let digest = SHA256.hexDigest(Array(text[start.upperBound..<end.lowerBound].utf8))
      let bytes = stride(from: 0, to: digest.count, by: 2).compactMap { offset -> UInt8? in
        let start = digest.index(digest.startIndex, offsetBy: offset)
        return UInt8(digest[start..<digest.index(start, offsetBy: 2)], radix: 16)
      }
      return "'sha256-\(Base64.encode(bytes))'"
    }
    policy =
      "default-src 'none'; script-src \(source("script")); style-src \(source("style")); img-src 'self' data: blob:; "
      + "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
  }

  var response: ServerResponse {
    ServerResponse(
      200, type: "text/html; charset=utf-8", html,
      headers: [
        "Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
        "Cross-Origin-Opener-Policy": "same-origin",
      ])
  }
}
