import Torch

/// The means over the processes of the gradients of one backward pass, which are summed in buckets while the pass goes on.
///
/// Buckets are sent in the same order in all processes, each as soon as its gradients are there: the last layers' first,
/// whose gradients are computed first ("PyTorch Distributed: Experiences on Accelerating Data Parallel Training", Li et al.,
/// 2020, §3.2.3). Each parameter must get its gradient at once, as it does without gradient checkpointing.
public final class GradientAverage {
  private struct Bucket {
    let parameters: [Tensor]
    var missing: Int  // gradients that the pass has not computed yet
    var sum: Tensor?  // while it is summed
  }

  private let group: ProcessGroup
  private var buckets: [Bucket]
  private var sent = 0

  /// Waits for the gradients of a backward pass that begins now; buckets have at most `bucket` elements, or one parameter.
  public init(_ parameters: [Tensor], group: ProcessGroup, bucket: Int = GradientBuckets.elements) {
    self.group = group
    let order = Array(parameters.reversed())
    buckets = GradientBuckets.ranges(of: order.map(\.count), limit: bucket).map {
      Bucket(parameters: Array(order[$0]), missing: $0.count)
    }
    for (index, bucket) in buckets.enumerated() {
      for parameter in bucket.parameters { parameter.onGradient { [weak self] in self?.gradientArrived(in: index) } }
    }
  }

  private func gradientArrived(in index: Int) {
    buckets[index].missing -= 1
    while sent < buckets.count, buckets[sent].missing == 0 { send() }
    group.progressSums()
  }

  /// Begins the sum of the next bucket.
  private func send() {
    withNoGrad {
      let gradients = buckets[sent].parameters.compactMap(\.grad)
      if !gradients.isEmpty {
        let sum = Tensor.cat(gradients.map { $0.detached().to(.float32).reshaped([-1]) })
        buckets[sent].sum = sum
        group.beginSum(sum)
      }
    }
    sent += 1
  }

  /// Sends what was not sent, waits, and gives every parameter the mean of its gradient.
  public func finish() {
    for bucket in buckets { for parameter in bucket.parameters { parameter.onGradient(nil) } }
    while sent < buckets.count { send() }
    group.endSums()
    withNoGrad {
      for bucket in buckets {
        guard let sum = bucket.sum else { continue }
        group.distribute(sum, to: bucket.parameters.compactMap(\.grad))
      }
    }
    buckets = []
  }
}

/// The division of gradients into messages.
public enum GradientBuckets {
  /// Elements of a bucket: 16 MiB of float32.
  public static let elements = 1 << 22

  /// Ranges of tensors of the given sizes that share a message: as many as `limit` elements hold, and at least one.
  public static func ranges(of counts: [Int], limit: Int) -> [Range<Int>] {
    var ranges: [Range<Int>] = []
    var (first, size) = (0, 0)
    for (index, count) in counts.enumerated() {
      if index > first, size + count > limit {
        ranges.append(first..<index)
        (first, size) = (index, 0)
      }
      size += count
    }
    if first < counts.count { ranges.append(first..<counts.count) }
    return ranges
  }
}
