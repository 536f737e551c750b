import Support

/// An endless, deterministic collection of scenes with captions: element `index` depends only on the seed and `index`.
public struct Scenes: Sendable {
  /// Training scenes have no held-out combination; held-out scenes have at least one each.
  public enum Split: String, Sendable, Codable {
    /// `training` has no scene with a held-out combination, `heldOut` only such scenes.
    case training, heldOut
  }

  /// Seed of the collection; others give unrelated scenes.
  public let seed: UInt64
  /// The part of all scenes that the collection consists of.
  public let split: Split
  /// The vocabulary that scenes are made of.
  public let world: World
  /// Kinds of scenes, captions and objects that are more frequent than in the world itself.
  public let emphasis: SceneEmphasis
  private let choice: ObjectChoice

  /// A collection that depends on nothing but these four values.
  public init(
    seed: UInt64, split: Split = .training, world: World = .small, emphasis: SceneEmphasis = .none
  ) {
    self.seed = seed
    self.split = split
    self.world = world
    self.emphasis = emphasis
    choice = ObjectChoice(world: world, samplingWeights: emphasis.samplingWeights)
  }

  /// Scene `index`, which is not negative, with one of its captions.
  public subscript(index: Int) -> CaptionedScene {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    let wanted = emphasis.draw(&random)
    let sampler = SceneSampler(world: world, choice: choice)
    let composition = sampler.composition(wanted, &random)
    while true {
      let scene = world == .small ? drawSmall(&random) : sampler.draw(composition, &random)
      if wanted.allows(scene), HeldOut.contains(scene) == (split == .heldOut) {
        return SceneCaption.write(
          scene, of: world, full: emphasis.fullCaptions ?? world.fullCaptions, plainPairs: emphasis.plainPairs ?? 0,
          &random)
      }
    }
  }

  private func drawSmall(_ random: inout SplitMix64) -> Scene {
    let background = Self.drawBackground(&random)
    let horizon = random.real(0.56, 0.64)
    if random.chance(0.7) {
      let place =
        random.chance(0.5) ? Scene.Place.center : random.pick(Array(Scene.Place.allCases.dropFirst()))
      let sizes: [Scene.Size] =
        place == .center ? [.small, .medium, .medium, .large] : [.small, .medium, .medium]
      let size = random.pick(sizes)
      let side = random.real(size.range.0, size.range.1)
      let object = drawObject(&random, on: background)
      let placed = Self.put(object, size, side, at: place.center, &random)
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
    let objects = [(first, p), (second, q)].map { object, center in
      Self.put(object, .medium, random.real(0.38, 0.43), at: center, &random)
    }
    return Scene(objects: objects, place: nil, relation: relation, background: background, horizon: horizon)
  }

  private static func put(
    _ object: SceneObject, _ size: Scene.Size, _ side: Double, at center: (x: Double, y: Double),
    _ random: inout SplitMix64
  ) -> Scene.Placed {
    let limit = side / 2 + 0.01
    // An eighth of a cell of an 8×8 latent: a small model should not have to model what captions cannot state.
    func jittered(_ value: Double) -> Double { min(max(value + random.real(-0.015, 0.015), limit), 1 - limit) }
    let x = jittered(center.x)
    return Scene.Placed(object: object, size: size, x: x, y: jittered(center.y), side: side)
  }

  private static func drawBackground(_ random: inout SplitMix64) -> Scene.Background {
    random.chance(0.7)
      ? .plain(random.pick(World.small.colors)) : .landscape(random.pick(World.small.landscapes))
  }

  private func drawObject(_ random: inout SplitMix64, on background: Scene.Background) -> SceneObject {
    if random.chance(0.75) { return .emoji(choice.emoji(&random).names[0]) }
    var color = random.pick(World.small.colors)
    while background == .plain(color) { color = random.pick(World.small.colors) }
    return .shape(choice.shape(&random), color)
  }
}

/// A scene with one of its captions.
public struct CaptionedScene: Sendable, Codable {
  /// Which facts of a scene its caption states, in addition to the objects, their number and the style.
  ///
  /// The center as the place and medium as the size count as stated if the caption omits them, as they are the defaults.
  public struct Claims: Sendable, Codable, Equatable {
    /// The background with all of its colors.
    public var background: Bool
    /// The position of a single object, or the arrangement of several.
    public var place: Bool
    /// The sizes of all objects.
    public var sizes: Bool
    /// The colors of all shapes.
    public var colors: Bool

    /// Claims of a caption, each true if the caption states all facts of that kind.
    public init(background: Bool, place: Bool, sizes: Bool = true, colors: Bool = true) {
      self.background = background
      self.place = place
      self.sizes = sizes
      self.colors = colors
    }
  }

  /// The facts that are rendered.
  public let scene: Scene
  /// One of the scene's captions, in English.
  public let caption: String
  /// The facts that the caption states.
  public let claims: Claims
}

/// The combinations that are held out from training for evaluation: about one in twenty of the cells
/// (object, background), (object, place), (object, object), (shape, color) and (count, object), chosen by a hash of
/// their words.
public enum HeldOut {
  /// Whether a scene has a held-out combination.
  public static func contains(_ scene: Scene) -> Bool { !cells(of: scene).isEmpty }

  /// The held-out combinations of a scene, as words.
  public static func cells(of scene: Scene) -> [String] { combinations(of: scene).filter(isHeldOut) }

  /// Whether a combination, in the words of `combinations`, is held out.
  static func isHeldOut(_ combination: String) -> Bool { stableHash(combination) % 20 == 0 }

  /// All combinations of a scene, each once.
  static func combinations(of scene: Scene) -> [String] {
    var cells: [String] = []
    // Several of one kind count once, with their number.
    let kinds = scene.isGroup ? [scene.objects[0].object] : scene.objects.map(\.object)
    for object in kinds {
      cells.append("\(object.noun) | on \(scene.background.kind)")
      if let place = scene.place, place != .center { cells.append("\(object.noun) | at \(place.rawValue)") }
      if case .shape(let shape, let color) = object { cells.append("\(color.rawValue) | \(shape.rawValue)") }
    }
    if scene.isGroup { cells.append("\(scene.objects.count) | \(kinds[0].noun)") }
    for (index, first) in kinds.enumerated() {
      for second in kinds[(index + 1)...] {
        cells.append([first.noun, second.noun].sorted().joined(separator: " | with "))
      }
    }
    return cells
  }
}
