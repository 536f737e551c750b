import ArgumentParser
import Datasets
import Support
import Training

/// Which networks the denoising loss trains, and how.
struct FineTuningOptions: ParsableArguments {
  @Option(
    help: """
      Networks that the denoising loss trains, separated by commas: text-encoder, adapter, unet (default: adapter,unet; \
      unet with --lora-rank). The others keep the weights of --from.
      """)
  var train: NetworkList?
  @Option(
    name: [.long, .customLong("unet-lr")], help: "Peak learning rate of the U-Net (default: --learning-rate).")
  var unetLearningRate: Double?
  @Option(
    name: [.long, .customLong("adapter-lr")], help: "Peak learning rate of the text adapter (default: --learning-rate)."
  )
  var adapterLearningRate: Double?
  @Option(
    name: [.long, .customLong("text-encoder-lr")],
    help: "Peak learning rate of the text encoder (default: 5e-5, or half of the U-Net's with --lora-rank).")
  var textEncoderLearningRate: Double?
  @Option(help: "Train a LoRA of this rank on frozen weights instead of the weights, and write lora.safetensors.")
  var loraRank: Int?
  @Option(help: "Alpha of the LoRA, which counts alpha / rank times (default: the rank).") var loraAlpha: Double?
  @Option(
    help: """
      Ends of the names of the layers that the LoRA adapts, separated by commas (default: the attention projections \
      to_q,to_k,to_v,to_out.0 of the U-Net and query,key,value,dense of the text encoder, which for Stable Diffusion are \
      q_proj,k_proj,v_proj,out_proj).
      """)
  var loraTargets: LoRATargetList?
  @Option(
    help: """
      Folder or archive of captioned images that the model shall keep generating (prior preservation); each step has as \
      many of them as of --data.
      """)
  var regularization: FilePath?
  @Option(help: "Weight of the loss on regularization images (default: 1).") var regularizationWeight: Double?

  func validate() throws {
    try CountLimit.check("--lora-rank", loraRank, to: CountLimit.rank)
    if loraRank == nil {
      if loraAlpha != nil { throw ValidationError("--lora-alpha needs --lora-rank") }
      if loraTargets != nil { throw ValidationError("--lora-targets needs --lora-rank") }
    } else if train?.networks.contains(.adapter) == true {
      throw ValidationError("a LoRA adapts U-Net and text encoder: remove adapter from --train, or --lora-rank")
    }
    if let loraAlpha, !(loraAlpha > 0 && loraAlpha <= 1e6) {
      throw ValidationError("--lora-alpha \(loraAlpha.shown) must be above 0 and at most 1000000")
    }
    if let regularizationWeight {
      if regularization == nil { throw ValidationError("--regularization-weight needs --regularization") }
      if !(regularizationWeight > 0 && regularizationWeight <= 1000) {
        throw ValidationError("--regularization-weight \(regularizationWeight.shown) must be above 0 and at most 1000")
      }
    }
    let trained = networks
    for (flag, network, value) in [
      ("--unet-learning-rate", TrainingPlan.Network.unet, unetLearningRate),
      ("--adapter-learning-rate", .adapter, adapterLearningRate),
      ("--text-encoder-learning-rate", .textEncoder, textEncoderLearningRate),
    ] {
      guard let value else { continue }
      if !(value > 0 && value.isFinite) { throw ValidationError("\(flag) \(value.shown) must be above 0") }
      if !trained.contains(network) {
        throw ValidationError("\(flag) has no effect: add \(network.rawValue) to --train, or remove the flag")
      }
    }
  }

  /// The networks that are trained.
  private var networks: Set<TrainingPlan.Network> {
    train?.networks ?? (loraRank == nil ? [.adapter, .unet] : [.unet])
  }

  /// Opens the regularization images, which are cropped like those of `data`.
  func regularizationData(besides data: TrainingData, named name: String) throws -> TrainingData? {
    guard let regularization else { return nil }
    guard case .images(let images, let crop, let mirror) = data else {
      throw Failure("--regularization needs images of your own in --data, not \(name)", code: 2)
    }
    let files = try ImageFolder(regularization.url)
    if files.digest == images.digest {
      throw Failure("--regularization \(regularization.text) has the same images as --data: it has no effect", code: 2)
    }
    for warning in files.warnings { say("flux: \(regularization.text): \(warning)") }
    return .images(files, crop: crop, mirror: mirror)
  }

  /// Puts the options into a plan, before hyperparameters that are given one by one.
  func apply(to plan: inout TrainingPlan, regularization: TrainingData?) {
    plan.regularization = regularization.map {
      TrainingPlan.Regularization($0, weight: regularizationWeight ?? 1)
    }
    plan.trained = networks
    plan.unetLearningRate = unetLearningRate
    plan.adapterLearningRate = adapterLearningRate
    plan.textEncoderLearningRate = textEncoderLearningRate
    guard let loraRank else { return }
    plan.lora = TrainingPlan.LoRASettings(rank: loraRank, alpha: loraAlpha, targets: loraTargets?.targets)
    plan.alignment = 0  // its heads would be new, while the features of the U-Net are not
  }
}

/// Names of networks, separated by commas.
struct NetworkList: ExpressibleByArgument {
  let networks: Set<TrainingPlan.Network>

  init?(argument: String) {
    let names = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    let found = names.compactMap { TrainingPlan.Network(rawValue: $0) }
    if found.count != names.count || Set(found).count != found.count { return nil }
    networks = Set(found)
  }
}

/// Ends of layer names, separated by commas.
struct LoRATargetList: ExpressibleByArgument {
  let targets: [String]

  init?(argument: String) {
    targets = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if targets.contains("") || Set(targets).count != targets.count { return nil }
  }
}
