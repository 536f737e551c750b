import Foundation
import Models
import NN
import Support
import Tokenizers
import Torch

/// Tokenizer and text encoder: prompts to the states of the pretrained transformer.
public final class PromptEncoder {
  /// The input of the adapter, for a batch of prompts.
  public struct States {
    /// Hidden states of the embedding layer and of the last layer, concatenated: `[B, N, 2 · width]`.
    public let states: Tensor
    /// Mask of the tokens, `[B, N]`, float: 1 at tokens, 0 at padding.
    public let mask: Tensor
    /// The truncated words of each prompt.
    public let dropped: [[String]]
  }

  /// The tokenizer with the encoder's vocabulary.
  public let tokenizer: WordPieceTokenizer
  /// The text encoder.
  public let encoder: TextEncoder
  /// The device of the encoder and of the states.
  public private(set) var device: Device
  /// The directory that it was read from.
  public let directory: URL
  /// The encoder's files, if its weights lie in them.
  private let mapped: StoredNetwork<TextEncoder>?
  /// The files of the tokenizer, as they were read.
  private let tokenizerFiles: [(name: String, bytes: [UInt8])]

  /// Reads `vocab.txt`, `config.json` and `model.safetensors` from a directory.
  ///
  /// Weights in the mapped file must not change: neither by training nor by a LoRA.
  public init(directory: URL, keeping storage: WeightStorage = .computed, device: Device = .cpu) throws {
    tokenizer = try WordPieceTokenizer(vocabulary: directory.appendingPathComponent("vocab.txt"))
    let stored = try StoredNetwork<TextEncoder>(directory)
    encoder = try stored.filled(keeping: storage)
    mapped = storage == .mapped ? stored : nil
    self.directory = directory
    tokenizerFiles = Self.tokenizerFileNames.compactMap { name in
      let path = directory.appendingPathComponent(name).path
      return (try? FileSlice(path: path).read(limit: JSONFile.limit)).map { (name, $0) }
    }
    guard tokenizer.count <= encoder.configuration.vocabSize else {
      let reason =
        "vocab_size is \(encoder.configuration.vocabSize), expected \(tokenizer.count) or more: as vocab.txt has"
      throw CheckpointError.configuration(file: directory.appendingPathComponent("config.json").path, reason: reason)
    }
    self.device = device
    if device != .cpu { encoder.move(to: device) }
  }

  /// The files of a tokenizer in transformers' layout; only the first is always there.
  public static let tokenizerFileNames = [
    "vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json",
  ]

  /// Writes a directory in transformers' layout: `config.json`, `model.safetensors` and the tokenizer's files.
  public func save(to directory: URL, as format: Quantization = .float32) throws(CheckpointError) {
    try encoder.save(to: directory, as: format)
    do throws(FileError) {
      for (name, bytes) in tokenizerFiles {
        try AtomicFile.write(bytes, to: directory.appendingPathComponent(name))
      }
    } catch { throw .notWritten(error) }
  }

  /// Moves the encoder to a device, in place.
  public func move(to device: Device) {
    encoder.move(to: device)
    self.device = device
  }

  /// Takes weights that lie in mapped files out of the process's memory, until they are used again.
  public func releasePages() { mapped?.releasePages() }

  /// Throws unless an adapter's input width and token limit match this encoder.
  public func check(_ adapter: TextAdapter.Configuration) throws(ConfigurationError) {
    let (width, positions) = (encoder.configuration.hiddenSize, encoder.configuration.maxPositionEmbeddings)
    if adapter.inputWidth != width {
      throw ConfigurationError("input_width", adapter.inputWidth, expected: "the text encoder's width, \(width)")
    }
    try adapter.require("max_tokens", adapter.maxTokens, in: 3...positions)
  }

  /// Encodes prompts without gradients, padded to `length` tokens (or to the longest, when nil).
  public func callAsFunction(_ prompts: [String], maxTokens: Int, padTo length: Int? = nil) -> States {
    let encodings = prompts.map { tokenizer.encode($0, maxLength: maxTokens) }
    let width = length ?? encodings.map(\.ids.count).max() ?? 0
    let (states, mask) = self(tokens: encodings.map(\.ids), padTo: width)
    return States(states: states, mask: mask, dropped: encodings.map(\.dropped))
  }

  /// Encodes prompts that are ids already, padded to `width` tokens: states `[B, width, 2 · D]` and mask `[B, width]`.
  public func callAsFunction(tokens: [[Int32]], padTo width: Int) -> (states: Tensor, mask: Tensor) {
    let (ids, mask) = padded(tokens, to: width)
    return (withNoGrad { states(ids: ids, mask: mask) }, mask)
  }

  /// Ids `[B, width]`, int64, of prompts that are ids already, and their mask `[B, width]`, on the device.
  public func padded(_ tokens: [[Int32]], to width: Int) -> (ids: Tensor, mask: Tensor) {
    var ids: [Int64] = []
    var mask: [Float] = []
    for tokens in tokens {
      let padding = width - tokens.count
      ids += tokens.map(Int64.init) + [Int64](repeating: Int64(tokenizer.padID), count: padding)
      mask += [Float](repeating: 1, count: tokens.count) + [Float](repeating: 0, count: padding)
    }
    let shape = [tokens.count, width]
    return (Tensor(ids, shape: shape).to(device), Tensor(mask, shape: shape).to(device))
  }

  /// States `[B, N, 2 · D]` of ids `[B, N]` with their mask `[B, N]`, recorded for gradients of the encoder.
  public func states(ids: Tensor, mask: Tensor) -> Tensor {
    let states = encoder(ids, mask: mask)
    return Tensor.cat([states[0], states[states.count - 1]], dim: 2)
  }
}
