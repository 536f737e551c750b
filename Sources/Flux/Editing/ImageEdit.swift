import Images
import Support

/// What an image is made from if not from noise alone: an init image, and the part of it that is redrawn.
///
/// Without mask and extension it is image-to-image, which redraws everything. With a mask it is inpainting, with an extension
/// outpainting: the other pixels come back unchanged.
public struct ImageEdit: Codable, Sendable, Equatable {
  /// The init image.
  public var image: ReferencedImage
  /// How much is changed: the share of the steps that are done, 0…1.
  ///
  /// 0 gives the image encoded and decoded; 1 without a mask is text-to-image.
  public var strength: Double
  /// How the init image gets the proportions of the request's width and height.
  public var fit: ImageFit
  /// White, or transparent, where the image is redrawn; nil redraws everything, or an extension alone.
  ///
  /// It has the proportions of the init image.
  public var mask: ReferencedImage?
  /// Pixels that are added around the image, which are redrawn.
  public var extend: Margins
  /// Settings that matter with a mask or an extension.
  public var inpainting: Inpainting

  /// An edit of the given values; `validate` checks them.
  public init(
    image: Image, strength: Double = 0.75, fit: ImageFit = .cover, mask: Image? = nil, extend: Margins = Margins(),
    inpainting: Inpainting = Inpainting()
  ) {
    self.image = ReferencedImage(image)
    self.strength = strength
    self.fit = fit
    self.mask = mask.map(ReferencedImage.init)
    self.extend = extend
    self.inpainting = inpainting
  }

  /// Whether only a part is redrawn.
  public var isInpainting: Bool { mask != nil || !extend.isEmpty }

  /// The largest init image and the largest result, in pixels.
  public static let maxPixels = 1 << 24

  /// Throws for values out of range, a mask of other proportions, or images that are too large or not given.
  public func validate() throws(EditError) {
    func check(_ name: String, _ value: Int, _ range: ClosedRange<Int>) throws(EditError) {
      guard range.contains(value) else { throw .range(name: name, value: value, range) }
    }
    guard (0...1).contains(strength) else { throw .strength(strength) }
    try check("mask blur", inpainting.blur, 0...256)
    try check("mask padding", inpainting.padding, 0...16_384)
    for (name, value) in [
      ("left", extend.left), ("top", extend.top), ("right", extend.right), ("bottom", extend.bottom),
    ] { try check("extension \(name)", value, 0...4096) }
    let image = try image.requirePixels("init image")
    guard image.width * image.height <= Self.maxPixels else {
      throw .tooLarge("the init image", width: image.width, height: image.height)
    }
    guard let mask = try mask?.requirePixels("mask") else { return }
    // The mask at the image's width differs from it by less than a pixel in height, or the other way round.
    let (a, b) = (Double(mask.width * image.height), Double(mask.height * image.width))
    guard abs(a - b) <= Double(max(mask.width, mask.height, image.width, image.height)) else {
      throw .maskSize(mask: [mask.width, mask.height], image: [image.width, image.height])
    }
  }
}

/// How a part of an image is redrawn.
public struct Inpainting: Codable, Sendable, Equatable {
  /// What is under the mask at the start.
  public enum Fill: String, Codable, Sendable, CaseIterable {
    /// The image itself, or the repeated edge where it is extended.
    case original
    /// The colors around the mask, smoothly continued.
    case blur
    /// Standard noise in place of latents.
    case noise
    /// Latents of 0.
    case empty

    /// The name in AUTOMATIC1111's web UI.
    public var displayName: String {
      switch self {
      case .original: "original"
      case .blur: "fill"
      case .noise: "latent noise"
      case .empty: "latent nothing"
      }
    }
  }

