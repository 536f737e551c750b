import Testing
import Torch

/// Records a failure unless two tensors have one shape and differ nowhere by more than
/// `atol + rtol · |expected|`; says where the largest difference is.
public func expectClose(
  _ actual: Tensor, _ expected: Tensor, atol: Double = 1e-5, rtol: Double = 0, _ label: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record("\(label) shape \(actual.shape), expected \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  let a = actual.doubles()
  let e = expected.doubles()
  var worst = (index: 0, excess: -Double.infinity)
  for index in a.indices {
    let difference = abs(a[index] - e[index])
    let excess = difference.isNaN ? .infinity : difference - rtol * abs(e[index])
    if excess > worst.excess { worst = (index, excess) }
  }
  if !a.isEmpty, worst.excess > atol {
    Issue.record(
      """
      \(label) differs at element \(worst.index) of shape \(actual.shape): \
      got \(a[worst.index]), expected \(e[worst.index]), tolerance \(atol)
      """, sourceLocation: sourceLocation)
  }
}
