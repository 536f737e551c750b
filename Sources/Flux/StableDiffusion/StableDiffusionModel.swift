import Diffusion
import Foundation
import Models
import NN
import Support
import Tokenizers
import Torch

/// A model of the family of Stable Diffusion (Rombach et al., 2022), XL (Podell et al., 2023) included: one or two text
/// encoders of CLIP, a U-Net, and a variational autoencoder.
public final class StableDiffusionModel: ImageModel {
  /// What a caller may choose about a model.
  public struct Options: Sendable, Equatable {
    /// Layers of the text encoder that are left out at its end; A1111's "Clip skip" less 1.
    public var clipSkip: Int
    /// The meaning of the U-Net's output; nil is what the files say.
    public var prediction: Prediction?
    /// Another autoencoder, a file or directory in diffusers' layout; nil is the model's own.
    public var autoencoder: URL?
    /// The directory of an `AutoencoderTiny` (TAESD) whose decoder draws previews; nil is a linear map of the latents, or
    /// the model's own autoencoder if it is one.
    public var previewDecoder: URL?

    /// The model as it is, unless given.
    public init(
      clipSkip: Int = 0, prediction: Prediction? = nil, autoencoder: URL? = nil, previewDecoder: URL? = nil
    ) {
      (self.clipSkip, self.prediction) = (clipSkip, prediction)
      (self.autoencoder, self.previewDecoder) = (autoencoder, previewDecoder)
    }

    /// Throws if one is given, for a model of another family.
    public func requireNone(for model: URL) throws(CheckpointError) {
      guard self != Options() else { return }
      if previewDecoder != nil {
        throw .configuration(
          file: model.path,
          reason: "a preview decoder is for models of Stable Diffusion; this one previews with its own decoder")
      }
      throw .configuration(
        file: model.path,
        reason: "clip skip, prediction and autoencoder can be chosen for Stable Diffusion's models only")
    }
  }

  public let unet: UNet
  let autoencoder: any StableAutoencoder
  /// What draws previews in the place of the linear map; nil unless it was chosen.
  private let previewDecoder: AutoencoderTiny?
  /// The sizes of the networks.
  public let sizes: Configuration
  /// The text networks.
  public let prompts: any StablePrompts
  public let schedule: Schedule

  private let residency: Residency
  private let parts: [ModelPart: LoadablePart]
  /// Parts that `release` leaves in memory.
  private var held: Set<ModelPart> = []

  /// Reads all parts, U-Net and autoencoder in the given precision, or prepares to read them when they are needed.
  ///
  /// `vocabulary` is the folder of CLIP's vocabulary, for files that have none. Weights that take less memory as they are
  /// stored stay so. With `packsWeights` the U-Net only draws, and its other weights are packed.
  ///
  /// Throws where a part is missing or damaged, or where the parts do not fit together: all that headers show, even if the
  /// weights are read later.
  public init(
    _ files: StableDiffusionFiles, vocabulary: URL, _ options: Options = Options(), precision: Precision = .float32,
    residency: Residency = .all, packsWeights: Bool = false
  ) throws {
    sizes = try Configuration(files, options)
    self.residency = residency
    let isXL = sizes.unet.isXL
    let (prompts, encoders) = try Self.prompts(files, vocabulary: vocabulary, isXL: isXL, clipSkip: options.clipSkip)
    let denoiser = try files.storedUNet()
    let decoder = try files.storedAutoencoder(other: options.autoencoder)
    (self.prompts, unet, autoencoder) = (prompts, denoiser.network, decoder.network)
    schedule = Schedule(sizes.schedule)
    previewDecoder = try options.previewDecoder.map { try AutoencoderTiny.load(from: $0) }
    parts = Self.parts(encoders, denoiser, decoder, isXL: isXL, precision, packsWeights: packsWeights)
    let problem = Self.mismatch(
      unet.configuration, autoencoder, contextWidth: prompts.contextWidths.reduce(0, +),
      pooledWidth: (prompts as? XLPrompts)?.encoder2.configuration.projectionDim)
    if let problem { throw CheckpointError.configuration(file: files.path, reason: problem) }
    if residency == .all { for part in ModelPart.allCases { try prepare(part) } }
  }

  /// The networks that are read together, and the types that they compute in.
  static func parts(
    _ encoders: [StoredNetwork<CLIPTextModel>], _ denoiser: StoredNetwork<UNet>,
    _ decoder: StableDiffusionFiles.StoredAutoencoder, isXL: Bool, _ precision: Precision, packsWeights: Bool
  ) -> [ModelPart: LoadablePart] {
    // As others keep that of XL, which overflows in float16; the small one has few weights.
    let isPrecise = isXL || decoder.network is AutoencoderTiny
    return [
      .text: LoadablePart(encoders.map { ($0, .float32) }),
      .denoiser: LoadablePart([(denoiser, precision.dtype)], preparing: packsWeights),
      .autoencoder: LoadablePart([(decoder.weights, isPrecise ? .float32 : precision.dtype)]),
    ]
  }

