import Diffusion
import Foundation
import Images

/// The settings that an image file states, whichever program wrote it.
public struct ImageMetadata: Sendable {
  /// The programs whose metadata is read.
  public enum Program: String, Sendable {
    /// This program.
    case flux = "Flux"
    /// AUTOMATIC1111's web UI, its forks, and others that write its text.
    case webUI = "AUTOMATIC1111's web UI"
    /// ComfyUI.
    case comfyUI = "ComfyUI"
    /// InvokeAI.
    case invokeAI = "InvokeAI"
    /// stable-diffusion.cpp.
    case sdcpp = "stable-diffusion.cpp"
  }

  /// The program that wrote it.
  public var program: Program
  /// The prompt.
  public var prompt = ""
  /// The negative prompt; empty without one.
  public var negativePrompt = ""
  /// The seed.
  public var seed: UInt64?
  /// Number of sampling steps.
  public var steps: Int?
  /// The sampler, as the program names it.
  public var sampler: String?
  /// The timestep spacing, as the program names it.
  public var scheduler: String?
  /// Scale of classifier-free guidance.
  public var guidanceScale: Double?
  /// Width in pixels.
  public var width: Int?
  /// Height in pixels.
  public var height: Int?
  /// Name of the model.
  public var model: String?
  /// Hash of the model, as the program makes it.
  public var modelHash: String?
  /// What else is stated, in its order.
  public var fields: [(key: String, value: String)] = []
  /// Flux's own record, with everything in full precision.
  public var record: ImageRecord?

  init(program: Program) { self.program = program }

  /// Reads the metadata of an image file; nil if none is known.
  public init?(file bytes: [UInt8]) { self.init(ImageFile.texts(in: bytes)) }

  /// Reads the text entries of an image file; nil if they have no known metadata.
  public init?(_ texts: [PNGText.Entry]) {
    func text(_ keyword: String) -> String? { texts.first { $0.keyword == keyword }?.text }
    if let record = text("flux").flatMap(ImageRecord.init(json:)) {
      self.init(record)
    } else if let contents = text("parameters").flatMap(ParametersText.read) {
      self.init(contents)
    } else if let found = (text("invokeai_metadata") ?? text("sd-metadata")).flatMap(InvokeAIMetadata.read) {
      self = found
    } else if let graph = text("prompt").flatMap(ComfyUIGraph.init) {
      self = graph.metadata
    } else if text("workflow") != nil {
      self.init(program: .comfyUI)
    } else {
      return nil
    }
    if text("flux") != nil, record == nil { fields.append(("Record", "of another version of Flux: not read")) }
  }

  private init(_ record: ImageRecord) {
    let request = record.request
    self.init(program: .flux)
    self.record = record
    (prompt, negativePrompt, seed, steps) = (request.prompt, request.negativePrompt, request.seed, request.steps)
    (sampler, guidanceScale) = (request.sampler.displayName, request.guidance.scale)
    scheduler = (request.spacing ?? request.sampler.defaultSpacing)?.displayName
    (width, height) = (request.width, request.height)
    (model, modelHash) = (record.model.name, record.model.hash)
    fields = [("Version", "flux \(record.version)")]
  }

  private init(_ contents: ParametersText.Contents) {
    let version = contents["Version"] ?? ""
    self.init(program: version.hasPrefix("flux ") ? .flux : version.contains("stable-diffusion.cpp") ? .sdcpp : .webUI)
    (prompt, negativePrompt) = (contents.prompt, contents.negativePrompt)
    for (key, value) in contents.fields {
      switch key {
      case "Steps": steps = Int(value)
      case "Sampler": sampler = value
      case "Schedule type": scheduler = value
      case "CFG scale": guidanceScale = Double(value)
      case "Seed": seed = UInt64(value)
      case "Size":
        let sides = value.split(separator: "x").map { Int($0) }
        if sides.count == 2 { (width, height) = (sides[0], sides[1]) }
      case "Model": model = value
      case "Model hash": modelHash = value
      default: fields.append((key, value))
      }
    }
  }

