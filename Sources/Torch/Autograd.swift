import CTorch

extension Tensor {
  /// Whether operations on this tensor are recorded for `backward`.
  public var requiresGrad: Bool {
    get { ct_requires_grad(handle) }
    set { check(ct_set_requires_grad(handle, newValue)) }
  }

  /// The gradient that `backward` accumulated, if any.
  public var grad: Tensor? { ct_grad(handle).map { Tensor($0) } }

  /// Forgets the gradient.
  public func clearGrad() { ct_clear_grad(handle) }

  /// Accumulates gradients of this scalar into every tensor that requires them.
  public func backward() { check(ct_backward(handle)) }
}

/// Runs `body` without recording for gradients.
public func withNoGrad<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let before = ct_set_grad_enabled(false)
  defer { _ = ct_set_grad_enabled(before) }
  return try body()
}

/// Runs `body` in inference mode: no recording, no version counting; its tensors cannot enter training later.
public func withInference<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let guardHandle = ct_inference_begin()
  defer { ct_inference_end(guardHandle) }
  return try body()
}

/// Runs `body` with matrix products and convolutions in a half type while the rest stays in float32.
public func withAutocast<R, E: Error>(
  _ device: Device, dtype: DType = .bfloat16, enabled: Bool = true, _ body: () throws(E) -> R
) throws(E) -> R {
  guard enabled else { return try body() }
  ct_autocast_begin(device.code, dtype.code)
  defer { ct_autocast_end(device.code) }
  return try body()
}
