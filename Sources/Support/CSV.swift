/// Comma-separated values (RFC 4180): quotes, commas and line breaks within them, any line ends, a byte order mark.
public enum CSV {
  /// A line of a table, which may span several lines of the file.
  public struct Row: Sendable, Equatable {
    /// Line of the file where the row begins, counted from 1.
    public let line: Int
    /// Values in the order of the columns, without their quotes; U+FFFD stands for what is not UTF-8.
    public let fields: [String]

    /// A row of given values; `line` is counted from 1.
    public init(line: Int, fields: [String]) {
      self.line = line
      self.fields = fields
    }
  }

  /// A quote that is never closed.
  public struct UnclosedQuote: Error, Sendable, Equatable {
    /// Line of the file where the quote opens, counted from 1.
    public let line: Int
  }

  /// All rows of a file, empty lines left out.
  public static func rows(_ bytes: [UInt8]) throws(UnclosedQuote) -> [Row] {
    let (comma, quote, carriage, feed) = (UInt8(ascii: ","), UInt8(ascii: "\""), UInt8(ascii: "\r"), UInt8(ascii: "\n"))
    var rows: [Row] = []
    var (fields, field): ([String], [UInt8]) = ([], [])
    var (line, start, opened) = (1, 1, 0)
    var (isQuoted, wasQuoted) = (false, false)
    var index = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0

    func endField() {
      fields.append(String(decoding: field, as: UTF8.self))
      field.removeAll()
      wasQuoted = false
    }
    func endRow() {
      if !(fields.isEmpty && field.isEmpty && !wasQuoted) {
        endField()
        rows.append(Row(line: start, fields: fields))
      }
      fields.removeAll()
    }
    while index < bytes.count {
      let byte = bytes[index]
      let following = index + 1 < bytes.count ? bytes[index + 1] : nil
      index += 1
      if byte == feed || (byte == carriage && following != feed) { line += 1 }
      if isQuoted {
        if byte != quote {
          field.append(byte)
        } else if following == quote {
          field.append(quote)
          index += 1
        } else {
          isQuoted = false
        }
      } else if byte == quote, field.isEmpty, !wasQuoted {
        (isQuoted, wasQuoted, opened) = (true, true, line)
      } else if byte == comma {
        endField()
      } else if byte == feed || byte == carriage {
        if byte == carriage, following == feed { continue }
        endRow()
        start = line
      } else {
        field.append(byte)
      }
    }
    if isQuoted { throw UnclosedQuote(line: opened) }
    endRow()
    return rows
  }
}
