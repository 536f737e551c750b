import Images
import Scenes

/// Whoever says what a picture shows, without knowing what was asked for.
public protocol SceneReader {
  /// The world whose objects it knows.
  var world: World { get }
  /// What a square RGB picture shows whose side is a multiple of 128.
  func read(_ image: Image) -> PictureReading
}
