import CTorch

/// What `body` makes of the inputs, keeping nothing between them and its result for `backward`, which runs it again.
///
/// Gradient checkpointing ("Training Deep Nets with Sublinear Memory Cost", Chen et al., 2016): a second computation
/// for less memory, and the same gradients but for the order of sums. Tensors that need a gradient and are no parameters must be among
/// the inputs; `body` must do the same every time and must not give back one of its inputs.
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

/// A closure on its way through C.
private final class Computation {
  let body: ([Tensor]) -> Tensor

  init(_ body: @escaping ([Tensor]) -> Tensor) { self.body = body }
}
