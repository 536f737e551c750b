import Diffusion
import Foundation
import Images
import Models
import NN
import Support
import Tokenizers
import Torch

/// From prompt to image, in three stages that can be called apart.
///
/// Not `Sendable`: a pipeline belongs to one thread at a time; requests and images may go anywhere.
public final class Pipeline {
  /// The networks, on `device`, with the student and LoRAs merged.
  public let model: any ImageModel
  /// The networks of Flux's own family; nil for a model of another.
  public var bundle: ModelBundle? { model as? ModelBundle }
  /// The tokenizer and text encoder of Flux's own family; nil for a model of another.
  public var prompts: PromptEncoder? { (conditioner as? AdaptedPrompts)?.prompts }
  /// The text networks.
  public let conditioner: any PromptConditioner
  /// The device of U-Net and autoencoder.
  public let device: Device
  /// The precision of the U-Net, and of the autoencoder of Stable Diffusion's models.
  public let precision: Precision
  /// The identity of the model, for the metadata of images.
  public let source: ModelSource
  /// Networks whose weights are to be packed before they next draw, for good: nothing else may use them after that.
  private var unpacked: Set<ModelPart>
  /// The few-step student whose change is in the weights; its `request` says how it draws.
  public let student: FastStudent?

  /// Reads a model: a directory of Flux, or a directory or file of Stable Diffusion's family, whose `options` are then used.
  ///
  /// `textEncoder` is the directory of the shared text encoder of Flux's models, `vocabulary` that of CLIP's, which single
  /// files lack. With `fast` the model's few-step student is merged into its weights; so are LoRA files, each times its
  /// scale, except those times 0. `residency` says which networks of Stable Diffusion's family are in memory, on other
  /// devices than the CPU all; if it is `.needed`, the shared text encoder is used where it lies in its file. On processors
  /// that `PackedWeights` supports, the U-Net of Flux's models only draws: its parameters can be neither read nor changed.
  public init(
    model url: URL, textEncoder: URL, vocabulary: URL = Installation.clipVocabulary, fast: Bool = false,
    loras: [(file: URL, scale: Double)] = [], options: StableDiffusionModel.Options = .init(),
    precision: Precision = .float32, residency: Residency = .all, device: Device = .cpu
  ) throws {
    try device.checkPresence()
    (self.device, self.precision) = (device, precision)
    var unpacked = device == .cpu && !StableDiffusionFiles.isStored(at: url) ? Self.packable : []
    // A U-Net into which student or LoRAs are merged is rounded and packed after that, another one while it is read.
    let isMerged = fast || loras.contains { $0.scale != 0 }
    let isPrepared = !isMerged && Libtorch.packsWeights && unpacked.remove(.denoiser) != nil
    self.unpacked = unpacked
    var source = try ModelSource(model: url)
    let merge: (URL, Double) throws -> Void
    if StableDiffusionFiles.isStored(at: url) {
      if fast {
        throw CheckpointError.configuration(
          file: url.path, reason: "a model of Stable Diffusion has no student for --fast")
      }
      if let reason = StableDiffusionFiles.refusal(of: url) {
        throw CheckpointError.configuration(file: url.path, reason: reason)
      }
      let model = try StableDiffusionModel(
        StableDiffusionFiles(url), vocabulary: vocabulary, options, precision: precision,
        residency: device == .cpu ? residency : .all,
        packsWeights: StableDiffusionModel.packsWeights(precision, on: device))
      (self.model, conditioner, student) = (model, model.prompts, nil)
      merge = { model.merge(try model.lora($0), scale: $1) }
      try source.note(options)
    } else {
      try options.requireNone(for: url)
      student = fast ? try FastStudent(url.appendingPathComponent(FastStudent.folderName), of: source) : nil
      let model = try ModelBundle(directory: url, preparedFor: isPrepared ? precision : nil)
      // A program that lives long does not rely on a file that others may write.
      let storage: WeightStorage = residency == .needed && loras.isEmpty ? .mapped : .computed
      let prompts = try model.prompts ?? PromptEncoder(directory: textEncoder, keeping: storage)
      do throws(ConfigurationError) {
        try prompts.check(model.configuration.adapter)
      } catch {
        let file = url.appendingPathComponent("text_adapter/config.json")
        throw CheckpointError.configuration(file: file.path, reason: error.description)
      }
      try student?.merge(into: model)
      source.fast = student?.hash
      self.model = model
      merge = { file, scale in
        try LoRAFile(file, unet: model.unet, textEncoder: prompts.encoder)
          .merge(unet: model.unet, textEncoder: prompts.encoder, scale: scale)
      }
      conditioner = AdaptedPrompts(prompts, model.adapter, device: device)
    }
    for lora in loras where lora.scale != 0 {
      try merge(lora.file, lora.scale)
      source.loras.append(try LoRASource(file: lora.file, scale: lora.scale))
    }
    self.source = source
    if precision != .float32, !isPrepared, let bundle { bundle.unet.convert(to: precision.dtype) }
    model.move(to: device)
  }

