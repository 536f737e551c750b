import Flux
import Models
import Torch

/// Captions as the U-Net reads them.
///
/// Frozen text encoders encode each caption once and alone, so that its bits depend on nothing else, and the results stay in
/// memory, up to a limit; trained ones encode the captions of each step. An empty caption is what the model's pipeline has in
/// place of an empty negative prompt: zeros for Stable Diffusion XL, otherwise the empty text.
final class StableCaptions {
  private let model: StableDiffusionModel
  private let isTrained: Bool
  private let device: Device
  private var kept: [String: TextConditioning] = [:]
  private var room: Int  // bytes

  /// Captions of at most the model's tokens, the rest of which are cut; up to `room` bytes of them stay in memory.
  init(_ model: StableDiffusionModel, isTrained: Bool, device: Device, room: Int = 1 << 31) {
    (self.model, self.isTrained, self.device, self.room) = (model, isTrained, device, room)
  }

  /// One row for each caption; with gradients if the text encoders are trained.
  func callAsFunction(_ captions: [String]) throws -> TextConditioning {
    if isTrained { return try encoded(captions) }
    return .cat(try captions.map(row)).map { $0.to(device) }
  }

  /// Encodes captions ahead, and lets the text encoders go if all have room; false if that was stopped.
  func fill(_ captions: [String], unless shouldStop: () -> Bool) throws -> Bool {
    if isTrained { return true }
    for caption in captions where kept[caption] == nil {
      if shouldStop() { return false }
      _ = try row(caption)
      if kept[caption] == nil { return true }  // there is no room for more
    }
    model.release(.text)
    return true
  }

  private func row(_ caption: String) throws -> TextConditioning {
    if let known = kept[caption] { return known }
    let row = try withNoGrad { try withoutAutocast(device) { try encoded([caption]) } }.map { $0.to(.cpu) }
    let bytes = 4 * (row.context.count + row.pooled.count)
    if bytes <= room {
      kept[caption] = row
      room -= bytes
    }
    return row
  }

  private func encoded(_ captions: [String]) throws -> TextConditioning {
    try model.prepare(.text)
    let prompts = model.prompts
    let text = prompts.encode(captions.map(prompts.ids), padTo: prompts.maxTokens)
    if let fault = text.fault { throw GenerationError.notFinite(fault, step: nil, loras: []) }
    return prompts.negatives(text.rows, of: captions)
  }
}