  /// Whether a U-Net of this family is packed on a device.
  ///
  /// Its maps are large, and only Winograd's algorithm takes less time there than libtorch's convolutions. In float32 its
  /// weights stay as they are stored, in half of the memory.
  static func packsWeights(_ precision: Precision, on device: Device) -> Bool {
    device == .cpu && precision == .bfloat16 && Libtorch.packsWeights && PackedWeights.usesWinograd(.bfloat16)
  }

  private static func prompts(
    _ files: StableDiffusionFiles, vocabulary: URL, isXL: Bool, clipSkip: Int
  ) throws -> (any StablePrompts, [StoredNetwork<CLIPTextModel>]) {
    let tokenizer = try files.tokenizer(vocabulary: vocabulary)
    let first = try files.storedTextEncoder()
    do {
      guard isXL else { return (try CLIPPrompts(tokenizer, first.network, clipSkip: clipSkip), [first]) }
      let tokenizer2 = try files.secondTokenizer(vocabulary: vocabulary)
      let second = try files.storedTextEncoder(isSecond: true)
      let prompts = try XLPrompts(
        (tokenizer, first.network), (tokenizer2, second.network), clipSkip: clipSkip,
        zeroesEmptyNegative: files.zeroesEmptyNegative)
      return (prompts, [first, second])
    } catch let error as ConfigurationError {
      throw CheckpointError.configuration(file: files.path, reason: error.description)
    }
  }

  /// All networks with their names.
  public var networks: [(name: String, network: any Module)] {
    let encoders = prompts.parts.enumerated().map { index, part in
      (name: index == 0 ? "text encoder" : "text encoder \(index + 1)", network: part.encoder as any Module)
    }
    return [("U-Net", unet), ("autoencoder", autoencoder)] + encoders
  }

  public func prepare(_ part: ModelPart) throws(CheckpointError) { try parts[part]?.load() }

  public func release(_ part: ModelPart) {
    if residency == .needed, !held.contains(part) { parts[part]?.release() }
  }

  /// Reads a part's weights, and keeps them from now on, changes included.
  public func hold(_ part: ModelPart) throws(CheckpointError) {
    try prepare(part)
    held.insert(part)
  }

  /// Merges a LoRA that was read for this model's networks, now or whenever they are read.
  public func merge(_ lora: LoRAFile, scale: Double = 1) {
    if let lora = lora.unet { parts[.denoiser]?.merge(lora, into: unet, scale: scale) }
    for (lora, part) in zip([lora.textEncoder, lora.textEncoder2], prompts.parts) {
      if let lora { parts[.text]?.merge(lora, into: part.encoder, scale: scale) }
    }
  }

  /// Reads a LoRA for this model's networks.
  public func lora(_ file: URL) throws(CheckpointError) -> LoRAFile {
    try LoRAFile(file, unet: unet, textEncoders: prompts.parts.map(\.encoder))
  }

  /// The models of this family do not clamp, unless their files say so.
  public var cleanRange: ClosedRange<Double>? { schedule.configuration.cleanRange(own: nil) }

  public var geometry: ImageGeometry { sizes.geometry }
  public var sampling: SamplingDefaults? { sizes.sampling }
  public var embedsGuidance: Bool { sizes.embedsGuidance }

  public var readsSurroundings: Bool { unet.configuration.inChannels != unet.configuration.outChannels }

  /// Stable Diffusion XL also reads the size of the image: the whole of it, as large as its latents are.
  public func predict(_ latents: Tensor, at timesteps: Tensor, _ text: TextConditioning) -> Tensor {
    guard sizes.unet.isXL else { return unet(latents, at: timesteps, text) }
    let (height, width) = (Float(latents.shape[2] * geometry.cell), Float(latents.shape[3] * geometry.cell))
    var text = text
    text.sizes = Tensor([height, width, 0, 0, height, width], shape: [1, 6]).to(latents.device)
      .expanded([text.count, 6])
    return unet(latents, at: timesteps, text)
  }

  public func encode(_ pixels: Tensor, noise: () -> Tensor) -> Tensor {
    precisely(on: pixels.device) { autoencoder.latents(of: pixels, noise: noise) }
  }

  /// Mean and standard deviation of the latents `[B, C, h, w]`, scaled as the denoising network reads them, of pixels in
  /// −1…1; the deviation is nil for an autoencoder whose latents are not random.
  public func latentDistribution(of pixels: Tensor) -> (mean: Tensor, deviation: Tensor?) {
    sizes.unet.isXL
      ? withoutAutocast(pixels.device) { autoencoder.distribution(of: pixels) } : autoencoder.distribution(of: pixels)
  }

