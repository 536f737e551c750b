/// Named tensors that a network can load: a set of files, or a part of a file with other names.
public protocol WeightSource {
  /// Path of the file, for messages.
  var path: String { get }
  /// Names of all tensors, in the order of their bytes.
  var keys: [String] { get }
  /// Number of elements of all tensors.
  var elementCount: Int { get }
  /// Type (nil if Flux does not support it) and shape of a tensor; nil if the source does not have it.
  func info(_ key: String) -> (dtype: DType?, shape: [Int])?
  /// What `body` makes of a tensor that lies in the mapped file: it must not be changed, nor outlive the call.
  ///
  /// Throws if it is missing or does not have the expected shape.
  func withTensor<R>(
    _ key: String, shape: [Int]?, _ body: (Tensor) throws(CheckpointError) -> R
  ) throws(CheckpointError) -> R
  /// A tensor that lies in the mapped file, which stays open as long as it is used; it must not be changed. Throws as
  /// `withTensor` does.
  func mapped(_ key: String, shape: [Int]?) throws(CheckpointError) -> Tensor
  /// Takes what was read out of the process's memory; tensors can be read again.
  func releasePages()
}

extension WeightSource {
  /// A copy of a tensor, on the CPU; throws if it is missing or does not have the expected shape.
  public func tensor(_ key: String, shape: [Int]? = nil) throws(CheckpointError) -> Tensor {
    try withTensor(key, shape: shape) { (tensor) throws(CheckpointError) in tensor.clone() }
  }
}
