import Torch

// A batch has the same number of rows in every process: process k has the k-th of `count` equal parts.
extension ProcessGroup {
  /// The rows of this process in a tensor with the rows of all; the number of rows must be a multiple of `count`.
  public func own(_ whole: Tensor) -> Tensor {
    if count == 1 { return whole }
    let rows = whole.shape[0] / count
    precondition(rows * count == whole.shape[0], "\(whole.shape[0]) rows for \(count) processes")
    return whole.narrowed(0, rank * rows, rows)
  }

  /// The indices of this process in a batch that is split into `pieces` micro-batches, each shared by all processes; the
  /// number of indices must be a multiple of `pieces · count`.
  public func own(_ batch: Range<Int>, pieces: Int = 1) -> [Range<Int>] {
    if count == 1 { return [batch] }
    let rows = batch.count / (pieces * count)
    precondition(rows * pieces * count == batch.count, "\(batch.count) images for \(pieces) × \(count) parts")
    return (0..<pieces).map { piece in
      let first = batch.lowerBound + (piece * count + rank) * rows
      return first..<first + rows
    }
  }

  /// The rows of all processes from those of this one, in the order of the batch; `pieces` as in `own`.
  public func gathered(_ own: Tensor, pieces: Int = 1) -> Tensor {
    if count == 1 { return own }
    let rows = own.shape[0] / pieces
    let parts = (0..<pieces).map { piece in
      let part = withNoGrad { own.detached().narrowed(0, piece * rows, rows) }
      let bytes = gathered(part.bytes()).flatMap { $0 }
      let shape = [count * rows] + own.shape.dropFirst()
      return bytes.withUnsafeBytes { Tensor(bytes: $0, shape: shape, dtype: own.dtype) }.to(own.device)
    }
    return pieces == 1 ? parts[0] : Tensor.cat(parts)
  }

  /// The mean over the processes, in float32; no gradient flows through it.
  public func mean(_ x: Tensor) -> Tensor {
    if count == 1 { return x }
    return withNoGrad {
      let sum = x.detached().to(.float32).contiguous().clone()
      self.sum(sum)
      return sum / Double(count)
    }
  }

  /// The mean over the processes, with the gradient of this one's part.
  ///
  /// The mean over the processes of the gradients of f(shared(x)) is then that of f of the mean.
  public func shared(_ x: Tensor) -> Tensor {
    if count == 1 { return x }
    let mean = mean(x)
    return x + withNoGrad { mean - x.detached() }
  }

  /// Replaces every tensor by its mean over the processes, in buckets of at most `bucket` elements, or one tensor.
  ///
  /// Large messages use the network best, and buckets bound the memory that it takes. `GradientAverage` does the same while
  /// the backward pass goes on.
  public func average(_ tensors: [Tensor], bucket: Int = GradientBuckets.elements) {
    if count == 1 { return }
    withNoGrad {
      for range in GradientBuckets.ranges(of: tensors.map(\.count), limit: bucket) {
        let part = Array(tensors[range])
        let flat = Tensor.cat(part.map { $0.detached().to(.float32).reshaped([-1]) })
        sum(flat)
        distribute(flat, to: part)
      }
    }
  }

  /// Copies the elements of a sum over the processes, divided by their number, to tensors in order.
  func distribute(_ sum: Tensor, to tensors: [Tensor]) {
    sum.mul_(1 / Double(count))
    var start = 0
    for tensor in tensors {
      let size = tensor.count
      tensor.copy_(sum.narrowed(0, start, size).reshaped(tensor.shape))
      start += size
    }
  }

  /// Begins to replace a contiguous float32 tensor on the CPU by its sum over the processes; it must live until `endSums`.
  func beginSum(_ tensor: Tensor) {
    guard let transport, tensor.count > 0 else { return }
    check(tensor.withMutableFloats { transport.beginSum($0) })
  }

  /// Lets sums that were begun go on.
  func progressSums() { check(transport?.progress()) }

  /// Waits for all sums that were begun.
  func endSums() { check(transport?.endSums()) }

  /// Gives every tensor the elements that it has in process `root`.
  public func broadcast(_ tensors: [Tensor], from root: Int = 0) {
    if count == 1 { return }
    withNoGrad {
      for tensor in tensors {
        var bytes = tensor.bytes()
        bytes.withUnsafeMutableBytes { broadcast($0, from: root) }
        if rank != root {
          let received = bytes.withUnsafeBytes { Tensor(bytes: $0, shape: tensor.shape, dtype: tensor.dtype) }
          tensor.copy_(received)
        }
      }
    }
  }

  /// Replaces a contiguous float32 tensor on the CPU by its sum over the processes.
  private func sum(_ tensor: Tensor) {
    guard let transport, tensor.count > 0 else { return }
    check(tensor.withMutableFloats { transport.sumFloats($0) })
  }
}
