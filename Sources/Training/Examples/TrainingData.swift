import Datasets
import Scenes

/// What a run learns from.
public enum TrainingData: Sendable {
  /// Scenes of a world, drawn as they are needed, some kinds of them more often.
  case scenes(World, emphasis: SceneEmphasis = .none)
  /// Pictures with captions that somebody has.
  case pictures(PictureFiles, crop: Crop, mirror: Bool)

  /// Names the content and what is done to it: a run is not continued on something else.
  public var name: String {
    switch self {
    case .scenes(let world, let emphasis): "\(world.rawValue) scenes\(emphasis.name)"
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
    case .scenes(let world, _): world.cellLabelCount
    case .pictures: 0
    }
  }

  /// What the examples of a plan are drawn from; `side` is the latent's, in cells.
  func examples(_ plan: TrainingPlan, side: Int) throws -> any TrainingExamples {
    switch self {
    case .scenes(let world, let emphasis):
      let count = plan.profile == .specification ? TrainingPlan.specifiedPairs : nil
      return SceneExamples(
        seed: plan.seed, world: world, emphasis: emphasis, count: count, side: side,
        atlas: try GlyphAtlas(world: world))
    case .pictures(let files, let crop, let mirror):
      return PictureExamples(files, crop: crop, mirror: mirror, seed: plan.seed)
    }
  }
}
