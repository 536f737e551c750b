import NN
import Torch

/// Transformer blocks over the positions of a feature map, with a residual connection (`Transformer2DModel`).
final class Transformer2D: Module {
  let norm: GroupNorm
  let projIn: Projection
  let transformerBlocks: [TransformerBlock]
  let projOut: Projection
  let linear: Bool

  init(_ c: UNet.Configuration, level: Int, _ initial: Initializer) {
    let width = c.blockOutChannels[level]
    linear = c.useLinearProjection
    norm = GroupNorm(groups: c.normNumGroups, channels: width, eps: 1e-6)
    projIn = Projection(width, linear: c.useLinearProjection, initial)
    transformerBlocks = (0..<c.transformerLayersPerBlock[level]).map { _ in
      TransformerBlock(width, heads: c.attentionHeadDim[level], context: c.crossAttentionDim, initial)
    }
    projOut = Projection(width, linear: c.useLinearProjection, initial)
  }

  func callAsFunction(_ input: Tensor, _ context: Tensor, _ attend: Tensor?) -> Tensor {
    let (B, C, H, W) = input.shape4
    func rows(_ x: Tensor) -> Tensor { x.permuted([0, 2, 3, 1]).reshaped([B, H * W, C]) }
    var x = projIn(rows(norm(input, then: nil)))
    for block in transformerBlocks { x = block(x, context, attend) }
    func image(_ x: Tensor) -> Tensor { x.reshaped([B, H, W, C]).permuted([0, 3, 1, 2]) }
    if projOut.weight.packed != nil { return image(projOut(x, adding: rows(input))) }
    return input + image(projOut(x))
  }
}

/// A linear layer, stored as a matrix or as a 1×1 convolution.
final class Projection: Module, InferenceLayer {
  let weight: Tensor  // [width, width] or [width, width, 1, 1]
  let bias: Tensor  // [width]

  init(_ width: Int, linear: Bool, _ initial: Initializer) {
    let layer = Linear(in: width, out: width, initial)
    weight = linear ? layer.weight : layer.weight.reshaped([width, width, 1, 1])
    bias = layer.bias!
  }

  /// `term`, which only packed weights take, is added.
  func callAsFunction(_ x: Tensor, adding term: Tensor? = nil) -> Tensor {
    if let packed = weight.packed { return packed.linear(x, adding: term) }
    let matrix = weight.values
    return x.linear(matrix.rank == 2 ? matrix : matrix.reshaped([matrix.shape[0], matrix.shape[1]]), bias)
  }
}

extension Projection {
  var packing: Packing? { .matrix(weight, bias: bias) }
}

/// Self-attention, cross-attention and a gated feed-forward layer, pre-normalized, with residual connections
/// (`BasicTransformerBlock`).
final class TransformerBlock: Module {
  let norm1: LayerNorm
  let attn1: Attention
  let norm2: LayerNorm
  let attn2: Attention
  let norm3: LayerNorm
  let ff: FeedForward

  init(_ width: Int, heads: Int, context: Int, _ initial: Initializer) {
    norm1 = LayerNorm(width)
    attn1 = Attention(width, heads: heads, initial)
    norm2 = LayerNorm(width)
    attn2 = Attention(width, heads: heads, context: context, initial)
    norm3 = LayerNorm(width)
    ff = FeedForward(width, initial)
  }

  func callAsFunction(_ input: Tensor, _ context: Tensor, _ attend: Tensor?) -> Tensor {
    var x = input
    let normalized = norm1(x)
    x = attn1(normalized, normalized, nil, adding: x)
    x = attn2(norm2(x), context, attend, adding: x)
    return ff(norm3(x), adding: x)
  }
}

/// Multi-head attention (Vaswani et al., 2017).
final class Attention: Module, InferenceLayer {
  let toQ: Linear
  let toK: Linear
  let toV: Linear
  let toOut: [Linear]  // a list of one, since diffusers has a dropout after it
  let heads: Int
  private let attendsToItself: Bool

  /// Without `context`, its width, queries, keys and values are of the same rows.
  init(_ width: Int, heads: Int, context: Int? = nil, _ initial: Initializer) {
    attendsToItself = context == nil
    let context = context ?? width
    toQ = Linear(in: width, out: width, bias: false, initial)
    toK = Linear(in: context, out: width, bias: false, initial)
    toV = Linear(in: context, out: width, bias: false, initial)
    toOut = [Linear(in: width, out: width, initial)]
    self.heads = heads
  }

  func callAsFunction(_ x: Tensor, _ context: Tensor, _ attend: Tensor?, adding term: Tensor) -> Tensor {
    let (queries, keys, values) = projected(x, context)
    let mixed = Tensor.multiHeadAttention(
      queries, keys, values, heads: heads, attend: attend, atOnce: toQ.weight.packed != nil)
    return toOut[0](mixed, adding: term)
  }

  /// Layers that share packed weights, which `prepare` has put together, are one product.
  private func projected(_ x: Tensor, _ context: Tensor) -> (queries: Tensor, keys: Tensor, values: Tensor) {
    guard let joint = toV.weight.packed, joint === toK.weight.packed else {
      return (toQ(x), toK(context), toV(context))
    }
    let parts = joint.linear(context).chunked(attendsToItself ? 3 : 2, dim: -1)
    let queries = joint === toQ.weight.packed ? parts[0] : toQ(x)
    return (queries, parts[parts.count - 2], parts[parts.count - 1])
  }

  /// The layers that read the same rows are put together.
  var packing: Packing? { .matrices((attendsToItself ? [toQ.weight] : []) + [toK.weight, toV.weight]) }
}

/// GEGLU (Shazeer 2020) and a linear layer; the list mirrors diffusers' `net`, whose middle entry is a dropout.
final class FeedForward: Module {
  let net: [any Module]

  init(_ width: Int, _ initial: Initializer) {
    net = [GEGLU(width, 4 * width, initial), Nothing(), Linear(in: 4 * width, out: width, initial)]
  }

  func callAsFunction(_ x: Tensor, adding term: Tensor) -> Tensor {
    guard let gate = net[0] as? GEGLU, let out = net[2] as? Linear else {
      fatalError("feed-forward net was rebuilt")
    }
    return out(gate(x), adding: term)
  }

  private final class Nothing: Module {}
}

/// A linear layer of double width, of which one half, after GELU, gates the other.
final class GEGLU: Module, InferenceLayer {
  let proj: Linear

  init(_ width: Int, _ inner: Int, _ initial: Initializer) {
    proj = Linear(in: width, out: 2 * inner, initial)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    if let packed = proj.weight.packed { return packed.linear(x) }
    let both = proj(x)
    if both.trainsFused { return both.gegluAtOnce() }
    let parts = both.chunked(2, dim: -1)
    return parts[0] * parts[1].gelu()
  }

  var packing: Packing? { .matrix(proj.weight, bias: proj.bias, gated: true) }
}
