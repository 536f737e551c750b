import Support

/// Byte-pair encoding (Sennrich et al., 2016) of words as bytes: the pieces of a vocabulary, and the pairs that become
/// one piece, the first of the list first.
///
/// The alphabet is GPT-2's, which gives every byte a printable character. The last byte of a word has the suffix `</w>`
/// and so is another piece than the same byte elsewhere.
struct BytePairs: Sendable {
  /// The text of every id; "" where a vocabulary leaves an id out.
  private(set) var pieces: [String]
  private(set) var ids: [ByteString: Int32]
  private let byteIDs: [Int32?]  // of a byte that another one follows
  private let lastByteIDs: [Int32?]  // of the last byte of a word
  private let merges: [UInt64: Merge]

  private struct Merge {
    var rank: Int
    var id: Int32
  }

  /// The largest id of a vocabulary: a list of all pieces is kept.
  static let idLimit: Int32 = 1_000_000
  static let suffix = "</w>"

  /// A vocabulary and its merges; `file` names where they come from in errors.
  init(
    vocabulary: [(piece: String, id: Int)], merges list: [(String, String)], file: String
  ) throws(TokenizerError) {
    var ids: [ByteString: Int32] = [:]
    ids.reserveCapacity(vocabulary.count)
    var pieces: [String?] = []
    for (piece, id) in vocabulary {
      guard (0...Int(Self.idLimit)).contains(id) else {
        throw .invalid(file: file, reason: "the id of \"\(piece)\" is \(id), expected 0 to \(Self.idLimit)")
      }
      guard ids.updateValue(Int32(id), forKey: ByteString(piece)) == nil else {
        throw .invalid(file: file, reason: "the vocabulary has the piece \"\(piece)\" twice")
      }
      if id >= pieces.count { pieces += [String?](repeating: nil, count: id + 1 - pieces.count) }
      if let other = pieces[id] {
        throw .invalid(file: file, reason: "\"\(other)\" and \"\(piece)\" have the same id, \(id)")
      }
      pieces[id] = piece
    }
    var merges: [UInt64: Merge] = [:]
    merges.reserveCapacity(list.count)
    for (rank, (left, right)) in list.enumerated() {
      func id(_ piece: String) throws(TokenizerError) -> Int32 {
        if let id = ids[ByteString(piece)] { return id }
        throw .invalid(
          file: file, reason: "merge \(rank + 1), \"\(left) \(right)\", needs \"\(piece)\", which the vocabulary lacks")
      }
      let pair = try Self.pair(id(left), id(right))
      if merges.updateValue(Merge(rank: rank, id: try id(left + right)), forKey: pair) != nil {
        throw .invalid(file: file, reason: "merge \(rank + 1), \"\(left) \(right)\", is a repetition")
      }
    }
    self.merges = merges
    self.ids = ids
    self.pieces = pieces.map { $0 ?? "" }
    byteIDs = Self.alphabet.map { ids[ByteString(String($0))] }
    lastByteIDs = Self.alphabet.map { ids[ByteString(String($0) + Self.suffix)] }
  }

  /// Adds a piece that no merge leads to; throws if its id belongs to another piece.
  mutating func add(_ piece: String, id: Int32, file: String) throws(TokenizerError) {
    if ids[ByteString(piece)] == id { return }
    let index = Int(id)
    if index >= pieces.count { pieces += [String](repeating: "", count: index + 1 - pieces.count) }
    guard ids[ByteString(piece)] == nil, pieces[index].isEmpty else {
      throw .invalid(
        file: file, reason: "the added token \"\(piece)\" has id \(id), which is not its id in the vocabulary")
    }
    pieces[index] = piece
    ids[ByteString(piece)] = id
  }

  /// The pairs of pieces that become one, the first to be merged first.
  var mergedPieces: [(String, String)] {
    merges.sorted { $0.value.rank < $1.value.rank }.map { pair, _ in
      (pieces[Int(pair >> 32)], pieces[Int(pair & 0xffff_ffff)])
    }
  }

