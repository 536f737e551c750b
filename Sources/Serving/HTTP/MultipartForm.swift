/// A form in `multipart/form-data` (RFC 7578, with the boundaries of RFC 2046).
///
/// Strict: what is no such form is refused with the reason, and nothing is guessed.
struct MultipartForm {
  /// One entry of a form.
  struct Part {
    /// Name of the field.
    let name: String
    /// Name of the file that it holds, which means nothing here; nil where it is no file.
    let fileName: String?
    /// The content.
    let bytes: [UInt8]
  }

  /// The entries in their order.
  let parts: [Part]

  /// Entries of a form, and bytes of the header of one, that are read.
  static let (mostParts, longestHeader) = (64, 4096)

  /// Reads a body; `type` is its Content-Type.
  init(_ body: [UInt8], type: String) throws(RequestError) {
    let boundary = try Self.boundary(in: type)
    let delimiter = Array("--\(boundary)".utf8)
    guard body.starts(with: delimiter) else { throw Self.error("it does not begin with its boundary") }
    let separator = [0x0d, 0x0a] + delimiter
    var parts: [Part] = []
    var offset = delimiter.count
    while !Self.isEnd(body[offset...]) {
      guard let start = Self.lineEnd(body, offset) else { throw Self.error("a boundary has no end of line") }
      guard parts.count < Self.mostParts else { throw Self.error("it has more than \(Self.mostParts) entries") }
      let (header, content) = try Self.header(body, start)
      guard let end = Self.index(of: separator, in: body, from: content) else {
        throw Self.error("its last boundary is missing")
      }
      let (name, fileName) = try Self.names(header)
      // An empty content shares its line break with the header.
      parts.append(Part(name: name, fileName: fileName, bytes: Array(body[min(content, end)..<end])))
      offset = end + separator.count
    }
    self.parts = parts
  }

  private static func error(_ reason: String) -> RequestError {
    RequestError("the body is not a valid form (multipart/form-data): \(reason)", code: "invalid_form")
  }

  // MARK: - Boundaries

  /// The boundary that a Content-Type names: 1 to 70 characters.
  private static func boundary(in type: String) throws(RequestError) -> String {
    guard let parameters = parameters(of: type), parameters.value.lowercased() == "multipart/form-data",
      let boundary = parameters.fields.first(where: { $0.name == "boundary" })?.value
    else { throw error("its content type has no boundary") }
    let allowed = boundary.utf8.allSatisfy { (0x20..<0x7f).contains($0) }
    guard (1...70).contains(boundary.utf8.count), allowed, !boundary.hasSuffix(" ") else {
      throw error("its boundary is not 1 to 70 characters")
    }
    return boundary
  }

  /// Whether the end of the form is here: two hyphens, and then at most a line break.
  private static func isEnd(_ rest: ArraySlice<UInt8>) -> Bool { rest.starts(with: "--".utf8) }

  /// The place behind spaces and a line break; nil where something else is there.
  private static func lineEnd(_ body: [UInt8], _ offset: Int) -> Int? {
    var index = offset
    while index < body.count, body[index] == 0x20 || body[index] == 0x09 { index += 1 }
    return index + 1 < body.count && body[index] == 0x0d && body[index + 1] == 0x0a ? index + 2 : nil
  }

  /// The first place of a sequence from an offset; the offset may share two bytes with what is before it.
  private static func index(of sequence: [UInt8], in body: [UInt8], from offset: Int) -> Int? {
    body.withUnsafeBufferPointer { body in
      var index = max(0, offset - 2)
      while index + sequence.count <= body.count {
        if body[index] == sequence[0], body[index..<index + sequence.count].elementsEqual(sequence) { return index }
        index += 1
      }
      return nil
    }
  }

  // MARK: - Headers

  /// The lines of the header that begins at an offset, and where the content begins.
  private static func header(_ body: [UInt8], _ offset: Int) throws(RequestError) -> (lines: [String], content: Int) {
    var lines: [String] = []
    var index = offset
    while true {
      guard let end = self.index(of: [0x0d, 0x0a], in: body, from: index + 2), end - offset <= longestHeader else {
        throw error("the header of an entry has no end, or more than \(longestHeader) bytes")
      }
      if end == index { return (lines, index + 2) }
      guard let line = String(validating: body[index..<end], as: UTF8.self) else {
        throw error("the header of an entry is not UTF-8")
      }
      lines.append(line)
      index = end + 2
    }
  }

  /// The names in the Content-Disposition of an entry.
  private static func names(_ header: [String]) throws(RequestError) -> (name: String, fileName: String?) {
    var names: (String, String?)?
    for line in header {
      guard let colon = line.firstIndex(of: ":") else { throw error("a line of a header has no colon") }
      let value = String(line[line.index(after: colon)...])
      switch line[..<colon].lowercased() {
      case "content-disposition":
        guard names == nil, let parameters = parameters(of: value), parameters.value.lowercased() == "form-data",
          let name = parameters.fields.first(where: { $0.name == "name" })?.value
        else { throw error("an entry has no name") }
        names = (name, parameters.fields.first { $0.name == "filename" }?.value)
      case "content-transfer-encoding":
        guard ["binary", "8bit", "7bit"].contains(Substring(value).trimmingSpaces.lowercased()) else {
          throw error("the content of an entry is encoded")
        }
      default: break
      }
    }
    guard let names else { throw error("an entry has no name") }
    return names
  }

  /// `value; name=value; name="value"`: the value and its parameters, whose names are in lower case; nil where it is not.
  static func parameters(of text: String) -> (value: String, fields: [(name: String, value: String)])? {
    var rest = Substring(text)
    func next(until stop: (Character) -> Bool) -> String {
      let part = rest.prefix { !stop($0) }
      rest = rest[part.endIndex...]
      return part.trimmingSpaces
    }
    let value = next { $0 == ";" }
    var fields: [(name: String, value: String)] = []
    while rest.popFirst() != nil {
      let name = next { $0 == "=" || $0 == ";" }.lowercased()
      if rest.first != "=" {
        if name.isEmpty { continue }
        return nil
      }
      rest = rest.dropFirst().drop { $0 == " " }
      if rest.first == "\"" {
        guard let (quoted, after) = quotedText(rest) else { return nil }
        fields.append((name, quoted))
        rest = after
        guard next(until: { $0 == ";" }).isEmpty else { return nil }
      } else {
        fields.append((name, next { $0 == ";" }))
      }
    }
    return (value, fields)
  }

  /// The quoted text that begins here, without its backslashes, and what is behind it; nil where it has no end.
  private static func quotedText(_ text: Substring) -> (String, Substring)? {
    var (result, isEscaped) = ("", false)
    for index in text.indices.dropFirst() {
      let character = text[index]
      if isEscaped {
        // Some clients send backslashes as they are.
        result += character == "\"" || character == "\\" ? "\(character)" : "\\\(character)"
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        return (result, text[text.index(after: index)...])
      } else {
        result.append(character)
      }
    }
    return nil
  }
}
