import CTorch

// Matrix products, convolutions, normalizations and attention.

extension Tensor {
  /// The power spectrum of real numbers, `|F|²` of the unnormalized two-dimensional Fourier transform.
  ///
  /// `[…, H, W]` becomes `[…, H, W / 2 + 1]`: the other columns mirror these, since the input is real. Row `i` holds
  /// vertical frequencies of `min(i, H − i)`, column `j` horizontal ones of `j` cycles.
  public func powerSpectrum2d() -> Tensor { Tensor(ct_rfft2_power(handle)) }

  /// Matrix product, batched over leading dimensions.
  public func matmul(_ other: Tensor) -> Tensor { Tensor(ct_matmul(handle, other.handle)) }

  /// Matrix product of batches `[n, M, K]` and `[n, K, N]` without gradients: in float32 on a CPU by Flux's own kernels, where
  /// they are in use.
  public func matmulWithoutGradients(_ other: Tensor) -> Tensor {
    withNoGrad { ci_matmul(handle, other.handle).map { Tensor($0) } ?? matmul(other) }
  }

  /// `x · weightᵀ + bias` over the last dimension; weight `[out, in]`.
  public func linear(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
    Tensor(ct_linear(handle, weight.handle, bias?.handle))
  }

  /// Two-dimensional convolution of `[B, C, H, W]`; weight `[out, in / groups, k, k]`.
  public func conv2d(_ weight: Tensor, _ bias: Tensor?, stride: Int = 1, padding: Int = 0, groups: Int = 1)
    -> Tensor
  {
    Tensor(ct_conv2d(handle, weight.handle, bias?.handle, Int64(stride), Int64(padding), Int64(groups)))
  }

  /// A 3×3 convolution of stride 1 and padding 1 by Winograd's algorithm at any size; see `withWinograd`.
  package func winogradConv2d(_ weight: Tensor, _ bias: Tensor?) -> Tensor {
    Tensor(ct_winograd_conv2d(handle, weight.handle, bias?.handle))
  }

  /// Transposed convolution; weight `[in, out, k, k]`.
  public func convTranspose2d(_ weight: Tensor, _ bias: Tensor?, stride: Int, padding: Int = 0) -> Tensor {
    Tensor(ct_conv_transpose2d(handle, weight.handle, bias?.handle, Int64(stride), Int64(padding)))
  }

  /// Rows of a `[count, width]` table selected by integer ids.
  public static func embedding(_ table: Tensor, _ ids: Tensor) -> Tensor {
    Tensor(ct_embedding(table.handle, ids.handle))
  }

  /// Normalization over groups of channels of `[B, C, …]`.
  public func groupNorm(_ groups: Int, _ weight: Tensor?, _ bias: Tensor?, eps: Double) -> Tensor {
    Tensor(ct_group_norm(handle, Int64(groups), weight?.handle, bias?.handle, eps))
  }

  /// Normalization over the last dimension.
  public func layerNorm(_ weight: Tensor?, _ bias: Tensor?, eps: Double) -> Tensor {
    Tensor(ct_layer_norm(handle, weight?.handle, bias?.handle, eps))
  }

  /// `eˣ / Σ eˣ` along a dimension: positive numbers whose sum is 1.
  public func softmax(dim: Int) -> Tensor { Tensor(ct_softmax(handle, Int64(dim))) }
  /// Logarithm of `softmax`, computed without overflow.
  public func logSoftmax(dim: Int) -> Tensor { Tensor(ct_log_softmax(handle, Int64(dim))) }

  /// Scaled dot-product attention over `[B, heads, N, d]`; `mask` is boolean (true = attend) or added to the logits.
  public static func attention(_ q: Tensor, _ k: Tensor, _ v: Tensor, mask: Tensor? = nil, scale: Double)
    -> Tensor
  {
    Tensor(ct_attention(q.handle, k.handle, v.handle, mask?.handle, scale))
  }

  /// Bilinear resize of `[B, C, H, W]` (half-pixel centers); `antialias` widens the filter when shrinking.
  public func resizedBilinear(height: Int, width: Int, antialias: Bool = false) -> Tensor {
    Tensor(ct_resize_bilinear(handle, Int64(height), Int64(width), antialias))
  }

  /// Nearest-neighbor resize of `[B, C, H, W]`.
  public func resizedNearest(height: Int, width: Int) -> Tensor {
    Tensor(ct_resize_nearest(handle, Int64(height), Int64(width)))
  }

  /// Means of `kernel` × `kernel` pixels of `[B, C, H, W]`; `stride` is `kernel` unless given, without padding.
  public func avgPool2d(_ kernel: Int, stride: Int? = nil) -> Tensor {
    Tensor(ct_avg_pool2d(handle, Int64(kernel), Int64(stride ?? kernel)))
  }
  /// Maxima of `kernel` × `kernel` pixels of `[B, C, H, W]`; `stride` is `kernel` unless given, without padding.
  public func maxPool2d(_ kernel: Int, stride: Int? = nil) -> Tensor {
    Tensor(ct_max_pool2d(handle, Int64(kernel), Int64(stride ?? kernel)))
  }

  /// `[B, C·r², H, W]` to `[B, C, H·r, W·r]`.
  public func pixelShuffle(_ factor: Int) -> Tensor { Tensor(ct_pixel_shuffle(handle, Int64(factor))) }

  /// `[B, C, H·r, W·r]` to `[B, C·r², H, W]`.
  public func pixelUnshuffle(_ factor: Int) -> Tensor { Tensor(ct_pixel_unshuffle(handle, Int64(factor))) }

  /// `[B, 4K, H, W]` of K logits and K colors per pixel to `[B, 3, H, W]`: Σ softmax(sharpness · logit)ₖ · colorₖ.
  public func paletteMix(colors: Int, sharpness: Double) -> Tensor {
    Tensor(ct_palette_mix(handle, Int64(colors), sharpness))
  }

  /// The values beyond the edge of a padded image.
  public enum Padding: Sendable {
    /// Zeros, the image mirrored at its edge without repeating it, or the edge repeated.
    case zeros, reflect, replicate

    var code: CTPadding {
      switch self {
      case .zeros: CT_PAD_ZEROS
      case .reflect: CT_PAD_REFLECT
      case .replicate: CT_PAD_REPLICATE
      }
    }
  }

  /// `[B, C, H, W]` with extra rows and columns around it.
  public func padded(left: Int, right: Int, top: Int, bottom: Int, mode: Padding = .zeros) -> Tensor {
    Tensor(ct_pad2d(handle, Int64(left), Int64(right), Int64(top), Int64(bottom), mode.code))
  }
}
