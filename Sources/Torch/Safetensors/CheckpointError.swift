import Support

/// An error in a checkpoint, with the file, the key, and the expected and actual values.
public enum CheckpointError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The file does not exist, is not a regular file, or cannot be mapped.
  case unreadable(file: String, reason: String)
  /// The file is not in the safetensors format; `reason` says why.
  case malformed(file: String, reason: String)
  /// A tensor that the model needs is missing.
  case missingKey(file: String, key: String)
  /// Tensors that the model does not have.
  case unexpectedKeys(file: String, keys: [String])
  /// A tensor has another shape than the model expects.
  case shape(file: String, key: String, expected: [Int], actual: [Int])
  /// A tensor has another element type than expected; `expected` and `actual` name them.
  case type(file: String, key: String, expected: String, actual: String)
  /// A file has values that cannot be used; `reason` says which.
  case configuration(file: String, reason: String)
  /// A shard is missing or its size or hash is wrong; `others` counts further shards with such faults.
  case shard(file: String, expected: String, actual: String, others: Int)
  /// A file of the checkpoint cannot be read.
  case notRead(FileError)
  /// A file of the checkpoint cannot be written.
  case notWritten(FileError)

  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "cannot read \(file): \(reason)"
    case .malformed(let file, let reason): "\(file) is not a valid safetensors file: \(reason)"
    case .missingKey(let file, let key): "\(file) has no tensor \"\(key)\""
    case .unexpectedKeys(let file, let keys):
      "\(file) has \(keys.count) tensors that the model does not know, among them "
        + keys.prefix(3).map { "\"\($0)\"" }.joined(separator: ", ")
    case .shape(let file, let key, let expected, let actual):
      "\(file): tensor \"\(key)\" has shape \(actual), expected \(expected)"
    case .type(let file, let key, let expected, let actual):
      "\(file): tensor \"\(key)\" has type \(actual), expected \(expected)"
    case .configuration(let file, let reason): "\(file): \(reason)"
    case .shard(let file, let expected, let actual, let others):
      "\(file): expected \(expected), found \(actual)"
        + (others == 0 ? "" : "; \(others) more shard\(others == 1 ? " is" : "s are") missing or damaged")
    case .notRead(let error), .notWritten(let error): error.description
    }
  }
}

extension CheckpointError {
  /// Converts the error of a configuration file.
  public init(_ error: JSONFileError) {
    switch error {
    case .unreadable(let error): self = .notRead(error)
    case .invalid(let file, let reason): self = .configuration(file: file, reason: reason)
    }
  }
}
