import Datasets
import Flux
import Scenes
import Support
import Torch

/// What a run learns from.
public enum TrainingData: Sendable {
  /// Scenes of a world, drawn as they are needed by a version of the renderer, some kinds of them more often.
  case scenes(World, emphasis: SceneEmphasis = .none, version: RenderingVersion = .latest)
  /// Pictures with captions that somebody has.
  case pictures(PictureFiles, crop: Crop, mirror: Bool)

  /// Names the content and what is done to it: a run is not continued on something else.
  public var name: String {
    switch self {
    case .scenes(let world, let emphasis, let version): "\(world.rawValue) scenes\(emphasis.name)\(version.name)"
    case .pictures(let files, let crop, let mirror): "\(files.digest) \(crop.rawValue)\(mirror ? " mirrored" : "")"
    }
  }

  /// Number of pictures; nil where they never end.
  public var count: Int? {
    switch self {
    case .scenes: nil
    case .pictures(let files, _, _): files.count
    }
  }

  /// The labels that cells of a picture may have, where it is known what stands in them; else 0.
  var labelCount: Int {
    switch self {
    case .scenes(let world, _, _): world.cellLabelCount
    case .pictures: 0
    }
  }

  /// What a model's directory says about the scenes that it learned; nil where it learned other images.
  var scenesOfModel: ModelBundle.Scenes? {
    switch self {
    case .scenes(let world, _, let version): ModelBundle.Scenes(world: world.rawValue, version: version.rawValue)
    case .pictures: nil
    }
  }

  /// What the examples of a plan are drawn from; `side` is the latent's, in cells.
  func examples(_ plan: TrainingPlan, side: Int) throws -> any TrainingExamples {
    switch self {
    case .scenes(let world, let emphasis, let version):
      let count = plan.profile == .specification ? TrainingPlan.specifiedPairs : nil
      return SceneExamples(
        seed: plan.seed, world: world, emphasis: emphasis, count: count, side: side,
        atlas: try GlyphAtlas(world: world, version: version), textures: plan.textures)
    case .pictures(let files, let crop, let mirror):
      return PictureExamples(files, crop: crop, mirror: mirror, seed: plan.seed)
    }
  }
}

/// Pictures as tensors, and scenes as batches of both.
enum SceneBatches {
  /// Pictures of one size as bytes, `[B, 3, size, size]` in channels-last layout, drawn on all cores.
  static func render(_ scenes: [Scene], size: Int, atlas: GlyphAtlas) -> Tensor {
    TensorImage.bytes(Parallel.map(scenes) { $0.render(size: size, atlas: atlas) })
  }

  /// What stands in every cell of the scenes, `[B, side · side]`.
  static func labels(_ scenes: [Scene], side: Int, world: World) -> Tensor {
    Tensor(scenes.flatMap { $0.cells(side: side, world: world).map(Int64.init) }, shape: [scenes.count, side * side])
  }
}

/// The scenes that a run learns from.
public enum TrainingScenes {
  /// What the diffusion stage of `flux train --data scenes --seed SEED` sees, in its order.
  public static func diffusion(seed: UInt64, world: World = .small, emphasis: SceneEmphasis = .none) -> Scenes {
    Scenes(seed: ExampleStream.diffusion.seed(of: seed), world: world, emphasis: emphasis)
  }
}
