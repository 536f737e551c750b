import Datasets
import Flux
import Scenes
import Support
import Torch

/// The data of a training run.
public enum TrainingData: Sendable {
  /// Scenes of a world, rendered on the fly by a version of the renderer, with some kinds sampled more often.
  case scenes(World, emphasis: SceneEmphasis = .none, version: RenderingVersion = .latest)
  /// Captioned images from a folder or archive.
  case images(ImageFolder, crop: Crop, mirror: Bool)

  /// Identifies the data and its augmentation, so that a run is not continued on other data.
  public var name: String {
    switch self {
    case .scenes(let world, let emphasis, let version): "\(world.rawValue) scenes\(emphasis.name)\(version.name)"
    case .images(let files, let crop, let mirror): "\(files.digest) \(crop.rawValue)\(mirror ? " mirrored" : "")"
    }
  }

  /// Number of images; nil if endless.
  public var count: Int? {
    switch self {
    case .scenes: nil
    case .images(let files, _, _): files.count
    }
  }

  /// Number of object labels of latent cells; 0 if the data have none.
  var labelCount: Int {
    switch self {
    case .scenes(let world, _, _): world.cellLabelCount
    case .images: 0
    }
  }

  /// The scenes as recorded in a model directory; nil for other images.
  var scenesOfModel: ModelBundle.Scenes? {
    switch self {
    case .scenes(let world, _, let version): ModelBundle.Scenes(world: world.rawValue, version: version.rawValue)
    case .images: nil
    }
  }

  /// The examples of a plan; `side` is the latent size in cells.
  func examples(_ plan: TrainingPlan, side: Int) throws -> any TrainingExamples {
    switch self {
    case .scenes(let world, let emphasis, let version):
      let count = plan.profile == .specification ? TrainingPlan.specifiedPairs : nil
      return SceneExamples(
        seed: plan.seed, world: world, emphasis: emphasis, count: count, side: side,
        atlas: try GlyphAtlas(world: world, version: version), textures: plan.textures)
    case .images(let files, let crop, let mirror):
      return ImageExamples(
        files, crop: crop, mirror: mirror, seed: plan.seed, buckets: plan.aspectBuckets == nil ? nil : plan.buckets)
    }
  }
}

/// Scenes as batches of image and label tensors.
enum SceneBatches {
  /// Renders scenes on all cores: bytes `[B, 3, size, size]` in channels-last layout.
  static func render(_ scenes: [Scene], size: Int, atlas: GlyphAtlas) -> Tensor {
    TensorImage.bytes(Parallel.map(scenes) { $0.render(size: size, atlas: atlas) })
  }

  /// The object label of every cell of the scenes, `[B, side · side]`.
  static func labels(_ scenes: [Scene], side: Int, world: World) -> Tensor {
    Tensor(scenes.flatMap { $0.cells(side: side, world: world).map(Int64.init) }, shape: [scenes.count, side * side])
  }
}

/// The scenes of a training run.
public enum TrainingScenes {
  /// The scenes of the diffusion stage of `flux train --data scenes --seed SEED`, in order.
  public static func diffusion(seed: UInt64, world: World = .small, emphasis: SceneEmphasis = .none) -> Scenes {
    Scenes(seed: ExampleStream.diffusion.seed(of: seed), world: world, emphasis: emphasis)
  }
}
