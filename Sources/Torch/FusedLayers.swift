import CTorch

// Layers that are computed at once on a CPU, without the tensors between their operations.

extension Tensor {
  /// Whether gradients of this tensor are needed, and fused layers can give them on this processor.
  public var trainsFused: Bool { ci_trains(handle) }

  /// The normalization of `[B, C, H, W]` + `shift` `[B, C]` over groups of channels, then SiLU if `activates`, at once.
  ///
  /// With gradients, on processors that `PackedWeights` supports. Returns channels-last layout.
  public func groupNormAtOnce(
    _ groups: Int, _ weight: Tensor, _ bias: Tensor, eps: Double, shift: Tensor? = nil, activates: Bool
  ) -> Tensor {
    Tensor(ci_group_norm(handle, Int64(groups), weight.handle, bias.handle, eps, shift?.handle, activates))
  }

  /// `a · gelu(b)` of the halves `[a, b]` of the last dimension, with the exact GELU (GEGLU, Shazeer 2020), at once.
  ///
  /// With gradients, on processors that `PackedWeights` supports.
  public func gegluAtOnce() -> Tensor { Tensor(ci_geglu(handle)) }

  /// Attention of `[B, N, D]` over keys and values `[B, M, D]`, all heads at once; nil for sizes that are not covered.
  ///
  /// The channels of a head are contiguous; `mask` `[B, 1, 1, M]` is true where a key may be attended to. With gradients, on
  /// processors that `PackedWeights` supports.
  public static func attentionAtOnce(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int, mask: Tensor? = nil, scale: Double
  ) -> Tensor? {
    ci_attention(queries.handle, keys.handle, values.handle, Int64(heads), mask?.handle, scale).map { Tensor($0) }
  }
}