  private static func pair(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The ids of a word; nil stands for a byte that the vocabulary lacks.
  ///
  /// Takes n log n steps for n bytes, so that a long text without spaces costs no more than another.
  func ids(of word: [UInt8]) -> [Int32?] {
    var symbols: [Int32?] = word.indices.map {
      ($0 == word.count - 1 ? lastByteIDs : byteIDs)[Int(word[$0])]
    }
    // Neighbors of each symbol; a symbol that was merged into the one before it is `gone`.
    var before = word.indices.map { $0 - 1 }
    var after = word.indices.map { $0 + 1 }
    var gone = [Bool](repeating: false, count: word.count)
    var queue = MergeQueue()
    func merge(at index: Int) -> Merge? {
      guard index >= 0, after[index] < word.count, let left = symbols[index], let right = symbols[after[index]]
      else { return nil }
      return merges[Self.pair(left, right)]
    }
    func enqueue(_ index: Int) {
      if let merge = merge(at: index) { queue.push(MergeQueue.Entry(rank: merge.rank, index: index)) }
    }
    for index in word.indices { enqueue(index) }
    while let entry = queue.pop() {
      // What was queued is out of date if one of the two symbols has changed since.
      guard !gone[entry.index], let merge = merge(at: entry.index), merge.rank == entry.rank else { continue }
      let taken = after[entry.index]
      symbols[entry.index] = merge.id
      gone[taken] = true
      after[entry.index] = after[taken]
      if after[taken] < word.count { before[after[taken]] = entry.index }
      enqueue(before[entry.index])
      enqueue(entry.index)
    }
    return word.indices.filter { !gone[$0] }.map { symbols[$0] }
  }

  /// The text of ids: their bytes, with a space after each word.
  func text(of ids: some Sequence<Int32>) -> String {
    var bytes: [UInt8] = []
    for id in ids where pieces.indices.contains(Int(id)) {
      let piece = pieces[Int(id)]
      let isLast = piece.utf8.count > Self.suffix.utf8.count && piece.hasSuffix(Self.suffix)
      for scalar in isLast ? piece.dropLast(Self.suffix.count).unicodeScalars : piece[...].unicodeScalars {
        if let byte = Self.bytes[scalar] { bytes.append(byte) } else { bytes += Array(String(scalar).utf8) }
      }
      if isLast { bytes.append(UInt8(ascii: " ")) }
    }
    if bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// The character of each byte: its own where that is printable, else the next of those from U+0100 on.
  static let alphabet: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (0...255).map { byte -> Unicode.Scalar in
      if (0x21...0x7e).contains(byte) || (0xa1...0xac).contains(byte) || byte >= 0xae {
        return Unicode.Scalar(UInt8(byte))
      }
      defer { next += 1 }
      return Unicode.Scalar(next)!  // below 0x100 + 68
    }
  }()

  private static let bytes = Dictionary(uniqueKeysWithValues: zip(alphabet, UInt8.min...UInt8.max))

  /// All pieces of one byte, in the order of CLIP's vocabulary: printable bytes first, and again with the suffix.
  static let bytePieces: [String] = {
    let isShifted = { (scalar: Unicode.Scalar) in scalar.value >= 0x100 }
    let ordered = alphabet.filter { !isShifted($0) } + alphabet.filter(isShifted)
    return ordered.map { String($0) } + ordered.map { String($0) + suffix }
  }()
}

/// The pairs that can be merged, the first of the list of merges first, and of equal ones the leftmost: a binary heap.
private struct MergeQueue {
  struct Entry {
    var rank: Int
    var index: Int
    func precedes(_ other: Entry) -> Bool { (rank, index) < (other.rank, other.index) }
  }

  private var heap: [Entry] = []

  mutating func push(_ entry: Entry) {
    heap.append(entry)
    var child = heap.count - 1
    while child > 0, heap[child].precedes(heap[(child - 1) / 2]) {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Entry? {
    guard let first = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return first }
    heap[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].precedes(heap[least]) {
        least = child
      }
      if least == parent { return first }
      heap.swapAt(parent, least)
      parent = least
    }
  }
}
