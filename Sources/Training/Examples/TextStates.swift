import Flux
import Torch

/// Text states of captions, each encoded once, with bits that depend only on the caption.
///
/// The last bits of a matrix product depend on the matrix sizes, so a caption is always encoded in a batch of the same
/// shape: four captions, padded to the next multiple of four tokens. (One caption at a time is half as fast: all weights
/// are read for a dozen rows.) So the other captions in its batch do not matter, nor whether its states come from memory,
/// from disk or are recomputed. Devices other than the CPU encode all captions of a call at once, unless a cache keeps them.
final class TextStates {
  private let prompts: PromptEncoder
  private let maxTokens: Int
  private let bfloat16: Bool
  private var kept: [CaptionFiles.Tokens: Tensor] = [:]  // [N, width], float32
  private var room: Int  // bytes
  private var places: [Int: Bool] = [:]  // by width, whether all rows of a batch give the same bits
  private(set) var encoded = 0  // captions that went through the text encoder

  private static let batch = 4
  private static let step = 4  // tokens

  /// States of at most `maxTokens` tokens; up to `room` bytes of them stay in memory.
  init(_ prompts: PromptEncoder, maxTokens: Int, bfloat16: Bool, room: Int = 1 << 28) {
    self.prompts = prompts
    self.maxTokens = maxTokens
    self.bfloat16 = bfloat16
    self.room = room
  }

  /// States `[B, maxTokens, width]` of captions and their masks `[B, maxTokens]`, zero beyond the caption.
  ///
  /// States that are not in memory are read from `files`; newly encoded ones are stored there, in bf16 as in the pool.
  func callAsFunction(_ captions: [String], files: CaptionFiles? = nil) -> (states: Tensor, masks: Tensor) {
    let rows = captions.map { prompts.tokenizer.encode($0, maxLength: maxTokens).ids }
    if prompts.device != .cpu, files == nil { return encodeTogether(rows) }
    let width = 2 * prompts.encoder.configuration.hiddenSize
    var found: [CaptionFiles.Tokens: Tensor] = [:]
    for tokens in rows { found[tokens] = kept[tokens] }
    if let files {
      found.merge(files.states(of: rows.filter { found[$0] == nil }, width: width)) { first, _ in first }
    }
    found.merge(encode(Set(rows).subtracting(found.keys))) { first, _ in first }
    files?.keep(found)
    let states = Tensor.zeros([captions.count, maxTokens, width], device: prompts.device)
    let masks = Tensor.zeros([captions.count, maxTokens], device: prompts.device)
    withNoGrad {
      for (row, tokens) in rows.enumerated() {
        guard let own = found[tokens] else { fatalError("the caption was just encoded") }
        states[row][0..<tokens.count].copy_(own)
        masks[row][0..<tokens.count].fill_(1)
      }
    }
    return (states, masks)
  }

  /// States of captions that are all encoded at once, for devices where many small batches would mostly wait for launches.
  ///
  /// Their last bits may depend on the other captions, and nothing is kept.
  func encodeTogether(_ rows: [CaptionFiles.Tokens]) -> (states: Tensor, masks: Tensor) {
    let (states, mask) = withAutocast(prompts.device, enabled: bfloat16) { prompts(tokens: rows, padTo: maxTokens) }
    encoded += rows.count
    return withNoGrad { (states.to(.float32) * mask.unsqueezed(2), mask) }
  }

  /// Token ids `[B, maxTokens]` of captions, padded, and their masks `[B, maxTokens]`.
  func tokens(_ captions: [String]) -> (captions: Tensor, masks: Tensor) {
    let (ids, masks) = prompts.padded(
      captions.map { prompts.tokenizer.encode($0, maxLength: maxTokens).ids }, to: maxTokens)
    return (ids, masks)
  }

  private func encode(_ captions: Set<CaptionFiles.Tokens>) -> [CaptionFiles.Tokens: Tensor] {
    var made: [CaptionFiles.Tokens: Tensor] = [:]
    let groups = Dictionary(grouping: captions) { min(($0.count + Self.step - 1) / Self.step * Self.step, maxTokens) }
    for (width, group) in groups {
      // A fixed order determines which captions stay in memory.
      let captions = group.sorted { $0.lexicographicallyPrecedes($1) }
      let size = placesAreEqual(width) ? Self.batch : 1
      for start in stride(from: 0, to: captions.count, by: size) {
        let part = Array(captions[start..<min(start + size, captions.count)])
        let filled = part + [CaptionFiles.Tokens](repeating: part[0], count: size - part.count)
        let states = states(filled, width)
        for (row, tokens) in part.enumerated() {
          made[tokens] = keep(tokens, states[row][0..<tokens.count].clone())
        }
      }
    }
    encoded += made.count
    return made
  }

  private func keep(_ tokens: CaptionFiles.Tokens, _ states: Tensor) -> Tensor {
    let bytes = 4 * states.count
    if bytes <= room {
      kept[tokens] = states
      room -= bytes
    }
    return states
  }

  /// Whether a caption has the same bits in all rows of a batch, so its row in the batch does not matter.
  ///
  /// Matrix libraries do not guarantee this. If it does not hold, captions are encoded one at a time.
  private func placesAreEqual(_ width: Int) -> Bool {
    if let known = places[width] { return known }
    let any = (0..<width).map(Int32.init)
    let states = states([CaptionFiles.Tokens](repeating: any, count: Self.batch), width)
    let first = states[0].bytes()
    let answer = (1..<Self.batch).allSatisfy { states[$0].bytes() == first }
    places[width] = answer
    return answer
  }

  private func states(_ captions: [CaptionFiles.Tokens], _ width: Int) -> Tensor {
    withAutocast(prompts.device, enabled: bfloat16) { prompts(tokens: captions, padTo: width).states }.to(.float32)
  }
}
