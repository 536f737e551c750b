import Models
import NN
import Support
import Tokenizers
import Torch

/// The text networks of a model of Stable Diffusion's family.
///
/// Texts always have all 77 positions, and the padding is attended to, as in training.
public protocol StablePrompts: PromptConditioner {
  /// The text model, or the first of two, into which LoRAs are merged.
  var encoder: CLIPTextModel { get }
  /// Every text model with its tokenizer, as they are in a directory: `text_encoder`, `text_encoder_2`.
  var parts: [(tokenizer: CLIPTokenizer, encoder: CLIPTextModel)] { get }
  /// Moves the text models to a device, in place.
  func move(to device: Device)
}

extension StablePrompts {
  /// As other programs read weighted prompts.
  public var readsChunks: Bool { true }
}

/// The text networks of Stable Diffusion 1 and 2: CLIP's tokenizer and text model.
public final class CLIPPrompts: StablePrompts {
  /// The tokenizer.
  public let tokenizer: CLIPTokenizer
  /// The text model, into which LoRAs are merged.
  public let encoder: CLIPTextModel
  /// Layers at the end of the text model that are left out.
  public let clipSkip: Int
  private var device = Device.cpu

  /// Joins both; throws if the vocabulary is larger than the model's, or if the model has too few layers to skip.
  public init(_ tokenizer: CLIPTokenizer, _ encoder: CLIPTextModel, clipSkip: Int = 0) throws(ConfigurationError) {
    try tokenizer.check(encoder.configuration)
    let last = encoder.configuration.numHiddenLayers - 1
    guard (0...last).contains(clipSkip) else {
      throw ConfigurationError("clip skip", clipSkip, expected: "0 to \(last)")
    }
    (self.tokenizer, self.encoder, self.clipSkip) = (tokenizer, encoder, clipSkip)
  }

  public var maxTokens: Int { encoder.configuration.maxPositionEmbeddings }
  public var tokenizers: [any PromptTokenizer] { [tokenizer] }
  public var parts: [(tokenizer: CLIPTokenizer, encoder: CLIPTextModel)] { [(tokenizer, encoder)] }
  public var contextWidths: [Int] { [encoder.configuration.hiddenSize] }

  public func encode(_ texts: [PromptTokens], padTo width: Int) -> EncodedTexts {
    let ids = tokenizer.padded(texts.map { $0.ids[0] }, to: maxTokens).to(device)
    let output = encoder(ids)
    let context = encoder.state(of: output, skipping: clipSkip)
    let rows = TextConditioning(context: context, mask: .ones(ids.shape, device: device), pooled: output.pooled)
    return EncodedTexts(rows, fault: rows.allFinite ? nil : .textEncoder)
  }

  public func move(to device: Device) {
    encoder.move(to: device)
    self.device = device
  }
}

extension CLIPTokenizer {
  /// Throws if the vocabulary is larger than a text model's.
  func check(_ configuration: CLIPTextModel.Configuration) throws(ConfigurationError) {
    guard count <= configuration.vocabSize else {
      throw ConfigurationError("vocab_size", configuration.vocabSize, expected: "\(count) or more: the tokenizer's")
    }
  }

  /// Texts as int64 ids `[B, length]`, filled up with the piece that pads; traps if one is longer.
  func padded(_ texts: [[Int32]], to length: Int) -> Tensor {
    let ids = texts.flatMap { $0.map(Int64.init) + [Int64](repeating: Int64(padID), count: length - $0.count) }
    return Tensor(ids, shape: [texts.count, length])
  }
}
