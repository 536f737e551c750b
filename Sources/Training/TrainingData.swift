import Data
import Foundation

/// What a run learns from.
public enum TrainingData: Sendable {
  /// Scenes, drawn as they are needed.
  case scenes
  /// Pictures with captions that somebody has.
  case pictures(PictureFiles, crop: Crop, mirror: Bool)

  /// Names the content and what is done to it: a run is not continued on something else.
  public var name: String {
    switch self {
    case .scenes: "scenes"
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

  /// Whether it is known what stands in each cell of a picture.
  var knowsObjects: Bool {
    switch self {
    case .scenes: true
    case .pictures: false
    }
  }
}
