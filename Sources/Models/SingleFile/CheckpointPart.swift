import Support
import Torch

/// One network within a single file, under the names and with the configuration that diffusers or transformers have.
///
/// `UNet.load(from:)` and its kind load it as they load a directory.
public final class CheckpointPart: WeightSource {
  /// A stored tensor and what makes it the parameter.
  struct Entry: Equatable {
    let stored: String
    var form = StoredForm.same
  }

  /// The fields of `config.json` that follow from keys and shapes.
  public let configuration: JSONValue
  private let file: SafetensorsFile
  private let entries: [String: Entry]

  /// Throws if a tensor has a type that Flux does not support, such as 8-bit floats.
  init(_ map: KeyMap, configuration: JSONValue) throws(CheckpointError) {
    self.configuration = configuration
    file = map.keys.file
    entries = map.entries
    for entry in entries.values.sorted(by: { $0.stored < $1.stored }) {
      if let info = file.info(entry.stored), info.dtype == nil { _ = try file.tensor(entry.stored) }
    }
  }

  /// Path of the file.
  public var path: String { file.path }

  /// Names of all parameters, in the order of their bytes.
  public var keys: [String] { entries.keys.sorted() }

  /// Number of elements of all parameters.
  public var elementCount: Int { keys.reduce(0) { $0 + (info($1)?.shape.reduce(1, *) ?? 0) } }

  /// Type and shape of a parameter; nil if the part does not have it.
  public func info(_ key: String) -> (dtype: DType?, shape: [Int])? {
    entries[key].flatMap { entry in
      file.info(entry.stored).map { ($0.dtype, entry.form.shape($0.shape)) }
    }
  }

  /// Errors name the tensor as the file does.
  public func withTensor<R>(
    _ key: String, shape: [Int]?, _ body: (Tensor) throws(CheckpointError) -> R
  ) throws(CheckpointError) -> R {
    let entry = try entry(key, shape: shape)
    return try file.withTensor(entry.stored, once: true) { (tensor) throws(CheckpointError) in
      try body(entry.form(tensor))
    }
  }

  public func mapped(_ key: String, shape: [Int]?) throws(CheckpointError) -> Tensor {
    let entry = try entry(key, shape: shape)
    return entry.form(try file.mapped(entry.stored))
  }

  private func entry(_ key: String, shape expected: [Int]?) throws(CheckpointError) -> Entry {
    guard let entry = entries[key], let shape = info(key)?.shape else { throw .missingKey(file: path, key: key) }
    if let expected, expected != shape {
      throw .shape(file: path, key: entry.stored, expected: expected, actual: shape)
    }
    return entry
  }

  public func releasePages() { file.releasePages() }
}

/// What makes a stored tensor a parameter.
enum StoredForm: Equatable {
  /// The tensor itself.
  case same
  /// The matrix of a 1×1 kernel; a matrix stays as it is.
  case matrix
  /// The transposed matrix.
  case transposed
  /// One of three equal parts of the rows: query, key and value in one tensor.
  case third(Int)

  /// The parameter's shape; that of the tensor if it is not what the form needs.
  func shape(_ stored: [Int]) -> [Int] {
    switch self {
    case .same: stored
    case .matrix: stored.count == 4 && stored[2...] == [1, 1] ? Array(stored[..<2]) : stored
    case .transposed: stored.count == 2 ? stored.reversed() : stored
    case .third:
      if let rows = stored.first, rows.isMultiple(of: 3) { [rows / 3] + stored.dropFirst() } else { stored }
    }
  }

  func callAsFunction(_ tensor: Tensor) -> Tensor {
    let shape = shape(tensor.shape)
    switch self {
    case .same: return tensor
    case .matrix: return tensor.reshaped(shape)
    case .transposed: return tensor.rank == 2 ? tensor.transposed(0, 1).contiguous() : tensor
    case .third(let index):
      return shape == tensor.shape ? tensor : tensor.narrowed(0, index * shape[0], shape[0]).contiguous()
    }
  }
}
