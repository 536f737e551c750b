import Raster

/// An endless, deterministic collection of scenes with captions: element `index` depends on the seed and it alone.
public struct Scenes: Sendable {
  /// Training never sees a held-out combination; held-out scenes each have at least one.
  public enum Split: String, Sendable, Codable {
    case training, heldOut
  }

  public let seed: UInt64
  public let split: Split

  public init(seed: UInt64, split: Split = .training) {
    self.seed = seed
    self.split = split
  }

  public subscript(index: Int) -> CaptionedScene {
    var random = SceneRandom(seed: seed, index: UInt64(index))
    while true {
      let scene = Self.draw(&random)
      if HeldOut.contains(scene) == (split == .heldOut) {
        return SceneCaption.write(scene, &random)
      }
    }
  }

  private static func draw(_ random: inout SceneRandom) -> Scene {
    let background = drawBackground(&random)
    let horizon = random.real(0.56, 0.64)
    if random.chance(0.7) {
      let place =
        random.chance(0.5) ? Scene.Place.centre : random.pick(Array(Scene.Place.allCases.dropFirst()))
      let sizes: [Scene.Size] =
        place == .centre ? [.small, .medium, .medium, .large] : [.small, .medium, .medium]
      let size = random.pick(sizes)
      let side = random.real(size.range.0, size.range.1)
      let object = drawObject(&random, on: background)
      let placed = put(object, size, side, at: place.centre, &random)
      return Scene(objects: [placed], place: place, relation: nil, background: background, horizon: horizon)
    }
    let relation = random.pick(Scene.Relation.allCases)
    let first = drawObject(&random, on: background)
    var second = drawObject(&random, on: background)
    while second == first { second = drawObject(&random, on: background) }
    let (a, b) = (0.25, 0.75)
    let (p, q): ((x: Double, y: Double), (x: Double, y: Double)) =
      switch relation {
      case .leftOf: ((a, 0.5), (b, 0.5))
      case .rightOf: ((b, 0.5), (a, 0.5))
      case .above: ((0.5, a), (0.5, b))
      case .below: ((0.5, b), (0.5, a))
      }
    let objects = [(first, p), (second, q)].map { object, centre in
      put(object, .medium, random.real(0.38, 0.43), at: centre, &random)
    }
    return Scene(objects: objects, place: nil, relation: relation, background: background, horizon: horizon)
  }

  private static func put(
    _ object: SceneObject, _ size: Scene.Size, _ side: Double, at centre: (x: Double, y: Double),
    _ random: inout SceneRandom
  ) -> Scene.Placed {
    let limit = side / 2 + 0.01
    // An eighth of a cell of an 8×8 latent: what no caption can ask for, a small model should not have to guess.
    func jittered(_ value: Double) -> Double { min(max(value + random.real(-0.015, 0.015), limit), 1 - limit) }
    let x = jittered(centre.x)
    return Scene.Placed(object: object, size: size, x: x, y: jittered(centre.y), side: side)
  }

  private static func drawBackground(_ random: inout SceneRandom) -> Scene.Background {
    random.chance(0.7)
      ? .plain(random.pick(ColourName.allCases)) : .landscape(random.pick(Scene.Landscape.allCases))
  }

  private static func drawObject(_ random: inout SceneRandom, on background: Scene.Background) -> SceneObject {
    if random.chance(0.75) { return .emoji(random.pick(Vocabulary.emoji).names[0]) }
    var colour = random.pick(ColourName.allCases)
    while background == .plain(colour) { colour = random.pick(ColourName.allCases) }
    return .shape(random.pick(VectorShape.allCases), colour)
  }
}

/// A scene and one way to say it.
public struct CaptionedScene: Sendable, Codable {
  /// Which facts of a scene its caption states, beside the objects.
  public struct Claims: Sendable, Codable, Equatable {
    public var background: Bool
    public var place: Bool  // of one object, or which of two stands where
  }

  public let scene: Scene
  public let caption: String
  public let claims: Claims
}

/// The combinations that training never sees, so that evaluation can ask for them: about one in twenty of the cells
/// (object, background), (object, place), (object, object) and (shape, colour), chosen by a hash of their words.
public enum HeldOut {
  /// Whether a scene has a held-out combination.
  public static func contains(_ scene: Scene) -> Bool { !cells(of: scene).isEmpty }

  /// The held-out combinations of a scene, as words.
  public static func cells(of scene: Scene) -> [String] {
    var cells: [String] = []
    for placed in scene.objects {
      cells.append("\(placed.object.noun) | on \(scene.background.label)")
      if let place = scene.place, place != .centre {
        cells.append("\(placed.object.noun) | at \(place.rawValue)")
      }
      if case .shape(let shape, let colour) = placed.object {
        cells.append("\(colour.rawValue) | \(shape.rawValue)")
      }
    }
    if scene.objects.count == 2 {
      cells.append(scene.objects.map(\.object.noun).sorted().joined(separator: " | with "))
    }
    return cells.filter { stableHash($0) % 20 == 0 }
  }
}
