import CTorch

extension Tensor {
  /// Whether operations on this tensor are recorded for `backward`.
  public var requiresGrad: Bool {
    get { ct_requires_grad(handle) }
    set { check(ct_set_requires_grad(handle, newValue)) }
  }

  /// The gradient that `backward` accumulated, if any.
  public var grad: Tensor? { ct_grad(handle).map { Tensor($0) } }

  /// Removes the gradient.
  public func clearGrad() { ct_clear_grad(handle) }

  /// Runs `body` after each `backward` that accumulated a gradient into this parameter, while others are still computed;
  /// nil ends that.
  ///
  /// It replaces an earlier one. Gradient checkpointing may accumulate several times in one pass.
  public func onGradient(_ body: (() -> Void)?) {
    guard let body else { return check(ct_on_gradient(handle, nil, nil, nil)) }
    let context = Unmanaged.passRetained(Action(body)).toOpaque()
    check(
      ct_on_gradient(
        handle, { Unmanaged<Action>.fromOpaque($0!).takeUnretainedValue().body() }, context,
        { Unmanaged<Action>.fromOpaque($0!).release() }))
  }

  /// Accumulates gradients of this scalar into every tensor that requires them.
  public func backward() { check(ct_backward(handle)) }
}

/// Runs `body` without recording for gradients.
public func withNoGrad<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
  let before = ct_set_grad_enabled(false)
  defer { _ = ct_set_grad_enabled(before) }
  return try body()
}

/// Runs `body` in inference mode: no recording, no version counting; its tensors cannot be used in training later.
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

/// Runs `body` with Winograd's algorithm for float32 3×3 convolutions on the CPU, at sizes where it is faster: a quarter of
/// the multiplications, with errors of 2e-6 instead of 5e-7.
///
/// Applies to the calling thread; `Libtorch.winogradPays` says whether it is worthwhile.
public func withWinograd<R, E: Error>(enabled: Bool = true, _ body: () throws(E) -> R) throws(E) -> R {
  let before = ct_set_uses_winograd(enabled)
  defer { _ = ct_set_uses_winograd(before) }
  return try body()
}

/// The result of `body`, without storing intermediate results: `backward` runs it again.
///
/// Gradient checkpointing ("Training Deep Nets with Sublinear Memory Cost", Chen et al., 2016): less memory for a
/// second computation, with the same gradients up to the order of sums. Tensors that need a gradient and are not
/// parameters must be among the inputs; `body` must do the same every time and must not return one of its inputs.
public func recomputed(_ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor) -> Tensor {
  let context = Unmanaged.passRetained(Computation(body)).toOpaque()
  return withHandles(inputs) { handles, count in
    Tensor(
      ct_recomputed(
        { context, handles, count in
          let computation = Unmanaged<Computation>.fromOpaque(context!).takeUnretainedValue()
          let result = computation.body((0..<count).map { Tensor(handles![$0]) })
          return withExtendedLifetime(result) { ct_share(result.handle) }
        }, context, { Unmanaged<Computation>.fromOpaque($0!).release() }, handles, count))
  }
}

/// A closure without arguments that is passed through C.
private final class Action {
  let body: () -> Void

  init(_ body: @escaping () -> Void) { self.body = body }
}

/// A closure that is passed through C.
private final class Computation {
  let body: ([Tensor]) -> Tensor

  init(_ body: @escaping ([Tensor]) -> Tensor) { self.body = body }
}

/// Runs `body` in float32 inside `withAutocast`, for the few operations that need the precision.
public func withoutAutocast<R, E: Error>(_ device: Device, _ body: () throws(E) -> R) throws(E) -> R {
  let before = ct_set_autocast_enabled(device.code, false)
  defer { _ = ct_set_autocast_enabled(device.code, before) }
  return try body()
}
