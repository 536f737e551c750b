import ArgumentParser
import Datasets
import Flux
import Foundation
import Scenes
import Training

/// The model and the data of `flux train`.
struct LearningOptions: ParsableArguments {
  @Option(help: "Training recipe: ship (the one used for released weights) or specification (the textbook one).")
  var profile: TrainingPlan.Profile = .ship
  @Option(
    name: .customLong("preset"),
    help: """
      Model size: tiny, mini, midi, base, fine or specification (default: that of --from, or the profile's); \
      or pixel-example, a model without latents that few options apply to (docs/example.md).
      """)
  var presetName: PresetName?
  @Option(
    help: """
      Training data: scenes (rendered on the fly), or a folder or .tar archive of captioned images (see flux data \
      check).
      """)
  var data: String = "scenes"
  @Option(help: "World of the scenes: small, medium or full (default: depends on the preset).") var world: World?
  @Option(help: "Version of the scene renderer: 1 (used for mini) or 2, which draws large objects sharp (default: 2).")
  var scenesVersion: RenderingVersion?
  @OptionGroup var emphasis: EmphasisOptions
  @Option(help: "Crop of images: center or random.") var crop: Crop = .center
  @Flag(
    help: """
      Crop each image to the nearest of several shapes, up to twice as wide as high or as high as wide, instead of a square \
      (aspect ratio bucketing); the training images of a step have one shape. With --from.
      """)
  var aspectBuckets = false
  @Flag(help: "Flip every other image horizontally, unless its caption mentions left or right.") var mirror = false
  @Flag(help: "Use the images of folders named N_NAME (10_cats) N times per epoch, as kohya's scripts do.")
  var folderRepeats = false
  @Option(
    help: """
      Model to start from: its autoencoder is frozen, its U-Net is trained further (or reinitialized if the preset's \
      sizes differ). May be the directory of an autoencoder alone, or with --lora-rank a model of Stable Diffusion.
      """)
  var from: FilePath?
  @Flag(help: "With --from: reinitialize U-Net and text adapter and keep only the autoencoder.")
  var reinitialize = false

  /// The preset of a model with latents; nil is the profile's.
  var preset: Preset? { if case .latent(let preset) = presetName { preset } else { nil } }

  func validate() throws {
    if from != nil, profile == .specification {
      throw ValidationError("--from needs --profile ship: the specification trains all networks from scratch")
    }
    if folderRepeats, data == "scenes" { throw ValidationError("--folder-repeats needs images of your own in --data") }
    if aspectBuckets, data == "scenes" { throw ValidationError(TrainingError.bucketsOfScenes.description) }
    if data.isEmpty { throw ValidationError("--data must be a folder, an archive or \"scenes\"") }
    if reinitialize, from == nil { throw ValidationError("--reinitialize needs --from") }
  }

  /// Refuses a run folder inside data, by the flags that name them: the run would train on its own sample images and could
  /// not be continued.
  func refuseRun(_ folder: URL, inside data: [String: String?]) throws {
    func resolved(_ url: URL) -> String { url.standardizedFileURL.resolvingSymlinksInPath().path }
    let run = resolved(folder)
    for (flag, data) in data.sorted(by: { $0.key < $1.key }) {
      guard let data, data != "scenes" else { continue }
      let images = resolved(FilePath(data).url)
      guard run == images || run.hasPrefix(images + "/") else { continue }
      throw Failure("--output \(folder.path) is inside \(flag) \(data): choose a folder outside it", code: 2)
    }
  }

  /// Opens the training data for a preset; nil is the profile's.
  func trainingData(preset: Preset?) throws -> TrainingData {
    if data == "scenes" {
      let world = world ?? (preset ?? profile.preset).world
      return .scenes(world, emphasis: try emphasis.emphasis(in: world), version: scenesVersion ?? .latest)
    }
    if emphasis.isAsked {
      throw Failure(
        "--pairs, --shape-pairs, --full-captions and --sampling-weights need --data scenes, not \(data)", code: 2)
    }
    if scenesVersion != nil { throw Failure("--scenes-version needs --data scenes, not \(data)", code: 2) }
    if world != nil { throw Failure("--world needs --data scenes, not \(data)", code: 2) }
    return .images(try ImageFolder(FilePath(data).url, repeats: folderRepeats), crop: crop, mirror: mirror)
  }
}

extension Preset {
  /// The default world of a preset.
  fileprivate var world: World {
    switch self {
    case .tiny, .mini: .small
    case .midi: .medium
    case .base, .fine, .specification: .full
    }
  }
}

extension Crop: ExpressibleByArgument {}
extension Preset: ExpressibleByArgument {}

/// A value of `--preset`: the sizes of a model with latents, or the pixel-space example.
enum PresetName: ExpressibleByArgument, Equatable {
  case latent(Preset)
  case pixelExample

  private static let example = "pixel-example"

  init?(argument: String) {
    if let preset = Preset(rawValue: argument) {
      self = .latent(preset)
    } else if argument == Self.example {
      self = .pixelExample
    } else {
      return nil
    }
  }

  static var allValueStrings: [String] { Preset.allCases.map(\.rawValue) + [example] }
}
extension TrainingPlan.Profile: ExpressibleByArgument {}

/// Scenes that are sampled more often than by default.
struct EmphasisOptions: ParsableArguments {
  @Option(help: "Fraction of additional scenes with two objects.") var pairs: Double = 0
  @Option(help: "Fraction of additional scenes with two colored shapes.") var shapePairs: Double = 0
  @Option(help: "Fraction of captions that state every fact (default: 0.75 in the medium world, else 0).")
  var fullCaptions: Double?
  @Option(
    help: "Fraction of captions of two things side by side that say no place, such as \"a cat and a purple star\".")
  var plainPairs: Double?
  @Option(help: "JSON file of sampling weights per object, as written by flux evaluate --write-sampling-weights.")
  var samplingWeights: String?

  func validate() throws {
    for (flag, value) in [
      ("--pairs", pairs), ("--shape-pairs", shapePairs), ("--full-captions", fullCaptions ?? 0),
      ("--plain-pairs", plainPairs ?? 0),
    ] {
      try NumberRange.check(flag, value, 0...1)
    }
    if pairs + shapePairs > 1 { throw ValidationError("--pairs and --shape-pairs together must be at most 1") }
  }

  /// Whether any of the options was given.
  var isAsked: Bool { pairs + shapePairs > 0 || fullCaptions != nil || plainPairs != nil || samplingWeights != nil }

  /// The options as an emphasis; throws if the file is not for this world.
  func emphasis(in world: World) throws -> SceneEmphasis {
    SceneEmphasis(
      pairs: pairs, shapePairs: shapePairs, fullCaptions: fullCaptions, plainPairs: plainPairs,
      samplingWeights: try samplingWeights.map { try SamplingWeights(file: URL(fileURLWithPath: $0), world: world) })
  }
}
