import CTorch

/// Torch's CPU random generator (Mersenne Twister): `torch.Generator("cpu").manual_seed(seed)` gives the same numbers.
public final class Generator {
  let handle: OpaquePointer

  /// A generator started from a seed.
  public init(seed: UInt64) {
    guard let handle = ct_generator_new(seed) else { fatalError("Generator: \(lastFailure())") }
    self.handle = handle
  }

  deinit { ct_generator_free(handle) }

  /// Starts again from a seed.
  public func seed(_ seed: UInt64) { ct_generator_seed(handle, seed) }

  /// The whole state as bytes (uint8 tensor), to continue exactly later.
  public var state: Tensor {
    get { Tensor(ct_generator_state(handle)) }
    set { check(ct_generator_set_state(handle, newValue.handle)) }
  }
}
