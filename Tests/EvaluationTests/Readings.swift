import Images
import Scenes

@testable import Evaluation

/// The sprites of the small world, loaded once for all tests.
enum SmallAtlas {
  static func get() throws -> GlyphAtlas { try loaded.get() }
  private static let loaded = Result { try GlyphAtlas() }
}

/// Scenes and readings of images, made by hand.
enum Readings {
  static let panda = SceneObject.emoji("panda")
  static let apple = SceneObject.emoji("apple")
  static let redCircle = SceneObject.shape(.circle, .red)
  static let blueCircle = SceneObject.shape(.circle, .blue)
  static let blueStar = SceneObject.shape(.star, .blue)

  /// A square part at a place of the canvas, with its matches, best first; `color` is that of shapes unless given.
  static func part(
    _ object: SceneObject, x: Double = 0.5, y: Double = 0.5, side: Int = 40, likeness: Float = 0.9,
    color: ColorName? = nil, also others: [(SceneObject, Float)] = []
  ) -> ImageReading.Found {
    let (left, top) = (Int(x * 128) - side / 2, Int(y * 128) - side / 2)
    var shown = color ?? .black
    if color == nil, case .shape(_, let own) = object { shown = own }
    return ImageReading.Found(
      segment: Segment(area: side * side, left: left, right: left + side - 1, top: top, bottom: top + side - 1),
      matches: ([(object, likeness)] + others).map { GlyphMatcher.Match(object: $0.0, likeness: $0.1) }, color: shown)
  }

  static func reading(_ parts: [ImageReading.Found], on background: String = "blue") -> ImageReading {
    ImageReading(background: background, found: parts, side: 128)
  }

  static func scene(
    _ objects: [SceneObject], place: Scene.Place? = nil, relation: Scene.Relation? = nil,
    on background: Scene.Background = .plain(.blue)
  ) -> Scene {
    let placed = objects.enumerated().map { index, object in
      Scene.Placed(
        object: object, size: .medium, x: (Double(index) + 0.5) / Double(objects.count), y: 0.5,
        side: 0.8 / Double(max(2, objects.count)))
    }
    return Scene(objects: placed, place: place, relation: relation, background: background, horizon: 0.6)
  }

  static func prompt(
    _ category: PromptCategory, _ objects: [SceneObject], relation: Scene.Relation? = nil, text: String = "a prompt"
  ) -> EvaluationPrompt {
    EvaluationPrompt(category: category, text: text, scene: scene(objects, relation: relation))
  }
}

extension Image {
  /// An RGB image whose values are given by column, row and channel, clamped to bytes.
  static func drawn(_ width: Int, _ height: Int, _ value: (_ x: Int, _ y: Int, _ channel: Int) -> Double) -> Image {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * width * height)
    for y in 0..<height {
      for x in 0..<width {
        for c in 0..<3 { pixels.append(UInt8(min(max(value(x, y, c).rounded(), 0), 255))) }
      }
    }
    return Image(width: width, height: height, channels: .rgb, pixels: pixels)
  }

  /// A gray image whose values are given by column and row.
  static func gray(_ width: Int, _ height: Int, _ value: (_ x: Int, _ y: Int) -> Double) -> Image {
    drawn(width, height) { x, y, _ in value(x, y) }
  }
}
