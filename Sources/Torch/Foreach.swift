import CTorch

/// Operations over many tensors at once, which save a kernel launch (or a loop) per tensor.
public enum Foreach {
  /// One AdamW step in place with `at::_fused_adamw_` (Loshchilov & Hutter 2017; decoupled weight decay).
  ///
  /// `steps` are float32 scalars, one per parameter, with 1 at the first update. If `skip`, a float32 scalar on the
  /// same device, is 1, nothing changes.
  public static func adamW(
    parameters: [Tensor], gradients: [Tensor], firstMoments: [Tensor], secondMoments: [Tensor],
    steps: [Tensor],
    learningRate: Double, beta1: Double, beta2: Double, weightDecay: Double, eps: Double,
    skip: Tensor? = nil
  ) {
    guard !parameters.isEmpty else { return }
    defer { withExtendedLifetime(skip) {} }
    let status = withHandles(parameters) { p, pCount in
      withHandles(gradients) { g, gCount in
        withHandles(firstMoments) { m, mCount in
          withHandles(secondMoments) { v, vCount in
            withHandles(steps) { s, sCount in
              ct_fused_adamw_(
                p, pCount, g, gCount, m, mCount, v, vCount, s, sCount, learningRate, beta1, beta2,
                weightDecay, eps, skip?.handle)
            }
          }
        }
      }
    }
    check(status)
  }

  /// `x += weight · (target − x)` for every pair: the exponential moving average.
  public static func lerp(_ tensors: [Tensor], towards targets: [Tensor], _ weight: Double) {
    guard !tensors.isEmpty else { return }
    check(
      withHandles(tensors) { x, xCount in withHandles(targets) { ct_foreach_lerp_(x, xCount, $0, $1, weight) }
      })
  }

  /// Multiplies every tensor in place.
  public static func scale(_ tensors: [Tensor], by factor: Double) {
    guard !tensors.isEmpty else { return }
    check(withHandles(tensors) { ct_foreach_mul_($0, $1, factor) })
  }

  /// Multiplies every tensor in place by a scalar that stays on the device.
  public static func scale(_ tensors: [Tensor], by factor: Tensor) {
    guard !tensors.isEmpty else { return }
    check(withHandles(tensors) { ct_foreach_mul_tensor_($0, $1, factor.handle) })
  }

  /// Adds a scalar that stays on the device to every tensor, in place.
  public static func add(_ tensors: [Tensor], _ term: Tensor) {
    guard !tensors.isEmpty else { return }
    check(withHandles(tensors) { ct_foreach_add_tensor_($0, $1, term.handle) })
  }

  /// Adds to every tensor the one at its place, in place.
  public static func add(_ tensors: [Tensor], _ terms: [Tensor]) {
    guard !tensors.isEmpty else { return }
    check(withHandles(tensors) { x, xCount in withHandles(terms) { ct_foreach_add_(x, xCount, $0, $1) } })
  }

  /// `norm` as a scalar that stays on the device.
  public static func normTensor(_ tensors: [Tensor]) -> Tensor {
    guard !tensors.isEmpty else { return Tensor(0) }
    return Tensor(withHandles(tensors) { ct_foreach_total_norm($0, $1) })
  }

  /// The Euclidean norm of all elements of all tensors together.
  public static func norm(_ tensors: [Tensor]) -> Double { normTensor(tensors).item() }
}
