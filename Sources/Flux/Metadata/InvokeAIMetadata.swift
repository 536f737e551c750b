import Support

/// The settings in InvokeAI's metadata: `invokeai_metadata` since version 3, `sd-metadata` before it.
enum InvokeAIMetadata {
  /// Reads the JSON object of either version; nil if it is none.
  static func read(_ json: String) -> ImageMetadata? {
    guard let table = JSONValue(Array(json.utf8)), table.fields != nil else { return nil }
    var result = ImageMetadata(program: .invokeAI)
    let image = table["image"] ?? table  // older files nest the settings
    result.prompt =
      image["positive_prompt"]?.string ?? image["prompt"]?.string
      ?? (image["prompt"]?.array ?? []).compactMap { $0["prompt"]?.string }.joined(separator: ", ")
    result.negativePrompt = image["negative_prompt"]?.string ?? ""
    result.seed = image["seed"]?.int.flatMap { UInt64(exactly: $0) }
    result.steps = image["steps"]?.int
    result.guidanceScale = image["cfg_scale"]?.double
    result.sampler = image["scheduler"]?.string ?? image["sampler"]?.string
    (result.width, result.height) = (image["width"]?.int, image["height"]?.int)
    let model = image["model"] ?? table["model"]
    result.model = model?.string ?? model?["name"]?.string ?? model?["model_name"]?.string
    result.modelHash = model?["hash"]?.string ?? table["model_hash"]?.string
    if let rescale = image["cfg_rescale_multiplier"]?.double { result.fields.append(("CFG rescale", "\(rescale)")) }
    if let strength = image["strength"]?.double { result.fields.append(("Denoising strength", "\(strength)")) }
    if let version = (table["app_version"] ?? table["app_id"])?.string { result.fields.append(("Version", version)) }
    return result
  }
}
