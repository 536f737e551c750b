import Diffusion
import Flux
import Images
import Support

/// What a client gave, before it is checked.
struct OrderDraft {
  var prompt = ""
  var negativePrompt = ""
  var model: String?
  var seed: Int?  // negative is random
  var steps: Int?
  var sampler: String?
  var scheduler: String?
  var guidanceScale: Double?
  var guidanceRescale: Double?
  var eta: Double?
  var size: PixelSize?
  var count = 1
  var fast = false
  var upscaler: Upscaler?
  var largeLatents = false
  var format = ImageFile.png
  var quality = 95
  var previewSteps = 0
  var variation: Variation?
  var edit: EditDraft?
  var hasMetadata = true
  var policy = SizePolicy.fit
  var ignored: [String] = []
  var warnings: [String] = []

  /// What images are made from.
  var kind: ImageOrder.Kind {
    if let edit { return edit.mask == nil ? .image : .inpaint }
    return variation == nil ? .text : .variation
  }

  /// The seeds that clients can choose: whole numbers that every JSON reader holds, and a batch after them.
  static let seeds = -1...(1 << 53)

  /// Checks everything that depends on the model, and resolves names and defaults.
  func order(_ catalog: ModelCatalog, _ limits: ServerLimits, strictModel: Bool = false) throws(RequestError)
    -> ImageOrder
  {
    let served = try servedModel(catalog, strictModel)
    var (ignored, warnings) = (ignored, warnings)
    var request = GenerationRequest(
      prompt: prompt, negativePrompt: negativePrompt, seed: seed.flatMap { UInt64(exactly: $0) } ?? Self.randomSeed(),
      steps: steps ?? served.sampling.steps,
      guidance: served.sampling.guidance(scale: guidanceScale, rescale: guidanceRescale),
      upscaler: upscaler, largeLatents: largeLatents, variation: variation, edit: try edit?.checked())
    if largeLatents, edit?.mask != nil {
      throw RequestError(EditError.largeLatents.description, field: "large_latents")
    }
    if let own = served.sampling.sampler { request.sampler = own }
    do throws(SamplingError) {
      try resolveSampler(&request, &ignored)
    } catch { throw RequestError(error.description, field: "sampler") }
    request.eta = eta ?? 0
    if fast {
      guard let student = served.student else {
        throw RequestError("the model \(served.name) has no few-step student", field: "fast")
      }
      ignored += fixedByStudent
      request = student.request(request)
    }
    let finalSize = try resolveSize(&request, served, limits)
    let given = request
    let grid: TimeGrid
    var start = 0
    do {
      grid = try TimeGrid(
        Schedule(served.configuration.schedule), kind: request.sampler, steps: request.steps, spacing: request.spacing)
      if let strength = request.edit?.strength { start = try grid.start(strength: strength) }
      // With a mask the size depends on the region that is drawn, and the drawing thread finds it.
      request =
        request.edit?.isInpainting == true
        ? request.effective(along: grid)
        : request.effective(along: grid, at: try OutputSize(request, served.configuration.geometry))
    } catch let error as SamplingError {
      throw RequestError(error.description, field: "steps")
    } catch { throw RequestError("\(error)", field: "size") }
    if hasMetadata, let longest = format.longestParameters, (prompt + negativePrompt).utf16.count > longest - 1000 {
      throw RequestError("the prompt is too long for the metadata of a \(format.rawValue) file", field: "prompt")
    }
    warnings += Self.warnings(of: given, grid, served)
    if start == grid.count, let edit {
      warnings.append(
        "\(edit.names.strength) \(edit.strength.shown) of \(grid.count) steps is no step: nothing is drawn")
    }
    return ImageOrder(
      request: request, count: count, model: served.name, fast: fast, finalSize: finalSize, format: format,
      quality: quality, previewSteps: previewSteps, hasMetadata: hasMetadata, ignored: ignored, warnings: warnings,
      tokens: served.tokens(of: prompt).ids.count, steps: grid.count - start)
  }

  private func servedModel(_ catalog: ModelCatalog, _ strict: Bool) throws(RequestError) -> ServedModel {
    guard let model, !model.isEmpty else { return catalog.standard }
    if let found = catalog.find(model) { return found }
    guard strict else { return catalog.standard }
    throw RequestError(
      "there is no model \"\(model.prefix(80))\"; there are \(catalog.models.map(\.name).joined(separator: ", "))",
      field: "model", code: "model_not_found", status: 404)
  }

  /// Names of samplers and schedulers as other programs spell them; an unknown scheduler is the sampler's own.
  private func resolveSampler(_ request: inout GenerationRequest, _ ignored: inout [String]) throws(SamplingError) {
    if let sampler, !sampler.isEmpty { (request.sampler, request.spacing) = try SamplerKind.read(sampler) }
    guard let scheduler, !scheduler.isEmpty, scheduler.lowercased() != "automatic" else { return }
    do throws(SamplingError) {
      request.spacing = try Spacing(named: scheduler)
    } catch {
      if policy == .strict { throw error }
      ignored.append("scheduler")
    }
  }

  /// Settings that were given although the student fixes them.
  private var fixedByStudent: [String] {
    [
      ("steps", steps != nil), ("cfg_scale", guidanceScale != nil), ("sampler", sampler != nil),
      ("scheduler", scheduler != nil), ("eta", eta != nil), ("negative_prompt", !negativePrompt.isEmpty),
    ].filter(\.1).map(\.0)
  }

  /// Sets the size that is drawn; gives the size to resample to, if any.
  private func resolveSize(
    _ request: inout GenerationRequest, _ model: ServedModel, _ limits: ServerLimits
  ) throws(RequestError) -> PixelSize? {
    let own = model.imageSize
    if size == nil, let edit, edit.mask == nil, edit.keepsProportions {
      let drawn = SizePolicy.drawn(PixelSize(of: edit.image), own: own, cell: model.cell, resizes: true)
      (request.width, request.height) = (drawn.width, drawn.height)
      return nil
    }
    // With a mask the rest of the init image stays, and with it the image's size.
    guard let size = size ?? edit.flatMap({ $0.mask == nil ? nil : PixelSize(of: $0.image) }) else { return nil }
    guard size.area <= limits.drawnPixels else {
      throw RequestError("the size \(size) has more than \(limits.drawnPixels) pixels", field: "size")
    }
    var drawn = size
    if policy == .fit, edit?.mask == nil, max(size.width, size.height) <= own {
      drawn = SizePolicy.drawn(size, own: own, cell: model.cell)
    }
    (request.width, request.height) = (drawn.width, drawn.height)
    return drawn == size ? nil : size
  }

  static func randomSeed() -> UInt64 { .random(in: 0...UInt64(UInt32.max)) }

  private static func warnings(of request: GenerationRequest, _ grid: TimeGrid, _ model: ServedModel) -> [String] {
    var lines: [String] = []
    for (kind, text) in [("prompt", request.prompt), ("negative prompt", request.negativePrompt)] where !text.isEmpty {
      let tokens = model.tokens(of: text)
      if !tokens.dropped.isEmpty { lines.append("the \(kind) is too long: \(tokens.dropped.count) words were cut") }
      if !tokens.unknown.isEmpty {
        lines.append("\(tokens.unknown.count) words of the \(kind) are not in the vocabulary")
      }
      if !PromptSyntax.marks(in: text).isEmpty {
        lines.append("Flux has no prompt syntax: parts of the \(kind) are read as plain text")
      }
    }
    if !request.negativePrompt.isEmpty, request.effective(along: grid).negativePrompt.isEmpty {
      lines.append("the negative prompt has no effect without guidance")
    }
    return lines
  }
}
