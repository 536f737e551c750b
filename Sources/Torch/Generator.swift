import CTorch

/// Torch's random generator of a device, on which it generates the numbers.
///
/// For seeds below 2³² the CPU generator (Mersenne Twister) gives the numbers of
/// `torch.Generator("cpu").manual_seed(seed)` on every machine. Torch ignores the higher bits; here all 64 bits count.
/// A CUDA generator (Philox) gives other numbers for the same seed, but the same ones each time.
public final class Generator {
  let handle: OpaquePointer

  /// A generator started from a seed.
  public init(seed: UInt64, device: Device = .cpu) {
    guard let handle = ct_generator_new(seed, device.code, device.index) else {
      failed("Generator")
    }
    self.handle = handle
  }

  /// A generator for a number that is a hash of others; on a CPU only its low 32 bits count, as in torch.
  public convenience init(mixed seed: UInt64, device: Device = .cpu) {
    self.init(seed: device == .cpu ? seed & 0xffff_ffff : seed, device: device)
  }

  deinit { ct_generator_free(handle) }

  /// The device of the numbers.
  public var device: Device {
    var index: Int32 = 0
    return Device(code: ct_generator_device(handle, &index), index: index)
  }

  /// Restarts from a seed.
  public func seed(_ seed: UInt64) { ct_generator_seed(handle, seed) }

  /// The whole state as bytes (uint8 tensor), to continue exactly later.
  public var state: Tensor {
    get { Tensor(ct_generator_state(handle)) }
    set { check(ct_generator_set_state(handle, newValue.handle)) }
  }
}