  /// A pipeline over networks that are in memory already, all on one device.
  ///
  /// The U-Net is converted to `precision`. With `packsWeights` its weights are packed as those of a model that is read:
  /// training cannot go on with them.
  public init(
    model: ModelBundle, prompts: PromptEncoder, source: ModelSource, precision: Precision = .float32,
    packsWeights: Bool = false
  ) {
    self.model = model
    conditioner = AdaptedPrompts(prompts, model.adapter, device: prompts.device)
    self.source = source
    unpacked = packsWeights && prompts.device == .cpu ? Self.packable : []
    student = nil
    (device, self.precision) = (prompts.device, precision)
    if precision != .float32 { model.unet.convert(to: precision.dtype) }
  }

  /// A pipeline over a model of Stable Diffusion's family that was read already and is on a device.
  public init(model: StableDiffusionModel, source: ModelSource, device: Device = .cpu) {
    (self.model, conditioner, self.source, self.device) = (model, model.prompts, source, device)
    (student, precision, unpacked) = (nil, .float32, [])
  }

  /// A prompt and the one that guidance leads away from, as the U-Net reads them: one row each, equally long.
  public struct PromptConditioning {
    /// The prompt, one row.
    public let conditional: TextConditioning
    /// The negative or the empty prompt, one row.
    public let unconditional: TextConditioning
    /// Words of the prompt that did not fit.
    public let dropped: [String]
    /// Words of the negative prompt that did not fit.
    public let droppedNegative: [String]
    /// The prompts whose guidance is added; empty for a single one, which is `conditional`.
    var composed: [Part] = []

    /// The rows of a batch that holds `count` images for each branch.
    func rows(_ branches: [Branch], count: Int) -> TextConditioning {
      .cat(branches.map { ($0 == .conditional ? conditional : unconditional).expanded(to: count) })
    }
  }

  /// Encodes the prompts; they are cut at the most tokens that the model reads.
  ///
  /// Throws where a text network gives NaN or infinity, and names it.
  public func encodeText(_ prompt: String, negative: String = "") throws(GenerationError) -> PromptConditioning {
    let texts = [negative, prompt].map(conditioner.encodings)
    let both = try rows(of: texts.map { PromptTokens($0.map(\.ids)) })
    return PromptConditioning(
      conditional: both[1..<2], unconditional: conditioner.negatives(both[0..<1], of: [negative]),
      dropped: conditioner.dropped(from: texts[1]), droppedNegative: conditioner.dropped(from: texts[0]))
  }

  /// The tokens of a prompt, with the words that do not fit and those that the vocabulary lacks.
  public func tokens(of prompt: String) -> TokenEncoding { conditioner.tokens(of: prompt) }

  /// Rows of texts that are ids already, padded to the longest or to `width` tokens, each changed by `change`.
  ///
  /// Throws where a text network gives NaN or infinity, and names it.
  func rows(
    of tokens: [PromptTokens], padTo width: Int? = nil, _ change: (TextConditioning) -> TextConditioning = { $0 }
  ) throws(GenerationError) -> TextConditioning {
    try prepare(.text)
    let (text, rows) = withInference {
      let text = conditioner.encode(tokens, padTo: width ?? tokens.map(\.count).max() ?? 0)
      return (text, change(text.rows))
    }
    guard let fault = text.fault else { return rows }
    throw .notFinite(fault, step: nil, loras: fault == .textEncoder ? source.loras.map(\.name) : [])
  }

  /// The times that a request visits; throws where this model cannot draw it, for its size, its steps or its edit.
  @discardableResult
  public func timeGrid(_ request: GenerationRequest) throws -> TimeGrid { try Drawing(request, self).grid }

  /// The steps from noise, or from an edit's image, to clean latents, each made when it is asked for.
  ///
  /// Image k of `count` that are drawn together begins with the noise of `request.image(k)`.
  public func denoise(_ text: PromptConditioning, _ request: GenerationRequest, count: Int = 1) throws -> Denoising {
    try denoise(text, Drawing(request, self), count: count)
  }

  func denoise(_ text: PromptConditioning, _ drawing: Drawing, count: Int) throws -> Denoising {
    let request = drawing.request
    let shape = latentShape(drawing.size)
    let noise = request.noiseSource(count, shape: shape)
    let start = try start(of: drawing, noise) { request.initialNoise(noise, count: count, shape: shape) }
    model.release(.autoencoder)
    try prepare(.denoiser)
    let network: BranchedDenoiser = { [predict] x, time, branches in
      text.predict(x, branches, count: count) { predict(start.beside($0), time, $1, request.guidance) }
    }
    return Denoising(
      start.latent, along: drawing.grid, from: start.step, sampler: request.sampler.makeSampler(eta: request.eta),
      prediction: model.schedule.configuration.predictionType, cleanRange: model.cleanRange, known: start.known,
      noise: noise, denoiser: guided(network, by: request.guidance))
  }

