import Support

/// An endless, deterministic collection of scenes with captions: element `index` depends on the seed and it alone.
public struct Scenes: Sendable {
  /// Training never sees a held-out combination; held-out scenes each have at least one.
  public enum Split: String, Sendable, Codable {
    case training, heldOut
  }

  public let seed: UInt64
  public let split: Split
  public let world: World
  public let emphasis: SceneEmphasis
  private let choice: ObjectChoice

  public init(
    seed: UInt64, split: Split = .training, world: World = .small, emphasis: SceneEmphasis = .none
  ) {
    self.seed = seed
    self.split = split
    self.world = world
    self.emphasis = emphasis
    choice = ObjectChoice(world: world, need: emphasis.need)
  }

  public subscript(index: Int) -> CaptionedScene {
    var random = SplitMix64(seed: seed, index: UInt64(index))
    let wanted = emphasis.draw(&random)
    let sampler = SceneSampler(world: world, choice: choice)
    let composition = sampler.composition(wanted, &random)
    while true {
      let scene = world == .small ? drawSmall(&random) : sampler.draw(composition, &random)
      if wanted.allows(scene), HeldOut.contains(scene) == (split == .heldOut) {
        return SceneCaption.write(scene, of: world, full: emphasis.fullCaptions ?? world.fullCaptions, &random)
      }
    }
  }

  private func drawSmall(_ random: inout SplitMix64) -> Scene {
    let background = Self.drawBackground(&random)
    let horizon = random.real(0.56, 0.64)
    if random.chance(0.7) {
      let place =
        random.chance(0.5) ? Scene.Place.centre : random.pick(Array(Scene.Place.allCases.dropFirst()))
      let sizes: [Scene.Size] =
        place == .centre ? [.small, .medium, .medium, .large] : [.small, .medium, .medium]
      let size = random.pick(sizes)
      let side = random.real(size.range.0, size.range.1)
      let object = drawObject(&random, on: background)
      let placed = Self.put(object, size, side, at: place.centre, &random)
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
      Self.put(object, .medium, random.real(0.38, 0.43), at: centre, &random)
    }
    return Scene(objects: objects, place: nil, relation: relation, background: background, horizon: horizon)
  }

  private static func put(
    _ object: SceneObject, _ size: Scene.Size, _ side: Double, at centre: (x: Double, y: Double),
    _ random: inout SplitMix64
  ) -> Scene.Placed {
    let limit = side / 2 + 0.01
    // An eighth of a cell of an 8×8 latent: what no caption can ask for, a small model should not have to guess.
    func jittered(_ value: Double) -> Double { min(max(value + random.real(-0.015, 0.015), limit), 1 - limit) }
    let x = jittered(centre.x)
    return Scene.Placed(object: object, size: size, x: x, y: jittered(centre.y), side: side)
  }

  private static func drawBackground(_ random: inout SplitMix64) -> Scene.Background {
    random.chance(0.7)
      ? .plain(random.pick(World.small.colours)) : .landscape(random.pick(World.small.landscapes))
  }

  private func drawObject(_ random: inout SplitMix64, on background: Scene.Background) -> SceneObject {
    if random.chance(0.75) { return .emoji(choice.emoji(&random).names[0]) }
    var colour = random.pick(World.small.colours)
    while background == .plain(colour) { colour = random.pick(World.small.colours) }
    return .shape(choice.shape(&random), colour)
  }
}

/// A scene and one way to say it.
public struct CaptionedScene: Sendable, Codable {
  /// Which facts of a scene its caption states, beside the objects, their number and the look.
  ///
  /// An unsaid place that is the centre and an unsaid size that is medium count as stated: that is what they mean.
  public struct Claims: Sendable, Codable, Equatable {
    public var background: Bool
    public var place: Bool  // of one object, or which of several stands where
    public var sizes: Bool  // of all objects
    public var colours: Bool  // of all shapes

    public init(background: Bool, place: Bool, sizes: Bool = true, colours: Bool = true) {
      self.background = background
      self.place = place
      self.sizes = sizes
      self.colours = colours
    }
  }

  public let scene: Scene
  public let caption: String
  public let claims: Claims
}
