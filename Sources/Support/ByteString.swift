/// A file name: a sequence of bytes, mostly UTF-8.
///
/// Two names are equal only where all bytes are. Swift's `String` also calls names equal that Unicode calls
/// canonically equivalent ("é" as one scalar or as "e" and an accent), which are two files in one folder.
public struct ByteString: Sendable, Hashable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
  /// The name as the file system stores it, with neither a terminating zero nor normalization.
  public let bytes: [UInt8]

  /// A name of any bytes, UTF-8 or not.
  public init(_ bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }
  /// The UTF-8 bytes of a text, in the Unicode form that it has.
  public init(_ text: String) { bytes = Array(text.utf8) }
  /// The UTF-8 bytes of a literal.
  public init(stringLiteral text: String) { self.init(text) }

  /// The name as text; U+FFFD stands for what is not UTF-8.
  public var description: String { String(decoding: bytes, as: UTF8.self) }

  /// Whether the bytes are UTF-8.
  public var isUTF8: Bool { String(validating: bytes, as: UTF8.self) != nil }

  /// Lexicographic order of the bytes, which does not depend on a locale.
  public static func < (a: ByteString, b: ByteString) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
  /// The bytes of `a` followed by those of `b`.
  public static func + (a: ByteString, b: ByteString) -> ByteString { ByteString(a.bytes + b.bytes) }
}

/// Values by their names, which are bytes, and which people spell in more than one Unicode form.
///
/// A name finds its own value first, else the value of a name that differs from it in the Unicode form only: a caption
/// that macOS packed as "e" and an accent belongs to the image whose name was typed as "é".
public struct NameIndex<Value> {
  private var values: [ByteString: Value] = [:]
  private var forms: [String: [ByteString]] = [:]  // canonically equivalent names are one key here

  /// An index without names.
  public init() {}

  /// The value of exactly this name.
  public subscript(exactly name: ByteString) -> Value? {
    get { values[name] }
    set {
      if values[name] == nil, newValue != nil, name.isUTF8 { forms[name.description, default: []].append(name) }
      values[name] = newValue
    }
  }

  /// The name that is meant by `name`: itself, or the only other form of it that is here and not `taken`.
  public func resolve(_ name: ByteString, taken: (ByteString) -> Bool = { _ in false }) -> ByteString? {
    if values[name] != nil { return name }
    guard name.isUTF8 else { return nil }
    let others = (forms[name.description] ?? []).filter { values[$0] != nil && !taken($0) }
    return others.count == 1 ? others[0] : nil
  }

  /// All names, in the order of their bytes.
  public var names: [ByteString] { values.keys.sorted() }
}
