/// An error of a plan or of the training of a model; those of run folders are `RunError`.
public enum TrainingError: Error, CustomStringConvertible, Sendable, Equatable {
  /// The latents of the autoencoder have collapsed in the described way.
  case collapsed(step: Int, String)
  /// The autoencoder of the model to start from does not have the preset's sizes.
  case otherAutoencoder
  /// The U-Net of the model to start from has another prediction type.
  case otherPrediction(String, wanted: String)
  /// No stage trains an encoder, and there is no model to start from.
  case noEncoder([TrainingPlan.Stage])
  /// The plan does not have a stage; the second value lists those that it has.
  case noStage(TrainingPlan.Stage, [TrainingPlan.Stage])
  /// A LoRA or a part of the networks is to be trained, and no model has the weights of the rest; the value names which.
  case partWithoutModel(String)
  /// The networks of the model to start from do not have the preset's sizes.
  case otherSizes
  /// A LoRA is trained in the diffusion stage only, and the plan has other stages.
  case loraStage
  /// No stage has a denoising loss, so the choice of its networks has no effect.
  case noDenoising
  /// Regularization images are used in the diffusion stage only, which the plan does not have.
  case noRegularization
  /// The learning rate is 0, to which those of single networks would be relative.
  case zeroLearningRate
  /// A target is the end of no layer's name in the trained networks; the second value lists some that exist.
  case noTarget(String, [String])
  /// No target is the end of a layer's name in this network.
  case untargeted(String, [String])
  /// Steps are to be recorded that an earlier session of the run has done.
  case recordOfContinuedRun(step: Int)
  /// A stage's batch cannot be divided into equal parts: processes times micro-batches.
  case unequalShares(TrainingPlan.Stage, batch: Int, processes: Int, accumulation: Int)
  /// These processes, counted from 1, have other settings or data than the first.
  case otherPlans([Int])
  /// This process, counted from 1, does not find the images that another one has encoded.
  case otherImages(process: Int)
  /// Several processes train on this device, which is no CPU.
  case processesOnDevice(String)
  /// `--size` is not a multiple of the model's size that levels learn from.
  case superResolutionSize(Int, own: Int, largest: Int)
  /// `--size` is given, and no stage trains levels.
  case sizeWithoutStage
  /// `--size` is given for a decoder whose levels end at the model's size.
  case noRoom(size: Int, own: Int)
  /// Widths of levels are given for a decoder without fields.
  case noFieldLevels
  /// The widths of the levels are not valid.
  case levels(String)
  /// The decoder would be trained after the levels that read its features.
  case decoderAfterLevels
  /// Images are smaller than those that levels are to learn; the value names the first.
  case smallImages(Int, of: Int, first: String, size: Int)
  /// Images of several shapes are asked for, and the data are scenes, which are square.
  case bucketsOfScenes
  /// Images of several shapes are for the diffusion stage, and the plan has others.
  case bucketsStage

  public var description: String {
    switch self {
    case .superResolutionSize(let size, let own, let largest):
      "--size \(size) must be a multiple of the model's size, \(own), from \(2 * own) to \(largest)"
    case .sizeWithoutStage: "--size has no effect: add --stages super-resolution"
    case .noRoom(let size, let own):
      "--size \(size): this model's decoder has no room for larger images, its levels end at \(own)×\(own); only those "
        + "of a palette decoder learn from larger ones"
    case .noFieldLevels: "--super-resolution-widths needs a preset with a palette decoder"
    case .levels(let reason): "--super-resolution-widths: \(reason)"
    case .decoderAfterLevels:
      "the stage decoder would change the features that the super-resolution levels read: train it first, in a run of "
        + "its own"
    case .smallImages(let count, let all, let first, let size):
      "\(count) of \(all) images \(count == 1 ? "is" : "are") smaller than --size \(size) (\(first)): levels would learn "
        + "blurred details, so give larger images or leave these out"
    case .bucketsOfScenes:
      "--aspect-buckets needs images of your own in --data: scenes are square, and so are their labels"
    case .bucketsStage:
      "--aspect-buckets is for the stage diffusion, on a frozen autoencoder: add --from MODEL and remove --stages, since "
        + "all other stages learn from squares"
    case .unequalShares(let stage, let batch, let processes, let accumulation):
      "stage \(stage.name) has a batch of \(batch), which \(processes) processes"
        + (accumulation > 1 ? " with --accumulate \(accumulation)" : "")
        + " cannot share equally: choose a --batch that makes it a multiple of \(processes * accumulation)"
    case .otherPlans(let ranks):
      "process \(ranks.map(String.init).joined(separator: ", ")) has other settings or data than process 1: start all with "
        + "the same options, on the same images"
    case .otherImages(let process):
      "process \(process) cannot read the images that another process read: all need the same readable files"
    case .processesOnDevice(let device):
      "several processes train together on CPUs only, not on \(device): use --device cpu, or one process"
    case .recordOfContinuedRun(let step):
      "steps are recorded from the first on, and this run has done \(step): remove --record-steps, or choose another "
        + "--output"
    case .collapsed(let step, let what):
      "step \(step): the latents have collapsed \(what); the last checkpoint is kept"
    case .otherAutoencoder:
      "the autoencoder of the --from model does not match the preset: choose the preset it was trained with"
    case .otherPrediction(let theirs, let wanted):
      "the --from model predicts \(theirs), this run \(wanted): use --reinitialize to keep only its autoencoder"
    case .noEncoder(let stages):
      "the stages \(stages.map(\.name).joined(separator: ", ")) train no encoder: add --from MODEL or the stage "
        + "autoencoder"
    case .noStage(let stage, let others):
      "this run has no stage \(stage.name); its stages are \(others.map(\.name).joined(separator: ", "))"
    case .partWithoutModel(let what):
      "\(what) trains a part of a model and needs the rest: add --from MODEL, without --reinitialize"
    case .otherSizes:
      "the U-Net and adapter of the --from model do not have the preset's sizes, so their weights cannot be kept: choose "
        + "the preset they were trained with"
    case .loraStage: "a LoRA is trained in the stage diffusion only: remove --stages"
    case .noDenoising: "--train has no effect: no stage of this run trains U-Net, adapter or text encoder"
    case .noRegularization: "--regularization has no effect: this run has no stage diffusion"
    case .zeroLearningRate: "--learning-rate is 0: to freeze a network, leave it out of --train"
    case .noTarget(let target, let others):
      "--lora-targets: no layer's name ends in \(target); among the ends are \(others.joined(separator: ", "))"
    case .untargeted(let network, let targets):
      "--lora-targets \(targets.joined(separator: ",")) names no layer of the \(network), which --train trains"
    }
  }

  /// Whether what was asked for does not exist, rather than that something went wrong.
  public var isAboutTheRequest: Bool {
    switch self {
    case .noTarget, .untargeted, .otherSizes, .unequalShares, .processesOnDevice: true
    default: false
    }
  }
}
