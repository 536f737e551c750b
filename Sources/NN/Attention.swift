import Torch

extension Tensor {
  /// Multi-head attention (Vaswani et al., 2017, §3.2.2) of projected queries `[B, N, D]` over projected keys and
  /// values `[B, M, D]`; the channels of a head are contiguous.
  ///
  /// `attend` is a mask that broadcasts to `[B, heads, N, M]`, true where a key may be attended to. Returns `[B, N, D]`.
  /// `atOnce` is for layers whose weights are packed; training is fused in any case, where it can be.
  public static func multiHeadAttention(
    _ queries: Tensor, _ keys: Tensor, _ values: Tensor, heads: Int, attend: Tensor?, atOnce: Bool = false
  ) -> Tensor {
    let (B, N, width) = queries.shape3
    let size = width / heads
    let scale = 1 / Double(size).squareRoot()
    if atOnce || queries.trainsFused,
      let mixed = attentionAtOnce(queries, keys, values, heads: heads, mask: attend, scale: scale)
    {
      return mixed
    }
    func split(_ x: Tensor) -> Tensor { x.reshaped([B, -1, heads, size]).transposed(1, 2) }  // [B, heads, N, d]
    let mixed = attention(split(queries), split(keys), split(values), mask: attend, scale: scale)
    return mixed.transposed(1, 2).reshaped([B, N, width])
  }
}
