import Torch

/// The input tensors of `flux forward`, with shapes and types checked: networks trap on wrong ones.
struct ForwardInput {
  /// One dimension of a shape: a fixed size, or a name that has the same size everywhere.
  struct Axis: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    let name: String?
    let range: ClosedRange<Int>
    let factor: Int

    init(_ name: String, in range: ClosedRange<Int> = 1...Int.max, multipleOf factor: Int = 1) {
      (self.name, self.range, self.factor) = (name, range, factor)
    }
    init(_ size: Int) { (name, range, factor) = (nil, size...size, 1) }
    init(stringLiteral name: String) { self.init(name) }
    init(integerLiteral size: Int) { self.init(size) }

    func accepts(_ size: Int) -> Bool { range.contains(size) && size % factor == 0 }

    /// The dimension in messages; `known` is its size if it is determined already.
    func description(_ known: Int?) -> String {
      guard let name else { return "\(range.lowerBound)" }
      if let known { return "\(name) = \(known)" }
      if factor > 1 { return "\(name) (a multiple of \(factor))" }
      if range.upperBound < Int.max { return "\(name) (\(range.lowerBound) to \(range.upperBound))" }
      return range.lowerBound > 1 ? "\(name) (\(range.lowerBound) or more)" : name
    }
  }

  let file: SafetensorsFile
  private var sizes: [String: Int] = [:]

  init(file: SafetensorsFile) { self.file = file }

  /// A floating-point tensor, as float32.
  mutating func floats(_ key: String, _ axes: [Axis]) throws -> Tensor {
    try read(key, axes, "a floating-point type") { $0.isFloatingPoint }.to(.float32)
  }

  /// A mask of any type, 1 at tokens.
  mutating func mask(_ key: String, _ axes: [Axis]) throws -> Tensor {
    try read(key, axes, "any type") { _ in true }.to(.float32)
  }

  /// Integers from 0 to `count` − 1, as int64.
  mutating func ids(_ key: String, _ axes: [Axis], below count: Int) throws -> Tensor {
    let ids = try read(key, axes, "int64") { $0 == .int64 || $0 == .int32 }.to(.int64)
    let range = 0..<count
    if let wrong = ids.ints().first(where: { !range.contains($0) }) {
      throw Failure("\(file.path): tensor \"\(key)\" holds \(wrong), expected ids of 0 to \(count - 1)")
    }
    return ids
  }

  private mutating func read(
    _ key: String, _ axes: [Axis], _ type: String, isAllowed: (DType) -> Bool
  ) throws -> Tensor {
    guard let info = file.info(key) else { throw CheckpointError.missingKey(file: file.path, key: key) }
    if let dtype = info.dtype, !isAllowed(dtype) {
      throw CheckpointError.type(file: file.path, key: key, expected: type, actual: dtype.rawValue)
    }
    let fits =
      info.shape.count == axes.count
      && zip(axes, info.shape).allSatisfy { axis, size in
        axis.accepts(size) && (axis.name.flatMap { sizes[$0] } ?? size) == size
      }
    guard fits else {
      let expected = axes.map { $0.description($0.name.flatMap { sizes[$0] }) }.joined(separator: ", ")
      throw Failure(
        "\(file.path): tensor \"\(key)\" has shape \(info.shape), expected [\(expected)], every size 1 or more")
    }
    for (axis, size) in zip(axes, info.shape) {
      if let name = axis.name { sizes[name] = size }
    }
    return try file.tensor(key)
  }
}
