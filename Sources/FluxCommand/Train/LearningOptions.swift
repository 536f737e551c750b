import ArgumentParser
import Datasets
import Flux
import Foundation
import Scenes
import Training

/// What `flux train` makes, and from what.
struct LearningOptions: ParsableArguments {
  @Option(help: "How to train: ship (what trains the weights that people get), or specification (to the letter).")
  var profile: TrainingPlan.Profile = .ship
  @Option(help: "Sizes of the networks: tiny, mini, midi, base, fine or specification (default: the profile's).")
  var preset: Preset?
  @Option(
    help: """
      What to learn from: scenes (drawn as they are needed), or a folder or archive of pictures with captions (see flux \
      data check).
      """)
  var data: String = "scenes"
  @Option(help: "The world of the scenes: small, medium or full (default: what the preset is meant for).") var world:
    World?
  @Option(help: "How scenes are drawn: 1, soft where they are large, as mini learned them, or 2, sharp (default: 2).")
  var scenesVersion: RenderingVersion?
  @OptionGroup var emphasis: EmphasisOptions
  @Option(help: "Which square of a picture is taken: centre or random.") var crop: Crop = .centre
  @Flag(help: "Exchange left and right in every other picture, unless its caption speaks of them.") var mirror = false
  @Option(
    help: "Model to start from: its autoencoder stays as it is, its U-Net learns on (or anew, if the preset's differs)."
  ) var from: FilePath?
  @Flag(help: "With --from: take the autoencoder only; U-Net and adapter learn anew.") var anew = false

  func validate() throws {
    if from != nil, profile == .specification {
      throw ValidationError("--from is for profile ship: the specification trains everything from the first step on")
    }
    if data.isEmpty { throw ValidationError("--data needs a folder or an archive, or \"scenes\"") }
    if anew, from == nil { throw ValidationError("--anew says what to take from a model: give --from, too") }
  }

  /// A run inside its own data would learn from its own sample images, and could not be continued.
  func refuseRunInsideData(_ folder: URL) throws {
    func resolved(_ url: URL) -> String { url.standardizedFileURL.resolvingSymlinksInPath().path }
    let (run, images) = (resolved(folder), resolved(FilePath(data).url))
    guard data != "scenes", run == images || run.hasPrefix(images + "/") else { return }
    throw Failure("--output \(folder.path) lies inside of --data \(data): choose a folder beside it", code: 2)
  }

  /// Opens what is to be learnt.
  func trainingData() throws -> TrainingData {
    if data == "scenes" {
      let world = world ?? (preset ?? profile.preset).world
      return .scenes(world, emphasis: try emphasis.emphasis(in: world), version: scenesVersion ?? .latest)
    }
    if emphasis.isAsked {
      throw Failure("--pairs, --shape-pairs, --captions-full and --need are about scenes, not about \(data)", code: 2)
    }
    if scenesVersion != nil { throw Failure("--scenes-version is about scenes, not about \(data)", code: 2) }
    if world != nil { throw Failure("--world is about scenes, not about \(data)", code: 2) }
    return .pictures(try PictureFiles(FilePath(data).url), crop: crop, mirror: mirror)
  }
}

extension Preset {
  /// The scenes that a preset is meant to learn.
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
extension TrainingPlan.Profile: ExpressibleByArgument {}

/// Which scenes a run learns from more often than its world draws them.
struct EmphasisOptions: ParsableArguments {
  @Option(help: "Share of the scenes that hold two objects, besides those that do by chance.") var pairs: Double = 0
  @Option(help: "Share of the scenes that hold two coloured shapes, besides those that do by chance.")
  var shapePairs: Double = 0
  @Option(help: "Share of the captions that state every fact (default: 0.75 in the medium world, else 0).")
  var captionsFull: Double?
  @Option(help: "A file that says how often each object is drawn, as flux evaluate --write-need makes it.")
  var need: String?

  func validate() throws {
    let shares = [("pairs", pairs), ("shape-pairs", shapePairs), ("captions-full", captionsFull ?? 0)]
    for (flag, value) in shares where !(0...1).contains(value) {
      throw ValidationError("--\(flag) \(value) must be 0 to 1")
    }
    if pairs + shapePairs > 1 { throw ValidationError("--pairs and --shape-pairs together must be at most 1") }
  }

  /// Whether anything was given.
  var isAsked: Bool { pairs + shapePairs > 0 || captionsFull != nil || need != nil }

  /// What was given; the file is read, and must be of the world.
  func emphasis(in world: World) throws -> SceneEmphasis {
    SceneEmphasis(
      pairs: pairs, shapePairs: shapePairs, fullCaptions: captionsFull,
      need: try need.map { try ObjectNeed(file: URL(fileURLWithPath: $0), world: world) })
  }
}
