import Flux
import Images
import Support

/// The fields of `POST /flux/v1/jobs` that say what images are made from beside the prompt.
enum NativeEdit {
  /// Reads `images` of the body, and the fields of `request` that belong to its images or to a variation.
  static func read(
    _ body: inout FieldReader, _ request: inout FieldReader, into draft: inout OrderDraft, _ limits: ServerLimits
  ) throws(RequestError) {
    let kind = try kind(&body)
    try readImages(&body, into: &draft, limits)
    let hasMask = draft.edit?.mask != nil
    let maskOptions = ["mask_invert", "mask_blur", "mask_fill", "mask_crop", "mask_padding"]
    try refuse(["strength", "fit"], in: request, unless: draft.edit != nil, "there is no init image (images.init)")
    try refuse(maskOptions, in: request, unless: hasMask, "there is no mask (images.mask)")
    if var edit = draft.edit {
      edit.strength = try request.number("strength", 0...1) ?? edit.strength
      edit.fit = try choice("fit", &request) ?? edit.fit
      if hasMask { edit.inpainting = try inpainting(&request) }
      draft.edit = edit
    }
    try readVariation(&request, into: &draft)
    if let kind, kind != draft.kind {
      let missing =
        switch kind {
        case .text: "has neither images nor a variation"
        case .image: "needs images.init, and has no images.mask"
        case .inpaint: "needs images.init and images.mask"
        case .variation: "needs variation_seed and variation_strength, and has no images"
        }
      throw RequestError("the kind is \(kind.rawValue): such a job \(missing)", field: "kind")
    }
  }

  private static func kind(_ body: inout FieldReader) throws(RequestError) -> ImageOrder.Kind? {
    guard let name = try body.string("kind") else { return nil }
    guard let kind = ImageOrder.Kind(rawValue: name) else {
      let names = ImageOrder.Kind.allCases.map(\.rawValue).joined(separator: ", ")
      throw RequestError("the kind is \"\(name.prefix(40))\", expected one of \(names)", field: "kind")
    }
    return kind
  }

  /// `images` {`init`, `mask`}, each in base64 or as a `data:` URL.
  private static func readImages(
    _ body: inout FieldReader, into draft: inout OrderDraft, _ limits: ServerLimits
  ) throws(RequestError) {
    guard var images = try body.object("images") else { return }
    let (first, mask) = (try images.string("init", longest: .max), try images.string("mask", longest: .max))
    try NativeRequest.refuseUnknown(images, in: "images.")
    guard let first else {
      throw RequestError("images.init is missing", field: "images.init", code: "missing")
    }
    var edit = EditDraft(image: try ClientImage.read(first, "images.init", limits))
    edit.names = (image: "images.init", mask: "images.mask", strength: "strength")
    if let mask { edit.mask = try ClientImage.read(mask, "images.mask", limits) }
    draft.edit = edit
  }

  private static func inpainting(_ request: inout FieldReader) throws(RequestError) -> Inpainting {
    var settings = Inpainting()
    settings.isInverted = try request.bool("mask_invert") ?? settings.isInverted
    settings.blur = try request.int("mask_blur", 0...256) ?? settings.blur
    settings.fill = try choice("mask_fill", &request) ?? settings.fill
    settings.crop = try request.bool("mask_crop") ?? settings.crop
    settings.padding = try request.int("mask_padding", 0...16_384) ?? settings.padding
    return settings
  }

  private static func readVariation(_ request: inout FieldReader, into draft: inout OrderDraft) throws(RequestError) {
    let seed = try request.int("variation_seed", 0...OrderDraft.seeds.upperBound)
    let strength = try request.number("variation_strength", 0...1)
    guard (seed == nil) == (strength == nil) else {
      let missing = seed == nil ? "variation_seed" : "variation_strength"
      throw RequestError(
        "a variation has a seed and a strength: \(missing) is missing", field: missing, code: "missing")
    }
    if let seed, let strength { draft.variation = Variation(seed: UInt64(seed), strength: strength) }
  }

  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ name: String, _ reader: inout FieldReader
  ) throws(RequestError) -> Choice? where Choice.RawValue == String {
    guard let text = try reader.string(name) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let names = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw RequestError("\(name) is \"\(text.prefix(40))\", expected one of \(names)", field: name)
    }
    return choice
  }

  private static func refuse(
    _ names: [String], in request: FieldReader, unless isPossible: Bool, _ reason: String
  ) throws(RequestError) {
    guard !isPossible, let field = request.fields.first(where: { names.contains($0.key) && !$0.value.isNull }) else {
      return
    }
    throw RequestError("\(field.key) has no effect: \(reason)", field: field.key)
  }
}
