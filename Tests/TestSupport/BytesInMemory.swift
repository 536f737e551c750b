import Torch

/// Bytes that weights take as they are, packed or compact; those that layers share count once.
public func bytesInMemory(_ weights: [Tensor]) -> Int {
  var seen: Set<ObjectIdentifier> = []
  return weights.reduce(0) { sum, tensor in
    guard let packed = tensor.packed else { return sum + (tensor.compact?.bytes ?? tensor.count * tensor.dtype.size) }
    return sum + (seen.insert(ObjectIdentifier(packed)).inserted ? packed.bytes : 0)
  }
}
