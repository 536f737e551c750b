import Images
import Models

/// An edit in pixels: the canvas, its mask, and the region that is drawn.
///
/// A model draws at its own size. Without a mask that is the whole canvas. With one it is a region around the mask, so that a
/// small mask gets many latent cells, or the whole canvas if cropping is off. The drawn region is resized to its place and
/// blended with the canvas.
public struct EditLayout: Sendable {
  /// The init image at the size of the result, RGB, with repeated edges where it is extended.
  public let canvas: Image
  /// The mask at that size, gray, 255 where the canvas is redrawn; nil redraws everything.
  public let mask: Image?
  /// The part of the canvas that is drawn.
  public let region: PixelRectangle
  /// The size at which the region is drawn, in pixels.
  public let drawn: (width: Int, height: Int)
  /// The weight of the drawn region in the result, 0…255, by pixel of the region; nil without a mask.
  let weights: Image?

  /// Lays out a request; nil if it edits no image.
  ///
  /// Throws for edits that are not valid.
  public init?(_ request: GenerationRequest, _ model: ImageGeometry) throws(EditError) {
    guard let edit = request.edit else { return nil }
    try edit.validate()
    for (name, value) in [("width", request.width), ("height", request.height)] {
      guard let value, !(1...ImageFile.maxSide).contains(value) else { continue }
      throw .range(name: name, value: value, 1...ImageFile.maxSide)
    }
    let image = try edit.image.requirePixels("init image").composited(on: Color(255, 255, 255))
    let size = Self.size(request, of: image, edit, model)
    let whole = (
      width: size.width + edit.extend.left + edit.extend.right,
      height: size.height + edit.extend.top + edit.extend.bottom
    )
    guard whole.width * whole.height <= ImageEdit.maxPixels else {
      throw .tooLarge("the result", width: whole.width, height: whole.height)
    }
    canvas = image.fitted(width: size.width, height: size.height, edit.fit).extended(by: edit.extend)
    let everything = PixelRectangle(left: 0, top: 0, width: whole.width, height: whole.height)
    guard edit.isInpainting else {
      (region, drawn, mask, weights) = (everything, size, nil, nil)
      return
    }
    guard !request.largeLatents else { throw .largeLatents }
    let settings = edit.inpainting
    let mask = try Self.mask(edit, of: image, width: size.width, height: size.height)
      .extended(by: edit.extend, margin: 255)
    guard let bounds = mask.maskBounds else { throw .emptyMask(isInverted: settings.isInverted) }
    self.mask = mask
    region =
      settings.crop ? Self.surroundings(of: bounds, margin: settings.blur + settings.padding, in: canvas) : everything
    drawn = Self.drawnSize(region, model)
    weights = mask.cropped(region).feathered(radius: settings.blur)
  }

  /// The mask of an edit, fitted as the image is; 0 everywhere if the edit only extends.
  private static func mask(
    _ edit: ImageEdit, of image: Image, width: Int, height: Int
  ) throws(EditError) -> Image {
    guard let given = try edit.mask?.requirePixels("mask") else {
      return Image(width: width, height: height, channels: .gray, pixels: .init(repeating: 0, count: width * height))
    }
    return given.asMask(inverted: edit.inpainting.isInverted)
      .resized(width: image.width, height: image.height, filter: .box)
      .fitted(width: width, height: height, edit.fit, filter: .box, margin: 0).asMask()
  }

  /// The size of the init image on the canvas: the request's, or the model's, or with a mask its own.
  private static func size(
    _ request: GenerationRequest, of image: Image, _ edit: ImageEdit, _ model: ImageGeometry
  ) -> (width: Int, height: Int) {
    guard edit.isInpainting else { return (request.width ?? model.imageSize, request.height ?? model.imageSize) }
    func proportional(_ side: Int, _ a: Int, _ b: Int) -> Int {
      max(1, Int((Double(side) * Double(a) / Double(b)).rounded()))
    }
    return switch (request.width, request.height) {
    case (nil, nil): (image.width, image.height)
    case (let width?, nil): (width, proportional(width, image.height, image.width))
    case (nil, let height?): (proportional(height, image.width, image.height), height)
    case (let width?, let height?): (width, height)
    }
  }

  /// A square around a rectangle with a margin, or as much of it as lies in the canvas.
  private static func surroundings(of bounds: PixelRectangle, margin: Int, in canvas: Image) -> PixelRectangle {
    let side = max(bounds.width, bounds.height) + 2 * margin
    /// The first pixel and the length along one axis.
    func span(_ start: Int, _ length: Int, within limit: Int) -> (start: Int, length: Int) {
      let size = min(side, limit)
      return (min(max(0, start + length / 2 - size / 2), limit - size), size)
    }
    let columns = span(bounds.left, bounds.width, within: canvas.width)
    let rows = span(bounds.top, bounds.height, within: canvas.height)
    return PixelRectangle(left: columns.start, top: rows.start, width: columns.length, height: rows.length)
  }