  /// The black part of the mask is redrawn instead of the white one.
  public var isInverted: Bool
  /// Pixels around the mask in which the redrawn part fades into the image, 0…256.
  ///
  /// Beyond, pixels are those of the init image to the byte.
  public var blur: Int
  /// What is under the mask at the start.
  public var fill: Fill
  /// Draw the surroundings of the mask at the model's full size, instead of the whole image.
  public var crop: Bool
  /// Pixels around the mask, and its blur, that are drawn with it where `crop` is set.
  public var padding: Int

  /// The defaults suit models with large latent cells.
  public init(isInverted: Bool = false, blur: Int = 16, fill: Fill = .original, crop: Bool = true, padding: Int = 32) {
    self.isInverted = isInverted
    self.blur = blur
    self.fill = fill
    self.crop = crop
    self.padding = padding
  }
}

/// An image that a request refers to: its pixels and their hash.
///
/// Only the hash is encoded, so that metadata stays small, and images are equal if their hashes are.
public struct ReferencedImage: Codable, Sendable, Equatable {
  /// SHA-256 of width, height and channels, each in four bytes (little-endian), and the pixels; 64 hexadecimal digits.
  public let hash: String
  /// The pixels; nil if this was decoded.
  public let pixels: Image?

  /// An image with its hash.
  public init(_ image: Image) {
    var hash = SHA256()
    let header = [image.width, image.height, image.channels.rawValue].map { UInt32($0).littleEndian }
    header.withUnsafeBytes { hash.update($0) }
    image.pixels.withUnsafeBytes { hash.update($0) }
    self.hash = hash.hexDigest()
    pixels = image
  }

  private init(hash: String) { (self.hash, pixels) = (hash, nil) }

  /// The same without its pixels, which takes no memory.
  public var reference: ReferencedImage { ReferencedImage(hash: hash) }

  /// Reads a hash.
  public init(from decoder: any Decoder) throws {
    hash = try decoder.singleValueContainer().decode(String.self)
    pixels = nil
  }

  /// Writes the hash.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(hash)
  }

  /// Whether two images have one hash.
  public static func == (a: ReferencedImage, b: ReferencedImage) -> Bool { a.hash == b.hash }

  func requirePixels(_ what: String) throws(EditError) -> Image {
    guard let pixels else { throw .noPixels(what, hash: hash) }
    return pixels
  }
}

/// An error in an edit.
public enum EditError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The request was decoded, and its image was not put into it.
  case noPixels(String, hash: String)
  /// The strength is outside 0…1.
  case strength(Double)
  /// A number is out of range.
  case range(name: String, value: Int, ClosedRange<Int>)
  /// The mask, `[width, height]`, has other proportions than the image.
  case maskSize(mask: [Int], image: [Int])
  /// The mask selects no pixel.
  case emptyMask(isInverted: Bool)
  /// An image has more than `ImageEdit.maxPixels`.
  case tooLarge(String, width: Int, height: Int)
  /// Large latents and a mask, which exclude each other.
  case largeLatents
  /// The model draws under masks only, and the request has none.
  case maskNeeded

  public var description: String {
    switch self {
    case .noPixels(let what, let hash): "the \(what) with hash \(hash.prefix(10)) is needed, and is not given"
    case .strength(let strength): "strength \(strength.shown) is outside 0…1"
    case .range(let name, let value, let range):
      "\(name) \(value) must be \(range.lowerBound) to \(range.upperBound)"
    case .maskSize(let mask, let image):
      "the mask has \(mask[0])×\(mask[1]) pixels and the init image \(image[0])×\(image[1]): they must have the same"
        + " proportions"
    case .emptyMask(let isInverted):
      isInverted
        ? "the mask is white everywhere, and inverted: nothing would be redrawn"
        : "the mask has no white pixel: nothing would be redrawn"
    case .tooLarge(let what, let width, let height):
      "\(what) has \(width)×\(height) pixels, \(width * height) in total; the limit is \(ImageEdit.maxPixels)"
    case .maskNeeded:
      "this model is for inpainting, and needs an init image and a mask: -i IMAGE --mask MASK, or an extension"
    case .largeLatents: "large latents cannot be combined with a mask or an extension"
    }
  }
}
