import Diffusion
import Models
import NN
import Tokenizers
import Torch

extension Pipeline {
  /// Encodes prompts as `syntax` says; they are cut at the model's longest, every chunk of a weighted prompt by itself.
  ///
  /// Throws where a text network gives NaN or infinity, and names it.
  public func encodeText(
    _ prompt: String, negative: String, syntax: PromptSyntax
  ) throws(GenerationError) -> PromptConditioning {
    guard syntax == .weighted else { return try encodeText(prompt, negative: negative) }
    let (positive, opposite) = (WeightedPrompt(prompt), WeightedPrompt(negative))
    var dropped: [String] = []
    var parts: [PromptConditioning.Part] = []
    for part in positive.parts {
      let (conditioning, lost) = try encode(part.chunks)
      parts.append(.init(conditioning: conditioning, weight: part.weight))
      dropped += lost
    }
    // A negative prompt has no guidance of its own: its parts are chunks.
    let (rows, droppedNegative) = try encode(opposite.parts.flatMap(\.chunks))
    let unconditional = conditioner.negatives(rows, of: [negative])
    let length = (parts.map(\.conditioning) + [unconditional]).map { $0.mask.shape[1] }.max() ?? 0
    parts = parts.map { .init(conditioning: $0.conditioning.padded(to: length), weight: $0.weight) }
    let isComposed = parts.count > 1
    return PromptConditioning(
      conditional: parts[0].conditioning, unconditional: unconditional.padded(to: length), dropped: dropped,
      droppedNegative: droppedNegative, composed: isComposed ? parts : [])
  }

  /// The words of a prompt that do not fit and those that the vocabulary lacks.
  public func words(of prompt: WeightedPrompt) -> (dropped: [String], unknown: [String]) {
    let chunks = prompt.parts.flatMap(\.chunks).flatMap { WeightedTokens.chunks(of: $0, conditioner) }
    return (chunks.flatMap(\.dropped), chunks.flatMap(\.unknown))
  }

  /// One row for chunks that are encoded apart: their tokens one after the other, each times its weight.
  ///
  /// The weights scale the vectors that cross-attention reads, as in AUTOMATIC1111's web UI. As there, the mean of a chunk's
  /// vectors is then restored, but for Flux's own models, whose mean is near 0 after the adapter's last normalization.
  private func encode(
    _ chunks: [[WeightedPrompt.Fragment]]
  ) throws(GenerationError) -> (TextConditioning, dropped: [String]) {
    let encodings = chunks.flatMap { WeightedTokens.chunks(of: $0, conditioner) }
    let (widths, pools) = (conditioner.contextWidths, conditioner.poolsContext)
    let conditioning = try rows(of: encodings.map(\.tokens)) { rows in
      let length = rows.context.shape[1]
      let weights = widths.indices.map { part in Tensor.weights(encodings.map { $0.weights[part] }, to: length) }
      return rows.weighted(by: weights.map { $0.to(device) }, widths, pools: pools).joined(pools: pools)
    }
    return (conditioning, encodings.flatMap(\.dropped))
  }
}

extension Pipeline.PromptConditioning {
  /// One of several prompts whose guidance is added.
  struct Part {
    let conditioning: TextConditioning
    let weight: Double
  }

  /// The network's predictions for a batch that holds `count` images for each branch.
  ///
  /// Of composed prompts, the conditional one is u + Σ wᵢ (cᵢ − u) with the unconditional prediction u (Liu et al., 2022).
  func predict(
    _ x: Tensor, _ branches: [Branch], count: Int, network: (Tensor, TextConditioning) -> Tensor
  ) -> Tensor {
    if composed.isEmpty { return network(x, rows(branches, count: count)) }
    let one = x.narrowed(0, 0, count)
    let texts = ([unconditional] + composed.map(\.conditioning)).map { $0.expanded(to: count) }
    let outputs = network(Tensor.cat(texts.map { _ in one }), .cat(texts)).chunked(texts.count, dim: 0)
    var conditional = outputs[0]
    for (part, output) in zip(composed, outputs.dropFirst()) {
      conditional = conditional + (output - outputs[0]) * part.weight
    }
    return Tensor.cat(branches.map { $0 == .conditional ? conditional : outputs[0] })
  }
}

extension TextConditioning {
  /// The vectors of the context, which has parts of some widths, times weights `[B, N, 1]` for each part.
  ///
  /// The pooled text is their mean, where it was one; otherwise the mean of every row's part is kept.
  fileprivate func weighted(by weights: [Tensor], _ widths: [Int], pools: Bool) -> TextConditioning {
    var (parts, start): ([Tensor], Int) = ([], 0)
    for (weights, width) in zip(weights, widths) {
      let part = context.narrowed(2, start, width)
      var product = part * weights
      if !pools {
        let (before, after) = (part.mean([1, 2], keepDims: true), product.mean([1, 2], keepDims: true))
        product = product * Tensor.where(after .== 0, .ones(after.shape, device: after.device), before / after)
      }
      parts.append(product)
      start += width
    }
    let context = Tensor.cat(parts, dim: 2)
    if !pools { return TextConditioning(context: context, mask: mask, pooled: pooled) }
    let present = mask.to(.float32).unsqueezed(2)
    return TextConditioning(context: context, mask: mask, pooled: (context * present).sum([1]) / present.sum([1]))
  }

  /// All rows one after the other as one row, whose pooled text is that of all, or of the first where it is no mean.
  fileprivate func joined(pools: Bool) -> TextConditioning {
    let (B, N, D) = context.shape3
    if B == 1 { return self }
    let counts = mask.to(.float32).sum([1], keepDims: true)  // [B, 1]
    return TextConditioning(
      context: context.reshaped([1, B * N, D]), mask: mask.reshaped([1, B * N]),
      pooled: pools ? (pooled * counts).sum([0], keepDims: true) / counts.sum([0], keepDims: true) : pooled[0..<1])
  }

  /// The same with masked vectors at its end, up to a number of tokens.
  fileprivate func padded(to length: Int) -> TextConditioning {
    let (B, N, D) = context.shape3
    if N == length { return self }
    return TextConditioning(
      context: Tensor.cat([context, .zeros([B, length - N, D], device: context.device)], dim: 1),
      mask: Tensor.cat([mask, .zeros([B, length - N], device: mask.device)], dim: 1), pooled: pooled)
  }
}

extension Tensor {
  /// Rows `[B, N, 1]` of weights, with 1 where they have none.
  fileprivate static func weights(_ rows: [[Float]], to length: Int) -> Tensor {
    let padded = rows.flatMap { $0 + [Float](repeating: 1, count: length - $0.count) }
    return Tensor(padded, shape: [rows.count, length, 1])
  }
}