  /// The network's prediction at a time, with one text each; a network that embeds the guidance scale reads it.
  func predict(_ x: Tensor, at time: DiffusionTime, _ text: TextConditioning, _ guidance: Guidance) -> Tensor {
    var text = text
    if model.embedsGuidance { text.guidance = .full([x.shape[0]], guidance.scale - 1, device: x.device) }
    return model.predict(x, at: .full([x.shape[0]], time.timestep, device: x.device), text)
  }

  /// The network with guidance: by two branches, or by the scale itself where it reads that.
  func guided(_ network: @escaping BranchedDenoiser, by guidance: Guidance) -> Denoiser {
    model.embedsGuidance ? Guidance(scale: 1)(network) : guidance(network)
  }

  /// All stages, for one image.
  ///
  /// `onStep` sees every step and stops the run by throwing. The image's request is without settings that change
  /// nothing. Throws where a network gives NaN or infinity, and names it.
  public func generate(_ request: GenerationRequest, onStep: (DenoisingStep) throws -> Void = { _ in }) throws
    -> GeneratedImage
  {
    try generate(request, count: 1, onStep: onStep)[0]
  }

  /// All stages, for `count` images that are denoised together: image k is that of `request.image(k)`.
  ///
  /// The prompt is encoded once, or not at all where `text` is what `encodeText` made of it. Together or alone, an image
  /// is the same up to rounding in the last bits of its latents. With the `state` of an unfinished call with the same
  /// request and count only the other steps are done; throws if it cannot be one of that call.
  public func generate(
    _ request: GenerationRequest, count: Int, text: PromptConditioning? = nil, from state: DenoisingState? = nil,
    onStep: (DenoisingStep) throws -> Void = { _ in }
  ) throws -> [GeneratedImage] {
    guard count > 0 else { fatalError("a batch of \(count) images") }
    let drawing = try Drawing(request, self)
    let text =
      try text
      ?? encodeText(request.prompt, negative: request.negativePrompt, syntax: request.promptSyntax)
    let latents = try allSteps(from: state, onStep) { try denoise(text, drawing, count: count) }
    defer { model.release(.autoencoder) }
    return zip(try decodeLatents(latents, size: drawing.size), request.batch(count)).enumerated().map { index, one in
      GeneratedImage(
        image: drawing.layout?.pasted(one.0) ?? one.0,
        request: one.1.effective(along: drawing.grid, at: drawing.size), source: source,
        run: GenerationRun(on: device, precision, image: index, of: count))
    }
  }

  /// Reads a part's weights, unless they are in memory.
  func prepare(_ part: ModelPart) throws(GenerationError) {
    do throws(CheckpointError) {
      try model.prepare(part)
    } catch { throw .weights(error) }
    guard unpacked.remove(part) != nil, Libtorch.packsWeights else { return }
    if part == .denoiser { model.unet.prepareForInference() }
    if part == .autoencoder { bundle?.autoencoder.decoder.prepareForInference() }
  }

  /// Networks of Flux's own family that are packed; encoders run once for an image, and text networks on few tokens.
  private static let packable: Set<ModelPart> = [.denoiser, .autoencoder]

  /// The latents after all steps, or after those that a `state` leaves; before and after, the parts that are not needed may
  /// leave memory.
  func allSteps(
    from state: DenoisingState?, _ onStep: (DenoisingStep) throws -> Void, _ begin: () throws -> Denoising
  ) throws -> Tensor {
    model.release(.text)
    conditioner.releasePages()
    defer { model.release(.denoiser) }
    return try latents(of: begin(), from: state, onStep: onStep)
  }

  /// The latents after the last step; throws where the U-Net gives NaN or infinity, or where the run cannot have been in
  /// the `state` that it is resumed from.
  func latents(
    of denoising: Denoising, from state: DenoisingState?, onStep: (DenoisingStep) throws -> Void
  ) throws -> Tensor {
    var denoising = denoising
    if let state { try denoising.resume(from: state) }
    var latents = denoising.latent
    for step in denoising {
      guard step.latent.allFinite else {
        throw GenerationError.notFinite(.unet, step: step.index, loras: source.loras.map(\.name))
      }
      latents = step.latent
      try onStep(step)
    }
    return latents
  }

  /// The sizes between a request and its image; throws for those that the model cannot make.
  ///
  /// Of an edit with a mask they are the sizes of the region that is drawn.
  public func outputSize(_ request: GenerationRequest) throws(GenerationError) -> OutputSize {
    try Drawing.sizes(request, model.geometry).size
  }

  /// `[C, h, w]` of a request's latents.
  func latentShape(_ request: GenerationRequest) throws(GenerationError) -> [Int] {
    latentShape(try outputSize(request))
  }

  private func latentShape(_ size: OutputSize) -> [Int] {
    [model.geometry.latentChannels, size.latent.height, size.latent.width]
  }
}
