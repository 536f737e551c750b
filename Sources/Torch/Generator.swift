import CTorch

/// Torch's random generator of a device; numbers come into being there.
///
/// That of the CPU (Mersenne Twister) gives what `torch.Generator("cpu").manual_seed(seed)` gives for seeds below 2³²,
/// whatever the machine. Torch ignores the bits above; here all 64 count. A CUDA device's (Philox) gives other numbers
/// from the same seed, and the same ones each time.
public final class Generator {
  let handle: OpaquePointer

  /// A generator started from a seed.
  public init(seed: UInt64, device: Device = .cpu) {
    guard let handle = ct_generator_new(seed, device.code, device.index) else {
      failed("Generator")
    }
    self.handle = handle
  }

  /// A generator from a number that other numbers were mixed into; on a CPU its low 32 bits count, as in torch.
  public convenience init(mixed seed: UInt64, device: Device = .cpu) {
    self.init(seed: device == .cpu ? seed & 0xffff_ffff : seed, device: device)
  }

  deinit { ct_generator_free(handle) }

  /// Where the numbers come into being.
  public var device: Device {
    var index: Int32 = 0
    return Device(code: ct_generator_device(handle, &index), index: index)
  }

  /// Starts again from a seed.
  public func seed(_ seed: UInt64) { ct_generator_seed(handle, seed) }

  /// The whole state as bytes (uint8 tensor), to continue exactly later.
  public var state: Tensor {
    get { Tensor(ct_generator_state(handle)) }
    set { check(ct_generator_set_state(handle, newValue.handle)) }
  }
}