  /// The model's size in the proportions of a region, in whole latent cells; a larger region is drawn at its own size.
  private static func drawnSize(
    _ region: PixelRectangle, _ model: ImageGeometry
  ) -> (width: Int, height: Int) {
    let (own, cell) = (model.imageSize, model.cell)
    let longest = max(region.width, region.height)
    if longest > own { return (region.width, region.height) }
    func side(_ length: Int) -> Int {
      let cells = Double(length) / Double(longest) * Double(own) / Double(cell)
      return max(1, Int(cells.rounded())) * cell
    }
    return (side(region.width), side(region.height))
  }

  /// The request at the size that is drawn.
  func drawing(_ request: GenerationRequest) -> GenerationRequest {
    var request = request
    (request.width, request.height) = drawn
    return request
  }

  /// The region at the size that the autoencoder encodes for `size`, with the mask filled from its surroundings if that is
  /// asked for.
  func encoded(for size: OutputSize, filled: Bool = false) -> Image {
    var part = canvas.cropped(region)
    if filled, let mask { part = part.filledFromSurroundings(under: mask.cropped(region)) }
    return part.resized(width: drawn.width, height: drawn.height, filter: .lanczos)
      .extended(by: surplus(of: size))
      .resized(width: size.base.width, height: size.base.height, filter: .lanczos)
  }

  /// 1 for every pixel of that image which is kept, 0 under the mask or its blur, by rows; nil without a mask.
  func keptPixels(for size: OutputSize) -> [Float]? {
    guard let weights else { return nil }
    var holes = weights
    holes.pixels = weights.pixels.map { $0 > 0 ? 255 : 0 }
    return holes.resized(width: drawn.width, height: drawn.height, filter: .box)
      .extended(by: surplus(of: size), margin: 0)
      .resized(width: size.base.width, height: size.base.height, filter: .box)
      .pixels.map { $0 < 128 ? 1 : 0 }
  }

  /// What is rendered around the drawn region.
  private func surplus(of size: OutputSize) -> Margins {
    Margins(
      left: size.columns.lowerBound, top: size.rows.lowerBound,
      right: size.rendered.width - size.columns.upperBound, bottom: size.rendered.height - size.rows.upperBound)
  }

  /// 1 for every latent cell that the mask or its blur touches, 0 for the others, by rows; nil without a mask.
  func cells(for size: OutputSize) -> [Float]? {
    guard let weights else { return nil }
    /// The cells under each pixel of one axis.
    func ranges(_ length: Int, drawn: Int, start: Int, rendered: Int, cells: Int) -> [ClosedRange<Int>] {
      (0..<length).map { pixel in
        let scale = Double(cells) / Double(rendered)
        let from = (Double(pixel) * Double(drawn) / Double(length) + Double(start)) * scale
        let to = (Double(pixel + 1) * Double(drawn) / Double(length) + Double(start)) * scale
        let first = min(cells - 1, Int(from + 1e-6))
        return first...max(first, min(cells - 1, Int((to - 1e-6).rounded(.down))))
      }
    }
    let columns = ranges(
      region.width, drawn: drawn.width, start: size.columns.lowerBound, rendered: size.rendered.width,
      cells: size.latent.width)
    let rows = ranges(
      region.height, drawn: drawn.height, start: size.rows.lowerBound, rendered: size.rendered.height,
      cells: size.latent.height)
    var result = [Float](repeating: 0, count: size.latent.width * size.latent.height)
    for y in 0..<region.height {
      for x in 0..<region.width where weights.pixels[y * region.width + x] > 0 {
        for row in rows[y] { for column in columns[x] { result[row * size.latent.width + column] = 1 } }
      }
    }
    return result
  }

  /// The canvas with the drawn region in its place; the drawn image itself if all is redrawn.
  func pasted(_ image: Image) -> Image {
    guard let weights else { return image }
    let patch = image.resized(width: region.width, height: region.height, filter: .lanczos)
    return canvas.replacing(region, with: canvas.cropped(region).blended(with: patch, mask: weights))
  }
}

extension Image {
  /// The part of the image in a rectangle within it.
  fileprivate func cropped(_ part: PixelRectangle) -> Image {
    cropped(left: part.left, top: part.top, width: part.width, height: part.height)
  }
}
