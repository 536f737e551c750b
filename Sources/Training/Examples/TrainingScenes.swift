import Scenes

/// The scenes that a run learns from.
public enum TrainingScenes {
  /// What the diffusion stage of `flux train --data scenes --seed SEED` sees, in its order.
  public static func diffusion(seed: UInt64, world: World = .small, emphasis: SceneEmphasis = .none) -> Scenes {
    Scenes(seed: ExampleStream.diffusion.seed(of: seed), world: world, emphasis: emphasis)
  }
}
