import CTorch

// Types, devices, layouts, and access to the elements.

extension Tensor {
  /// Converted to a type, on the same device.
  public func to(_ dtype: DType) -> Tensor {
    let device = device
    return Tensor(ct_to(handle, dtype.code, device.code, device.index))
  }

  /// Moved to a device.
  public func to(_ device: Device) -> Tensor { Tensor(ct_to(handle, dtype.code, device.code, device.index)) }

  /// Row-major in memory.
  public func contiguous() -> Tensor { Tensor(ct_contiguous(handle, CT_CONTIGUOUS)) }

  /// `[B, C, H, W]` with channels innermost in memory: the fastest layout for convolutions.
  public func channelsLast() -> Tensor { Tensor(ct_contiguous(handle, CT_CHANNELS_LAST)) }

  /// Whether channels are innermost in memory.
  public var isChannelsLast: Bool { ct_is_channels_last(handle) }

  /// A copy with its own storage.
  public func clone() -> Tensor { Tensor(ct_clone(handle)) }

  /// The same storage, detached from the graph of the gradients.
  public func detached() -> Tensor { Tensor(ct_detach(handle)) }

  /// The only element, as a number; traps if there are several.
  public func item() -> Double {
    var value = 0.0
    check(ct_item(handle, &value))
    return value
  }

  /// All elements in row-major order; traps unless the type is `E`'s.
  public func elements<E: TensorElement>(as type: E.Type = E.self) -> [E] {
    guard dtype == E.dtype else { fatalError("elements of \(dtype) read as \(E.dtype)") }
    let total = count
    return [E](unsafeUninitializedCapacity: total) { buffer, filled in
      check(ct_read(handle, buffer.baseAddress, total * MemoryLayout<E>.stride))
      filled = total
    }
  }

  /// All elements in row-major order, converted to Float.
  public func floats() -> [Float] { to(.float32).elements() }

  /// All elements in row-major order, converted to Double.
  public func doubles() -> [Double] { to(.float64).elements() }

  /// All elements in row-major order, converted to Int.
  public func ints() -> [Int] { to(.int64).elements(as: Int64.self).map(Int.init) }

  /// The elements' bytes in row-major order.
  public func bytes() -> [UInt8] {
    let total = count * dtype.size
    return [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
      check(ct_read(handle, buffer.baseAddress, total))
      filled = total
    }
  }
}

extension Tensor {
  /// Runs `body` with the elements in place; traps unless this is a contiguous float32 tensor on the CPU with elements.
  public func withMutableFloats<R>(_ body: (UnsafeMutableBufferPointer<Float>) -> R) -> R {
    guard dtype == .float32, let data = ct_data(handle) else { failed("withMutableFloats(_:)") }
    let count = count
    return withExtendedLifetime(self) {
      body(UnsafeMutableBufferPointer(start: data.bindMemory(to: Float.self, capacity: count), count: count))
    }
  }
}

// In-place operations; parameters need `withNoGrad`.
extension Tensor {
  /// Overwrites the elements with those of `source`, converting type and device.
  public func copy_(_ source: Tensor) { check(ct_copy_(handle, source.handle)) }
  /// Adds `alpha · other`.
  public func add_(_ other: Tensor, alpha: Double = 1) { check(ct_add_(handle, other.handle, alpha)) }
  /// Replaces the storage by that of `data`, which may have another type or device; not recorded for gradients.
  public func setData_(_ data: Tensor) {
    check(ct_set_data_(handle, data.handle))
    (compact, packed) = (nil, nil)
  }
  /// Multiplies every element by `factor`.
  public func mul_(_ factor: Double) { check(ct_mul_(handle, factor)) }
  /// Sets every element to `value`.
  public func fill_(_ value: Double) { check(ct_fill_(handle, value)) }
  /// Interpolates towards `other` by the fraction `weight`.
  public func lerp_(_ other: Tensor, _ weight: Double) { check(ct_lerp_(handle, other.handle, weight)) }
  /// Fills with normal numbers.
  public func normal_(mean: Double = 0, std: Double, generator: Generator) {
    check(ct_normal_(handle, mean, std, generator.handle))
  }
  /// Fills with uniform numbers in [low, high).
  public func uniform_(_ low: Double, _ high: Double, generator: Generator) {
    check(ct_uniform_(handle, low, high, generator.handle))
  }
}
