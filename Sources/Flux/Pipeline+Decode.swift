import Images
import Models
import NN
import Torch

extension Pipeline {
  /// Rows of an enlarged image that are rendered at a time, so that memory does not grow with its height.
  static let bandHeight = 256

  /// Decodes latents `[B, 64, h, w]`, one image after the other so that memory does not grow with their number.
  ///
  /// `size` is the size for a request that asked for these latents; nil is the decoder's own. Throws where the decoder
  /// gives NaN or infinity, which no image shows.
  public func decodeLatents(_ latents: Tensor, size: OutputSize? = nil) throws(GenerationError) -> [Image] {
    try prepare(.autoencoder)
    var images: [Image] = []
    for index in 0..<latents.shape[0] { images.append(try decodeLatent(latents[index..<index + 1], size)) }
    return images
  }

  /// Images of unfinished latents `[B, C, h, w]`, in the size of decoded ones.
  ///
  /// The decoder makes them, or, where it takes the time of a step or two, a smaller one that was chosen for previews, or a
  /// linear map of the latents, which shows colors and places, blurred. `size` is that of `decodeLatents`. Throws where
  /// pixels are NaN or infinity.
  public func previewImages(of latents: Tensor, size: OutputSize? = nil) throws(GenerationError) -> [Image] {
    let pixels = withInference { model.approximatePixels(of: latents) }
    guard let pixels else { return try decodeLatents(latents, size: size) }
    guard pixels.allFinite else { throw .notFinite(.decoder, step: nil, loras: []) }
    let (height, width) = (latents.shape[2] * model.geometry.cell, latents.shape[3] * model.geometry.cell)
    return TensorImage.images(pixels.to(.cpu)).map { image in
      let isWhole = (image.width, image.height) == (width, height)
      return Self.fitted(isWhole ? image : image.resized(width: width, height: height, filter: .bilinear), to: size)
    }
  }

  private func decodeLatent(_ latents: Tensor, _ size: OutputSize?) throws(GenerationError) -> Image {
    if let size, size.upscaler == .decoder, let autoencoder = bundle?.autoencoder,
      let palette = autoencoder.decoder as? PaletteDecoder
    {
      return try render(latents, size, autoencoder, palette)
    }
    let image: Image? = withInference {
      let pixels = model.decode(latents)
      return pixels.allFinite ? TensorImage.images(pixels.to(.cpu))[0] : nil
    }
    guard let image else {
      throw .notFinite(withInference { model.faultyDecoder(latents) }, step: nil, loras: [])
    }
    return Self.fitted(image, to: size)
  }

  /// A decoded image in the size of its request, if that enlarges it.
  private static func fitted(_ image: Image, to size: OutputSize?) -> Image {
    guard let size, size.upscaler == .lanczos else { return image }
    return image.resized(width: size.rendered.width, height: size.rendered.height, filter: .lanczos)
      .cropped(left: size.columns.lowerBound, top: size.rows.lowerBound, width: size.width, height: size.height)
  }

  /// Renders the fields of a palette decoder in bands: the same pixels as in one piece.
  ///
  /// The fields are those of its super-resolution levels, if it has any.
  private func render(
    _ latents: Tensor, _ size: OutputSize, _ autoencoder: Autoencoder, _ palette: PaletteDecoder
  ) throws(GenerationError) -> Image {
    let bytes: [UInt8]? = withInference {
      let fields = autoencoder.fields(
        of: latents, by: palette, height: size.rendered.height, width: size.rendered.width)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(3 * size.width * size.height)
      for start in stride(from: size.rows.lowerBound, to: size.rows.upperBound, by: Self.bandHeight) {
        let band = palette.image(
          of: fields, height: size.rendered.height, width: size.rendered.width,
          rows: start..<min(start + Self.bandHeight, size.rows.upperBound), columns: size.columns)
        guard band.allFinite else { return nil }
        bytes += TensorImage.images(band.to(.cpu))[0].pixels
      }
      return bytes
    }
    guard let bytes else {
      throw .notFinite(withInference { model.faultyDecoder(latents) }, step: nil, loras: [])
    }
    return Image(width: size.width, height: size.height, channels: .rgb, pixels: bytes)
  }
}