  /// The value of a further field; nil if there is none.
  public subscript(field key: String) -> String? { fields.first { $0.key == key }?.value }

  /// A request with these settings, and sentences about those that Flux does not have.
  ///
  /// What is not stated has its default value.
  public func request() -> (request: GenerationRequest, notes: [String]) {
    if let record { return (record.request, []) }
    var request = GenerationRequest(prompt: prompt, negativePrompt: negativePrompt)
    var notes: [String] = []
    if program != .flux {
      notes.append("the image is by \(program.rawValue): Flux draws another one from its settings")
    }
    if let seed { request.seed = seed }
    if let steps { request.steps = steps }
    if let guidanceScale, guidanceScale.isFinite { request.guidance.scale = guidanceScale }
    (request.width, request.height) = (width, height)
    if let sampler {
      if let named = try? SamplerKind.read(sampler) {
        (request.sampler, request.spacing) = (named.kind, named.spacing)
      } else {
        notes.append("there is no sampler \"\(sampler)\": \(request.sampler.rawValue) is used")
      }
    }
    if let scheduler, !["automatic", "normal"].contains(scheduler.lowercased()) {
      if let spacing = Spacing.allCases.first(where: { $0.displayName == scheduler })
        ?? (try? Spacing(named: scheduler))
      {
        request.spacing = spacing
      } else {
        notes.append("there is no scheduler \"\(scheduler)\": that of the sampler is used")
      }
    }
    if let rescale = self[field: "CFG rescale"].flatMap(Double.init), (0...1).contains(rescale) {
      request.guidance.rescale = rescale
    }
    if let eta = self[field: "Eta"].flatMap(Double.init), (0...1).contains(eta) { request.eta = eta }
    if let interval = self[field: "CFG interval"]?.split(separator: "-").map({ Double($0) }), interval.count == 2,
      let low = interval[0], let high = interval[1], low <= high
    {
      request.guidance.interval = low...high
    }
    if let upscaler = self[field: "Upscaler"] {
      request.upscaler = Upscaler.allCases.first { $0.displayName == upscaler }
    }
    request.largeLatents = self[field: "Large latents"] == "true"
    request.promptSyntax = self[field: "Prompt syntax"].flatMap(PromptSyntax.init) ?? .plain
    if program != .flux {
      notes += readSyntax(of: &request)
      let unused = (model.map { [("Model", $0)] } ?? []) + fields.filter { !Self.usedFields.contains($0.key) }
      if !unused.isEmpty {
        let names = unused.prefix(Self.mostNames).map { "\($0.0): \($0.1)" }.joined(separator: ", ")
        notes.append("not used of its settings: \(names)\(unused.count > Self.mostNames ? ", …" : "")")
      }
    }
    return (request, notes)
  }

  /// Fields beside the properties that a request takes; the clip skip depends on the model.
  private static let usedFields: Set<String> = [
    "CFG rescale", "Eta", "CFG interval", "Upscaler", "Large latents", "Prompt syntax", "Version", "Clip skip",
  ]
  private static let mostNames = 8

  /// Gives a request of a program that always reads weights their syntax, if its prompts have any, without LoRA tags.
  ///
  /// Wildcards and alternatives are those of extensions, which write the prompt that they chose: they stay plain text.
  private func readSyntax(of request: inout GenerationRequest) -> [String] {
    guard program == .webUI || program == .sdcpp else { return [] }
    let marks = PromptSyntax.marks(in: prompt) + PromptSyntax.marks(in: negativePrompt)
    if marks.isEmpty || marks.contains(where: { $0.hasPrefix("{") || $0.hasPrefix("__") }) { return [] }
    let (own, negative) = (LoRATag.read(prompt), LoRATag.read(negativePrompt))
    (request.prompt, request.negativePrompt, request.promptSyntax) = (own.prompt, negative.prompt, .weighted)
    let loras = (own.tags + negative.tags).map { "\"\($0.name)\"" }
    return ["its prompt has weights: it is read with --prompt-syntax weighted"]
      + (loras.isEmpty ? [] : ["its LoRAs are left out: \(loras.joined(separator: ", ")) (--lora FILE)"])
  }
}
