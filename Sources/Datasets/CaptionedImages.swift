import Images
import Support

/// A picture and what its caption says.
public struct CaptionedPicture: Sendable, Equatable {
  public let id: String
  public let image: Image  // RGB
  public let caption: String

  public init(id: String, image: Image, caption: String) {
    self.id = id
    self.image = image
    self.caption = caption
  }
}

/// Pictures with captions by index: what training draws its batches from.
public protocol PictureSource: Sendable {
  /// Number of pictures.
  var count: Int { get }
  /// Names the content, in 64 hexadecimal digits: equal digests mean the same pictures and captions in the same order.
  var digest: String { get }
  /// The name of picture `index`, of which there is one in the source.
  func id(_ index: Int) -> String
  /// Everything that is said about picture `index`; may be nothing.
  func captions(_ index: Int) -> [String]
  /// Picture `index` whole and upright, in the channels of its file.
  func image(_ index: Int) throws(DataError) -> Image
}

extension PictureSource {
  /// Picture `index` as training sees it, `size` pixels wide and high: a square of it, resized, over white where it is
  /// transparent, with one of its captions, or "" where it has none.
  ///
  /// - Parameters:
  ///   - crop: which square.
  ///   - mirror: whether every other picture has left and right exchanged, unless its caption speaks of them.
  ///   - seed: the place of a random crop, the caption and the mirroring depend on it and `index` alone.
  public func picture(
    _ index: Int, size: Int, crop: Crop = .centre, mirror: Bool = false, seed: UInt64 = 0
  ) throws(DataError) -> CaptionedPicture {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    let caption = caption(index, &random)
    let isMirrored = mirror && random.chance(0.5) && Mirroring.isAllowed(for: caption)
    let square = crop.square(of: try image(index), size: size, &random)
    return CaptionedPicture(id: id(index), image: isMirrored ? square.mirrored : square, caption: caption)
  }

  /// The caption that `picture` gives, without reading the picture.
  public func caption(_ index: Int, seed: UInt64 = 0) -> String {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    return caption(index, &random)
  }

  private func caption(_ index: Int, _ random: inout SplitMix64) -> String {
    let captions = captions(index)
    return captions.isEmpty ? "" : random.pick(captions)
  }
}
