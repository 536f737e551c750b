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
    let (positive, negative) = (WeightedPrompt(prompt), WeightedPrompt(negative))
    var dropped: [String] = []
    var parts: [PromptConditioning.Part] = []
    for part in positive.parts {
      let (conditioning, lost) = try encode(part.chunks)
      parts.append(.init(conditioning: conditioning, weight: part.weight))
      dropped += lost
    }
    // A negative prompt has no guidance of its own: its parts are chunks.
    let (unconditional, droppedNegative) = try encode(negative.parts.flatMap(\.chunks))
    let length = (parts.map(\.conditioning) + [unconditional]).map { $0.mask.shape[1] }.max() ?? 0
    parts = parts.map { .init(conditioning: $0.conditioning.padded(to: length), weight: $0.weight) }
    let isComposed = parts.count > 1
    return PromptConditioning(
      conditional: parts[0].conditioning, unconditional: unconditional.padded(to: length), dropped: dropped,
      droppedNegative: droppedNegative, composed: isComposed ? parts : [])
  }

  /// The words of a prompt that do not fit and those that the vocabulary lacks.
  public func words(of prompt: WeightedPrompt) -> (dropped: [String], unknown: [String]) {
    let chunks = prompt.parts.flatMap(\.chunks).map { tokens(of: $0) }
    return (chunks.flatMap(\.dropped), chunks.flatMap(\.unknown))
  }

  /// One row for chunks that are encoded apart: their tokens one after the other, each times its weight.
  ///
  /// The weights scale the vectors that cross-attention reads, as in AUTOMATIC1111's web UI, but without restoring the mean
  /// of all vectors, which is near 0 after the adapter's last normalization.
  private func encode(
    _ chunks: [[WeightedPrompt.Fragment]]
  ) throws(GenerationError) -> (TextConditioning, dropped: [String]) {
    let encodings = chunks.map { tokens(of: $0) }
    let length = encodings.map(\.ids.count).max() ?? 0
    let padded = encodings.map { $0.weights + [Float](repeating: 1, count: length - $0.weights.count) }
    let weights = Tensor(padded.flatMap { $0 }, shape: [chunks.count, length, 1]).to(device)
    let conditioning = try rows(of: encodings.map(\.ids), padTo: length) { $0.weighted(by: weights).joined }
    return (conditioning, encodings.flatMap(\.dropped))
  }

  /// The tokens of a chunk between [CLS] and [SEP], with their weights.
  private func tokens(
    of chunk: [WeightedPrompt.Fragment]
  ) -> (ids: [Int32], weights: [Float], dropped: [String], unknown: [String]) {
    let (limit, ends) = (conditioner.maxTokens, conditioner.ends)
    var (ids, weights): ([Int32], [Float]) = ([ends.first], [1])
    var (dropped, unknown): ([String], [String]) = ([], [])
    for fragment in chunk {
      let encoding = conditioner.tokens(of: fragment.text, maxLength: max(2, limit - ids.count + 1))
      let own = encoding.ids.dropFirst().dropLast()
      ids += own
      weights += own.map { _ in Float(fragment.weight) }
      dropped += encoding.dropped
      unknown += encoding.unknown
    }
    return (ids + [ends.last], weights + [1], dropped, unknown)
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
  /// The vectors of the context times weights `[B, N, 1]`, and their mean.
  fileprivate func weighted(by weights: Tensor) -> TextConditioning {
    let context = context * weights
    let present = mask.to(.float32).unsqueezed(2)
    return TextConditioning(context: context, mask: mask, pooled: (context * present).sum([1]) / present.sum([1]))
  }

  /// All rows one after the other as one row.
  fileprivate var joined: TextConditioning {
    let (B, N, D) = context.shape3
    if B == 1 { return self }
    let counts = mask.to(.float32).sum([1], keepDims: true)  // [B, 1]
    return TextConditioning(
      context: context.reshaped([1, B * N, D]), mask: mask.reshaped([1, B * N]),
      pooled: (pooled * counts).sum([0], keepDims: true) / counts.sum([0], keepDims: true))
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
