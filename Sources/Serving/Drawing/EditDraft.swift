import Flux
import Images

/// The image that a client wants to be redrawn, before it is checked.
struct EditDraft {
  /// The init image.
  var image: Image
  /// White, or transparent, where the image is redrawn; nil redraws everything.
  var mask: Image?
  /// The share of the steps that are done, 0…1.
  var strength = 0.75
  var fit = ImageFit.cover
  var inpainting = Inpainting()
  /// Whether the result has the proportions of the init image where no size is asked for.
  var keepsProportions = false
  /// What the client's interface calls the init image, the mask and the strength.
  var names = (image: "image", mask: "mask", strength: "strength")

  /// The edit; throws an error that names the client's field.
  func checked() throws(RequestError) -> ImageEdit {
    let edit = ImageEdit(image: image, strength: strength, fit: fit, mask: mask, inpainting: inpainting)
    do throws(EditError) {
      try edit.validate()
      if let mask, mask.asMask(inverted: inpainting.isInverted).maskBounds == nil {
        throw .emptyMask(isInverted: inpainting.isInverted)
      }
      return edit
    } catch {
      let field =
        switch error {
        case .strength: names.strength
        case .maskSize, .emptyMask, .maskNeeded, .range: names.mask
        case .noPixels, .tooLarge, .largeLatents: names.image
        }
      throw RequestError(error.description, field: field, code: "invalid_image")
    }
  }
}

extension PixelSize {
  /// The size of an image.
  init(of image: Image) { self.init(width: image.width, height: image.height) }
}
