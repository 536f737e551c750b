import Diffusion
import Flux
import Images

/// Images that a client wants: a request that was checked completely, so that drawing it does not fail for its values.
public struct ImageOrder: Sendable {
  /// Settings of the first image; image k has seed + k.
  ///
  /// Width and height are those that are drawn.
  public var request: GenerationRequest
  /// Number of images.
  public var count: Int
  /// Name of the model.
  public var model: String
  /// Whether the model's few-step student draws.
  public var fast: Bool
  /// The size that the drawn image is resampled to; nil where it stays.
  public var finalSize: PixelSize?
  /// The format of the files.
  public var format: ImageFile
  /// JPEG or WebP quality, 1…100.
  public var quality: Int
  /// A preview after every this many steps; 0 is none.
  public var previewSteps: Int
  /// Whether the files hold the generation parameters.
  public var hasMetadata: Bool
  /// Fields of the client's request that have no effect.
  public var ignored: [String]
  /// What may surprise, in sentences: words that were cut, settings without effect.
  public var warnings: [String]
  /// Tokens of the prompt, for accounting.
  public var tokens: Int
  /// Steps of one image; fewer than the request's where it starts from an init image.
  public var steps: Int

  /// An order whose values were checked.
  public init(
    request: GenerationRequest, count: Int, model: String, fast: Bool, finalSize: PixelSize?, format: ImageFile,
    quality: Int, previewSteps: Int, hasMetadata: Bool, ignored: [String], warnings: [String], tokens: Int,
    steps: Int? = nil
  ) {
    (self.request, self.count, self.model, self.fast) = (request, count, model, fast)
    (self.finalSize, self.format, self.quality) = (finalSize, format, quality)
    (self.previewSteps, self.hasMetadata) = (previewSteps, hasMetadata)
    (self.ignored, self.warnings, self.tokens) = (ignored, warnings, tokens)
    self.steps = steps ?? request.steps
  }

  /// The size that was asked for.
  public func size(of model: ServedModel) -> PixelSize {
    let own = model.imageSize
    return finalSize ?? PixelSize(width: request.width ?? own, height: request.height ?? own)
  }

  /// What images are made from.
  public enum Kind: String, Sendable, CaseIterable {
    /// A prompt.
    case text
    /// An init image, all of which is redrawn.
    case image
    /// An init image, of which a part is redrawn.
    case inpaint
    /// A prompt and the noise between two seeds.
    case variation
  }

  /// What images are made from.
  public var kind: Kind {
    if let edit = request.edit { return edit.isInpainting ? .inpaint : .image }
    return request.variation == nil ? .text : .variation
  }

  /// Bytes of the init image and the mask.
  var imageBytes: Int {
    [request.edit?.image, request.edit?.mask].reduce(0) { $0 + ($1?.pixels?.pixels.count ?? 0) }
  }

  /// Forgets the pixels of init image and mask, which an order that was drawn needs no longer.
  mutating func forgetImages() { request.forgetImages() }

  /// Whether images of both orders can be denoised in one batch.
  func canShareBatch(with other: ImageOrder) -> Bool {
    model == other.model && fast == other.fast && request.canShareBatch(with: other.request)
  }
}

extension GenerationRequest {
  /// Forgets the pixels of init image and mask; what metadata says of them stays.
  mutating func forgetImages() {
    guard var edit else { return }
    (edit.image, edit.mask) = (edit.image.reference, edit.mask?.reference)
    self.edit = edit
  }
}
