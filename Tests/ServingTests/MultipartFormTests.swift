import Testing

@testable import Serving

@Suite struct MultipartFormTests {
  private func form(_ text: String, type: String = "multipart/form-data; boundary=x") throws(RequestError)
    -> MultipartForm
  {
    try MultipartForm(Array(text.utf8), type: type)
  }

  private func entry(_ header: String, _ content: String) -> String { "--x\r\n\(header)\r\n\r\n\(content)\r\n" }

  @Test func contentsAreBytes() throws {
    let bytes: [UInt8] = [0, 0x0d, 0x0a, 0x2d, 0x2d, 0xff, 0x0d, 0x0a]
    let body =
      Array("--x \r\nContent-Disposition: form-data; name=\"f\"; filename=\"p\"\r\n\r\n".utf8) + bytes
      + Array("\r\n--x--".utf8)
    let parts = try MultipartForm(body, type: #"Multipart/Form-Data; charset=utf-8; BOUNDARY="x""#).parts
    #expect(parts.count == 1 && parts[0].bytes == bytes && parts[0].name == "f" && parts[0].fileName == "p")
  }

  @Test func namesMayBeQuotedAndContentsEmpty() throws {
    let parts = try form(
      entry(#"content-disposition: Form-Data; filename="a \"b\"; c.png"; name=image"#, "")
        + entry(#"Content-Disposition: form-data; name="n""#, "2") + "--x\r\n"
        + "Content-Disposition: form-data; name=\"last\"\r\n\r\n--x--\r\nignored"
    ).parts
    #expect(parts.map(\.name) == ["image", "n", "last"] && parts[0].fileName == #"a "b"; c.png"#)
    #expect(parts.map(\.bytes) == [[], Array("2".utf8), []])
  }

  @Test(arguments: [
    "", "x", "--x", "--x\r\n", "--xContent-Disposition", "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb",
    "--x\r\n\r\nb\r\n--x--", "--x\r\nContent-Disposition: form-data\r\n\r\nb\r\n--x--",
    "--x\r\nContent-Disposition: attachment; name=a\r\n\r\nb\r\n--x--", "--x\r\nno colon\r\n\r\nb\r\n--x--",
    "--x\r\nContent-Disposition: form-data; name=\"a\r\n\r\nb\r\n--x--",
    "--x\r\nContent-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64\r\n\r\nYg==\r\n--x--",
    "--x\r\nA: " + String(repeating: "a", count: 5000) + "\r\n\r\nb\r\n--x--",
    String(repeating: "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nb\r\n", count: 65) + "--x--",
  ])
  func whatIsNoFormIsRefused(_ text: String) {
    let error = #expect(throws: RequestError.self) { try form(text) }
    #expect(error?.code == "invalid_form" && error?.status == 400)
  }

  @Test(arguments: [
    "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=x",
    "multipart/form-data; boundary=\"x", "multipart/form-data; boundary=" + String(repeating: "x", count: 71),
  ])
  func aBoundaryIsNeeded(_ type: String) {
    #expect(throws: RequestError.self) { try form("--x--", type: type) }
  }

  @Test func everyPrefixOfAFormIsReadOrRefused() {
    let body = Array(
      (entry(#"Content-Disposition: form-data; name="prompt""#, "a")
        + entry("Content-Disposition: form-data; name=b", "")
        + "--x--\r\n").utf8)
    for end in 0...body.count { _ = try? MultipartForm(Array(body[..<end]), type: "multipart/form-data; boundary=x") }
  }
}
