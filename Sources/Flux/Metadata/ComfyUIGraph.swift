import Support

/// The settings in a graph of ComfyUI, as its API format describes it: nodes by id, each with its class and inputs.
///
/// A graph can be anything; the settings are those of the first sampler that has a prompt.
struct ComfyUIGraph {
  private let nodes: [(id: String, type: String, inputs: JSONValue)]

  /// Nil if the text is no such graph.
  init?(_ json: String) {
    guard let fields = JSONValue(Self.withoutNaN(Array(json.utf8)))?.fields else { return nil }
    nodes = fields.compactMap { field in
      guard let type = field.value["class_type"]?.string, let inputs = field.value["inputs"] else { return nil }
      return (field.key, type, inputs)
    }
    if nodes.isEmpty { return nil }
  }

  /// The text with null for the NaN that Python writes, such as in `"is_changed": [NaN]`, and JSON does not have.
  private static func withoutNaN(_ json: [UInt8]) -> [UInt8] {
    let (nan, null) = (Array("NaN".utf8), Array("null".utf8))
    var result: [UInt8] = []
    var (isText, isEscaped) = (false, false)
    var index = 0
    while index < json.count {
      let byte = json[index]
      if !isText, json[index...].starts(with: nan) {
        result += null
        index += nan.count
        continue
      }
      if byte == UInt8(ascii: "\""), !isEscaped { isText.toggle() }
      isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
      result.append(byte)
      index += 1
    }
    return result
  }

  /// Number of nodes.
  var count: Int { nodes.count }

  /// The settings of its sampler; without one, all are nil.
  var metadata: ImageMetadata {
    var result = ImageMetadata(program: .comfyUI)
    guard let sampler = nodes.first(where: { $0.inputs["positive"] != nil && $0.inputs["steps"] != nil })?.inputs
    else { return result }
    result.prompt = find(["text", "text_g", "prompt", "string", "value"], from: sampler["positive"])?.string ?? ""
    result.negativePrompt =
      find(["text", "text_g", "prompt", "string", "value"], from: sampler["negative"])?.string ?? ""
    result.seed = number(sampler["seed"] ?? sampler["noise_seed"]).flatMap { UInt64(exactly: $0) }
    result.steps = number(sampler["steps"])
    result.guidanceScale = sampler["cfg"]?.double
    result.sampler = sampler["sampler_name"]?.string
    result.scheduler = sampler["scheduler"]?.string
    let latents = sampler["latent_image"]
    result.width = number(find(["width"], from: latents))
    result.height = number(find(["height"], from: latents))
    result.model = find(["ckpt_name", "unet_name"], from: sampler["model"])?.string
    if let lora = find(["lora_name"], from: sampler["model"])?.string { result.fields.append(("LoRA", lora)) }
    if let denoise = sampler["denoise"]?.double, denoise != 1 {
      result.fields.append(("Denoising strength", "\(denoise)"))
    }
    return result
  }

  /// A whole number: the value itself, or that of the node it comes from.
  private func number(_ value: JSONValue?) -> Int? {
    value?.int ?? find(["seed", "value", "int", "number"], from: value)?.int
  }

  /// The first input with one of these names, looking at a node before those that it gets its inputs from.
  private func find(_ names: [String], from link: JSONValue?) -> JSONValue? {
    var waiting = [link]
    var visited: Set<String> = []
    while !waiting.isEmpty {
      let next = waiting.removeFirst()
      if let next, next.array == nil { return next }
      guard let id = next?.array?.first?.string, visited.insert(id).inserted,
        let inputs = nodes.first(where: { $0.id == id })?.inputs
      else { continue }
      for name in names {
        guard let value = inputs[name] else { continue }
        if value.array == nil { return value }
        waiting.append(value)  // a text or number of another node
      }
      waiting += (inputs.fields ?? []).map(\.value).filter { $0.array?.count == 2 }
    }
    return nil
  }
}
