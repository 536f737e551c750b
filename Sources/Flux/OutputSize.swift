/// How an image above the model's size is made from latents of the model's size.
public enum Upscaler: String, Codable, Sendable, CaseIterable {
  /// The decoder renders its fields at the larger size; only palette decoders can.
  case decoder
  /// The decoded image is resized with a Lanczos filter.
  case lanczos

  /// The name in metadata.
  public var displayName: String { self == .decoder ? "Decoder" : "Lanczos" }
}

/// The sizes between a request and its image: what is denoised, what is decoded and what is kept.
///
/// A model composes images of the size it was trained with; denoised at twice that size, objects repeat. Therefore a larger
/// image is denoised with its longer side at the model's size and rendered larger, unless the request asks for large
/// latents.
public struct OutputSize: Sendable {
  /// Rows and columns of the latents.
  public let latent: (height: Int, width: Int)
  /// The decoder's own size for these latents, in pixels.
  public let base: (height: Int, width: Int)
  /// The size that is rendered, in the proportions of `base`.
  ///
  /// Its center is the image.
  public let rendered: (height: Int, width: Int)
  /// Height of the image, in pixels.
  public let height: Int
  /// Width of the image, in pixels.
  public let width: Int
  /// How the pixels above `base` are made; nil if there are none.
  public let upscaler: Upscaler?
  /// The image is larger than the model's own.
  public let isLarge: Bool

  /// The largest enlargement of the model's size, and of its latents.
  static let (largestEnlargement, largestLatents) = (8, 4)

  /// The sizes for a request; throws for those that the model cannot make.
  public init(_ request: GenerationRequest, _ model: ImageGeometry) throws(GenerationError) {
    let (own, cell) = (model.imageSize, model.cell)
    (height, width) = (request.height ?? own, request.width ?? own)
    let longest = max(height, width)
    isLarge = longest > own
    let isEnlarged = isLarge && !request.largeLatents
    let largest = own * (request.largeLatents ? Self.largestLatents : Self.largestEnlargement)
    for (name, value) in [("height", height), ("width", width)] {
      let isPossible = (isEnlarged ? 1 : cell) <= value && value <= largest
      guard isPossible, isEnlarged || value % cell == 0 else {
        throw .size(
          name: name, value: value, multiple: cell, own: request.largeLatents ? largest : own,
          largest: largest)
      }
    }
    guard isEnlarged else {
      latent = (height / cell, width / cell)
      (base, rendered, upscaler) = ((height, width), (height, width), nil)
      return
    }
    let factor = Double(longest) / Double(own)
    func cells(_ side: Int) -> Int { max(1, Int((Double(side) / factor / Double(cell)).rounded(.up))) }
    func enlarged(_ side: Int) -> Int { Int((Double(side) * factor).rounded()) }
    latent = (cells(height), cells(width))
    base = (latent.height * cell, latent.width * cell)
    rendered = (max(height, enlarged(base.height)), max(width, enlarged(base.width)))
    upscaler = request.upscaler ?? (model.rendersAnySize ? .decoder : .lanczos)
    if upscaler == .decoder, !model.rendersAnySize { throw .upscaler(.decoder) }
  }

  /// The rows of the rendered image that are kept.
  var rows: Range<Int> { Self.center(height, of: rendered.height) }
  /// The columns of the rendered image that are kept.
  var columns: Range<Int> { Self.center(width, of: rendered.width) }

  private static func center(_ part: Int, of whole: Int) -> Range<Int> {
    let start = (whole - part) / 2
    return start..<start + part
  }
}