  public func decode(_ latents: Tensor) -> Tensor {
    precisely(on: latents.device) { autoencoder.pixels(of: latents) }
  }

  public func approximatePixels(of latents: Tensor) -> Tensor? {
    if let previewDecoder { return previewDecoder.decode(latents) }
    guard !(autoencoder is AutoencoderTiny), geometry.latentChannels == 4 else { return nil }
    return LatentProjection.pixels(of: latents, isXL: sizes.unet.isXL)
  }

  /// Runs the autoencoder of Stable Diffusion XL in float32, whatever its caller computes in.
  private func precisely(on device: Device, _ body: () -> Tensor) -> Tensor {
    sizes.unet.isXL ? withoutAutocast(device, body) : body()
  }

  public func flops(height: Int, width: Int, tokens: Int) -> (unet: Int, decoder: Int) {
    sizes.flops(height: height, width: width, tokens: tokens)
  }

  public func move(to device: Device) {
    guard device != .cpu else { return }
    unet.move(to: device)
    autoencoder.move(to: device)
    previewDecoder?.move(to: device)
    prompts.move(to: device)
  }

  /// Steps and guidance that the published models are drawn with.
  ///
  /// Distilled models show in their files: consistency models embed the guidance or name their scheduler, and those for
  /// one to four steps start at the noisiest timestep.
  static func sampling(_ schedule: Schedule.Configuration, _ unet: UNet.Configuration) -> SamplingDefaults {
    if schedule.scheduler == .lcm || unet.timeCondProjDim != nil {
      return SamplingDefaults(
        steps: 4, guidance: Guidance(scale: unet.timeCondProjDim == nil ? 1 : 8.5), sampler: .lcm)
    }
    if schedule.scheduler == .euler || schedule.scheduler == .eulerAncestral, schedule.timestepSpacing == .trailing {
      return SamplingDefaults(steps: 4, guidance: Guidance(scale: 1), sampler: schedule.sampler)
    }
    return SamplingDefaults(steps: 25, guidance: Guidance(scale: unet.isXL ? 6 : 7.5))
  }

  /// What does not fit between the parts, or nil; only Stable Diffusion XL has a pooled width.
  static func mismatch(
    _ unet: UNet.Configuration, _ autoencoder: any StableAutoencoder, contextWidth: Int, pooledWidth: Int?
  ) -> String? {
    if let pooledWidth, let expected = unet.pooledTextWidth, expected != pooledWidth {
      return
        "the U-Net reads a pooled text \(expected) wide beside six sizes, the second text encoder makes \(pooledWidth)"
        + (expected + (unet.additionTimeEmbedDim ?? 0) == pooledWidth ? ": it is a refiner's, with five sizes" : "")
    }
    if unet.crossAttentionDim != contextWidth {
      return "the U-Net reads a context \(unet.crossAttentionDim) wide, "
        + (pooledWidth == nil ? "the text encoder makes \(contextWidth)" : "the text encoders make \(contextWidth)")
    }
    if unet.outChannels != autoencoder.latentChannels {
      return "the U-Net predicts \(unet.outChannels) channels, the autoencoder has \(autoencoder.latentChannels)"
    }
    let inpainting = 2 * unet.outChannels + 1
    if ![unet.outChannels, inpainting].contains(unet.inChannels) {
      return
        "the U-Net reads \(unet.inChannels) channels, expected \(unet.outChannels), or \(inpainting) for inpainting"
    }
    if autoencoder.imageChannels != [3, 3] {
      return "the autoencoder reads and makes \(autoencoder.imageChannels) channels, expected 3 of each"
    }
    return nil
  }
}

extension UNet.Configuration {
  /// Whether the U-Net reads pooled text and sizes, as that of Stable Diffusion XL.
  var isXL: Bool { additionEmbedType == .textTime }
}

extension ModelSource {
  /// Records what a caller chose about a model.
  mutating func note(_ options: StableDiffusionModel.Options) throws(CheckpointError) {
    clipSkip = options.clipSkip == 0 ? nil : options.clipSkip
    prediction = options.prediction
    autoencoder = try options.autoencoder.map { url throws(CheckpointError) in try AutoencoderSource(url) }
  }
}

extension SamplingDefaults {
  /// How the model at a path is sampled by default, read from its configurations or the header of its file.
  public init(of model: URL, prediction: Prediction? = nil) throws(CheckpointError) {
    guard StableDiffusionFiles.isStored(at: model) else {
      self = try ModelBundle.samplingDefaults(model)
      return
    }
    let files = try StableDiffusionFiles(model)
    self = StableDiffusionModel.sampling(try files.schedule(prediction: prediction), try files.unetConfiguration())
  }
}
