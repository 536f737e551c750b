import Foundation

/// Inputs that readers accept, from the files of the checkout; the fuzzer runs in its root.
enum Seeds {
  /// The bytes of a file of the checkout.
  static func file(_ path: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: URL(fileURLWithPath: path))) }

  static func files(_ paths: String...) throws -> [[UInt8]] { try paths.map(file) }

  static func texts(_ texts: String...) -> [[UInt8]] { texts.map { Array($0.utf8) } }

  /// The first lines of a text file.
  static func lines(_ path: String, _ count: Int) throws -> [UInt8] {
    let lines = try file(path).split(separator: 10, maxSplits: count, omittingEmptySubsequences: false).prefix(count)
    return Array(lines.joined(separator: [10]))
  }
}

/// Numbers taken from an input, and what is left of it; zeros beyond its end.
struct InputReader {
  private(set) var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> Int { Int(rest.popFirst() ?? 0) }

  /// A number of a range.
  mutating func number(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + (byte() << 8 | byte()) % range.count
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[byte() % elements.count] }
}
