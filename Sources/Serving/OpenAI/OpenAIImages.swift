import Flux
import Images
import Support

/// The body of a request that edits or varies an image: a form with files, or JSON with `data:` URLs.
struct OpenAIImages {
  /// The fields that are no images.
  let fields: FieldReader
  /// The file of the image.
  let file: [UInt8]
  /// The file of the mask; nil where there is none.
  let mask: [UInt8]?

  init(_ request: ServerRequest) throws(RequestError) {
    if request.headers["Content-Type"]?.lowercased().hasPrefix("multipart/") == true {
      try self.init(form: request)
    } else {
      try self.init(json: request.body)
    }
  }

  /// Files named `image` or `image[]`, and `mask`; everything else is text.
  private init(form request: ServerRequest) throws(RequestError) {
    let form = try MultipartForm(request.body, type: request.headers["Content-Type"] ?? "")
    var (images, masks, fields): ([[UInt8]], [[UInt8]], [(key: String, value: JSONValue)]) = ([], [], [])
    for part in form.parts {
      switch part.name {
      case "image", "image[]": images.append(part.bytes)
      case "mask": masks.append(part.bytes)
      default:
        guard let text = String(validating: part.bytes, as: UTF8.self) else {
          throw RequestError(
            "\(part.name.prefix(60)) is not text in UTF-8", field: String(part.name.prefix(60)), code: "invalid_type")
        }
        fields.append((part.name, .string(text)))
      }
    }
    self.fields = FieldReader(fields, isForm: true)
    file = try Self.only(images)
    guard masks.count < 2 else { throw RequestError("mask is given \(masks.count) times", field: "mask") }
    mask = masks.first
  }

  /// `images: [{image_url}]` and `mask: {image_url}`.
  private init(json body: [UInt8]) throws(RequestError) {
    var reader = try FieldReader(body: body)
    var files: [[UInt8]] = []
    for value in try reader.list("images") ?? [] { files.append(try Self.file(value, "images")) }
    if let value = reader.value("mask") {
      mask = try Self.file(value, "mask")
    } else {
      mask = nil
    }
    file = try Self.only(files)
    fields = reader
  }

  private static func file(_ value: JSONValue, _ field: String) throws(RequestError) -> [UInt8] {
    guard let text = value["image_url"]?.string, text.hasPrefix("data:"), let bytes = Base64.decode(text) else {
      throw RequestError(
        "\(field) does not hold an image_url with a data: URL in base64: addresses and file_id are not read",
        field: field, code: "invalid_image")
    }
    return bytes
  }

  private static func only(_ images: [[UInt8]]) throws(RequestError) -> [UInt8] {
    guard let first = images.first else {
      throw RequestError("image is missing", field: "image", code: "missing_required_parameter")
    }
    guard images.count == 1 else {
      throw RequestError("image is given \(images.count) times; one request changes one image", field: "image")
    }
    return first
  }

  /// The edit: of the part where the mask, or without a mask the image, is transparent, or else of everything.
  func edit(strength: Double, _ limits: ServerLimits) throws(RequestError) -> EditDraft {
    var edit = EditDraft(image: try ClientImage.read(file, "image", limits), strength: strength)
    edit.keepsProportions = true
    if let mask {
      let image = try ClientImage.read(mask, "mask", limits)
      guard image.hasTransparentPart else {
        throw RequestError(
          "mask has no transparent pixels, which are those to be redrawn", field: "mask", code: "invalid_image")
      }
      edit.mask = image
    } else if edit.image.hasTransparentPart {
      // What is under transparent pixels is not meant to be seen: it begins with the colors around them.
      (edit.mask, edit.inpainting.fill) = (edit.image, .blur)
    }
    return edit
  }

  /// The prompts that the image file states, by whichever program; nil where there are none.
  var prompts: (prompt: String, negative: String)? {
    guard let metadata = ImageMetadata(file: file), !metadata.prompt.isEmpty else { return nil }
    return (metadata.prompt, metadata.negativePrompt)
  }
}

extension Image {
  /// Whether it has pixels that are nearer to transparent than to opaque.
  fileprivate var hasTransparentPart: Bool {
    channels == .rgba && (0..<width * height).contains { pixels[4 * $0 + 3] < 128 }
  }
}
