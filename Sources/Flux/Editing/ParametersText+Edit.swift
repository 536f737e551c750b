import Images

extension ParametersText {
  /// The fields of a variation and of an edit, with the names of AUTOMATIC1111's web UI where it has such fields.
  static func editFields(_ request: GenerationRequest) -> [(String, String)] {
    var fields: [(String, String)] = []
    if let variation = request.variation {
      fields += [("Variation seed", "\(variation.seed)"), ("Variation seed strength", number(variation.strength))]
    }
    guard let edit = request.edit else { return fields }
    fields += [
      ("Denoising strength", number(edit.strength)), ("Init image hash", String(edit.image.hash.prefix(10))),
      ("Fit", edit.fit.rawValue),
    ]
    guard edit.isInpainting else { return fields }
    let settings = edit.inpainting
    if let mask = edit.mask {
      fields.append(("Mask hash", String(mask.hash.prefix(10))))
      if settings.isInverted { fields.append(("Mask mode", "Inpaint not masked")) }
    }
    if !edit.extend.isEmpty { fields.append(("Extend", edit.extend.description)) }
    fields += [("Mask blur", "\(settings.blur)"), ("Masked content", settings.fill.displayName)]
    guard settings.crop else { return fields }
    return fields + [("Inpaint area", "Only masked"), ("Masked area padding", "\(settings.padding)")]
  }
}
