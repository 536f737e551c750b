import Flux
import Images
import Support

/// The fields of `POST /sdapi/v1/img2img` about the init image and its mask.
enum A1111Edit {
  static func read(
    _ reader: inout FieldReader, into draft: inout OrderDraft, _ service: FluxService
  ) throws(RequestError) {
    var edit = EditDraft(image: try initImage(&reader, service.limits))
    edit.names = (image: "init_images", mask: "mask", strength: "denoising_strength")
    edit.strength = try reader.number("denoising_strength", 0...1) ?? edit.strength
    let mode = try reader.int("resize_mode", 0...3) ?? 0
    edit.fit = [ImageFit.stretch, .cover, .contain, .stretch][mode]
    if mode == 3 { draft.ignored.append("resize_mode") }
    let (width, height) = (try reader.int("width", 1...16_384), try reader.int("height", 1...16_384))
    let own = service.catalog.standard.imageSize
    if width != nil || height != nil { draft.size = PixelSize(width: width ?? own, height: height ?? own) }
    // Clients send the settings of masks also without one.
    edit.inpainting = try inpainting(&reader)
    if let text = try reader.string("mask", longest: .max), !text.isEmpty {
      edit.mask = opaquePart(of: try ClientImage.read(text, "mask", service.limits))
      if edit.inpainting.crop {
        // The result has the size of the init image, and the surroundings of the mask are drawn at the model's size.
        if let width, width != own { draft.ignored.append("width") }
        if let height, height != own { draft.ignored.append("height") }
        draft.size = nil
      } else if draft.size == nil {
        draft.size = PixelSize(width: own, height: own)
      }
    }
    draft.edit = edit
  }

  private static func initImage(_ reader: inout FieldReader, _ limits: ServerLimits) throws(RequestError) -> Image {
    guard let images = try reader.list("init_images"), let first = images.first else {
      throw RequestError("Init image not found", code: "init_image_not_found", status: 404)
    }
    guard images.count == 1 else {
      throw RequestError(
        "init_images has \(images.count) images; one request draws from one image", field: "init_images")
    }
    guard let text = first.string else {
      throw RequestError("init_images does not hold text", field: "init_images", code: "invalid_type")
    }
    return try ClientImage.read(text, "init_images", limits)
  }

  /// The settings of masks, with the defaults of the web UI's interface.
  private static func inpainting(_ reader: inout FieldReader) throws(RequestError) -> Inpainting {
    var settings = Inpainting(blur: 4, fill: .blur, crop: true, padding: 0)
    let (x, y) = (try reader.int("mask_blur_x", 0...256), try reader.int("mask_blur_y", 0...256))
    settings.blur = try reader.int("mask_blur", 0...256) ?? [x, y].compactMap { $0 }.max() ?? settings.blur
    settings.isInverted = try reader.flag("inpainting_mask_invert") ?? false
    if let fill = try reader.int("inpainting_fill", 0...3) {
      settings.fill = [Inpainting.Fill.blur, .original, .noise, .empty][fill]
    }
    settings.crop = try reader.flag("inpaint_full_res") ?? settings.crop
    settings.padding = try reader.int("inpaint_full_res_padding", 0...16_384) ?? settings.padding
    return settings
  }

  /// In a mask with transparency, the web UI redraws the opaque part, and colors do not count.
  private static func opaquePart(of mask: Image) -> Image {
    guard mask.channels == .rgba else { return mask }
    let alpha = stride(from: 3, to: mask.pixels.count, by: 4).map { mask.pixels[$0] }
    guard alpha.contains(where: { $0 < 255 }) else { return mask }
    return Image(width: mask.width, height: mask.height, channels: .gray, pixels: alpha)
  }
}
