import Models

// What the denoising loss trains, and how.

extension TrainingPlan {
  /// The networks that the denoising loss can train.
  public enum Network: String, Codable, Sendable, CaseIterable {
    /// The pretrained text encoder, which is frozen by default.
    case textEncoder = "text-encoder"
    /// The text adapter.
    case adapter
    /// The U-Net.
    case unet

    /// The network in keys of checkpoints.
    var key: String {
      switch self {
      case .textEncoder: "text_encoder"
      case .adapter: "text_adapter"
      case .unet: "unet"
      }
    }
  }

  /// A LoRA that is trained on frozen weights.
  public struct LoRASettings: Codable, Sendable, Equatable {
    /// Rank of the factors.
    public var rank: Int
    /// B · A counts alpha / rank times.
    public var alpha: Double
    /// Ends of layer names, as in PEFT; nil is the attention projections of each network.
    public var targets: [String]?

    /// Settings with an alpha equal to the rank, unless given.
    public init(rank: Int, alpha: Double? = nil, targets: [String]? = nil) {
      (self.rank, self.alpha, self.targets) = (rank, alpha ?? Double(rank), targets)
    }

    /// The factor of B · A.
    var scale: Double { alpha / Double(rank) }

    /// The ends of layer names that are adapted in a network.
    func targets(in network: LoRANetwork) -> [String] { targets ?? Self.attention(network) }

    /// The attention projections of a network, PEFT's usual choice.
    static func attention(_ network: LoRANetwork) -> [String] {
      switch network {
      case .unet: ["to_q", "to_k", "to_v", "to_out.0"]
      case .textEncoder: ["query", "key", "value", "dense"]
      case .textEncoder2: ["q_proj", "k_proj", "v_proj", "out_proj"]
      }
    }
  }

  /// Images that the model is to keep generating, besides those it learns: prior preservation (DreamBooth, Ruiz et al.,
  /// 2022, arXiv 2208.12242).
  ///
  /// Each step has as many of them as training images.
  public struct Regularization: Codable, Sendable, Equatable {
    /// Identifies the images.
    public let data: String
    /// Weight of their loss; that of the training images has 1.
    public var weight: Double
    /// Number of their latents in the pool.
    let poolSize: Int
    /// Number of their latents that are replaced per step.
    let poolRenewal: Int

    /// Regularization on data with a pool of at most 8192 latents.
    public init(_ data: TrainingData, weight: Double = 1) {
      let largest = 8192
      (self.data, self.weight) = (data.name, weight)
      poolSize = min(data.count ?? largest, largest)
      poolRenewal = data.count ?? .max <= largest ? 0 : 6
    }
  }

  /// The networks that the denoising loss trains.
  public var trained: Set<Network> {
    get { Set(trainedNetworks ?? [.adapter, .unet]) }
    set {
      // The default has no entry in checkpoints, so that older ones have the same plan.
      trainedNetworks = newValue == [.adapter, .unet] ? nil : Network.allCases.filter(newValue.contains)
    }
  }

  /// Whether the text encoder learns, so that captions are encoded in the step rather than once.
  var trainsTextEncoder: Bool { trained.contains(.textEncoder) }

  /// Peak learning rate of a network.
  ///
  /// A pretrained transformer takes smaller steps than a U-Net: 5e-5 is usual for finetuning BERT (Devlin et al., 2018,
  /// §A.3); its LoRA takes half the U-Net's.
  public func learningRate(of network: Network) -> Double {
    switch network {
    case .unet: unetLearningRate ?? diffusionLearningRate
    case .adapter: adapterLearningRate ?? diffusionLearningRate
    case .textEncoder: textEncoderLearningRate ?? (lora == nil ? 5e-5 : learningRate(of: .unet) / 2)
    }
  }

  /// Throws if the plan trains nothing, or needs a model to start from and has none.
  public func checkFineTuning() throws(TrainingError) {
    let isPartial = lora != nil || !trained.isSuperset(of: [.adapter, .unet])
    if isPartial, start == nil || reinitialize { throw .partWithoutModel(lora != nil ? "a LoRA" : "--train") }
    if lora != nil, parts.keys.contains(where: { $0 != .diffusion }) { throw .loraStage }
    let rates = [textEncoderLearningRate, adapterLearningRate, unetLearningRate].compactMap { $0 }
    if diffusionLearningRate == 0, lora != nil || trainedNetworks != nil || !rates.isEmpty { throw .zeroLearningRate }
    if regularization != nil, parts[.diffusion] == nil { throw .noRegularization }
    if trainedNetworks != nil, parts[.joint] == nil, parts[.diffusion] == nil { throw .noDenoising }
  }
}
