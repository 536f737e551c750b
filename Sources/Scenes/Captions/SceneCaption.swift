import Support

/// The grammar of captions: many phrasings of the same facts, articles right, nothing false.
///
/// What a caption leaves out has a default, so that a short prompt has an image to expect: no size means medium, no
/// place means the center, no look means flat. A left-out background may be any. Beyond the small world some captions
/// leave out more; `claims` says what. Full captions leave out nothing but these defaults, and often say them, too.
struct SceneCaption {
  let scene: Scene
  let world: World
  let isFull: Bool
  let plainPairs: Double
  var random: SplitMix64
  var claims = CaptionedScene.Claims(background: true, place: true)

  /// A caption that is full with a probability, and with another says no more of two things than that they are there;
  /// nothing random is drawn where these are 0.
  static func write(
    _ scene: Scene, of world: World, full: Double = 0, plainPairs: Double = 0, _ random: inout SplitMix64
  ) -> CaptionedScene {
    let isFull = full > 0 && random.chance(full)
    var writer = SceneCaption(scene: scene, world: world, isFull: isFull, plainPairs: plainPairs, random: random)
    let caption = writer.text()
    random = writer.random
    return CaptionedScene(scene: scene, caption: caption, claims: writer.claims)
  }

  private mutating func text() -> String {
    let isLeftOut = !isFull && random.chance(world == .small ? 0.06 : 0.12)
    let background = isLeftOut ? nil : backgroundPhrase()
    if background == nil { claims.background = false }
    let body =
      if scene.isGroup {
        group()
      } else {
        switch scene.objects.count {
        case 1: single()
        case 2: pair()
        default: trio()
        }
      }
    guard let background else { return framed(body) }
    switch random.below(20) {
    case 0: return framed("\(background.bare) with \(body)", opens: false)
    case 1: return framed("\(body), \(background.bare)", opens: false)
    default: return framed("\(body) \(background.attached)")
    }
  }

  /// With an opening sometimes, and with the words for its look.
  private mutating func framed(_ text: String, opens: Bool = true) -> String {
    guard scene.look == .flat else { return inLook(text) }
    guard opens, !random.chance(0.8) else { return text }
    let thereIs = scene.isGroup ? "there are " : "there is "
    return random.pick(["a picture of ", "an image of ", "a drawing of ", thereIs, "an emoji of "]) + text
  }

  private mutating func single() -> String {
    let object = noun(scene.objects[0])
    guard let place = scene.place else { return object }
    if world != .small, place != .center, !isFull, random.chance(0.05) {
      claims.place = false
      return object
    }
    let words: [String] =
      switch place {
      case .center: random.chance(isFull ? 0.5 : 0.85) ? [""] : ["in the middle", "in the centre", "in the center"]
      case .left: ["on the left", "on the left side", "at the left"]
      case .right: ["on the right", "on the right side", "at the right"]
      case .top: ["at the top", "on top", "at the top centre"]
      case .bottom: ["at the bottom", "at the bottom centre"]
      case .topLeft: ["in the top left corner", "at the top left", "in the upper left corner"]
      case .topRight: ["in the top right corner", "at the top right", "in the upper right corner"]
      case .bottomLeft: ["in the bottom left corner", "at the bottom left", "in the lower left corner"]
      case .bottomRight: ["in the bottom right corner", "at the bottom right", "in the lower right corner"]
      }
    let word = random.pick(words)
    return word.isEmpty ? object : "\(object) \(word)"
  }

  private mutating func pair() -> String {
    var (first, second) = (noun(scene.objects[0]), noun(scene.objects[1]))
    guard var relation = scene.relation else { return "\(first) and \(second)" }
    if plainPairs > 0, relation == .leftOf || relation == .rightOf, random.chance(plainPairs) {
      claims.place = false
      return random.chance(0.5) ? "\(first) and \(second)" : "\(second) and \(first)"
    }
    if !isFull, random.chance(0.12) {
      // Side by side: either order is true.
      if random.chance(0.5) { swap(&first, &second) }
      switch relation {
      case .leftOf, .rightOf:
        claims.place = false
        return "\(first) \(random.pick(["next to", "beside", "and"])) \(second)"
      case .above, .below: break
      }
    }
    if random.chance(0.2), relation == .leftOf || relation == .rightOf {
      let (left, right) =
        relation == .leftOf ? (scene.objects[0], scene.objects[1]) : (scene.objects[1], scene.objects[0])
      return "\(noun(left)) on the left and \(noun(right)) on the right"
    }
    (first, second) = (noun(scene.objects[0]), noun(scene.objects[1]))
    if random.chance(0.5) {
      swap(&first, &second)
      relation = relation.opposite
    }
    let words: [String] =
      switch relation {
      case .leftOf: ["to the left of", "left of", "on the left of"]
      case .rightOf: ["to the right of", "right of", "on the right of"]
      case .above: ["above", "over", "on top of"]
      case .below: ["below", "under", "beneath"]
      }
    return "\(first) \(random.pick(words)) \(second)"
  }

  /// "a small red apple": article, size unless medium, color of shapes always and of emoji sometimes, name.
  mutating func noun(_ placed: Scene.Placed) -> String {
    var words: [String] = []
    if placed.size != .medium {
      if world != .small, !isFull, random.chance(0.08) {
        claims.sizes = false
      } else {
        words.append(random.pick(placed.size == .small ? ["small", "little", "tiny"] : ["large", "big", "huge"]))
      }
    } else if isFull, random.chance(0.2) {
      words.append(random.pick(["medium-sized", "medium-sized", "medium"]))
    }
    let name = coloredName(placed.object, counted: false, &words)
    guard name.plural != nil else {
      // "popcorn" and "scissors" take no article, "the Milky Way" has its own.
      guard name.text.hasPrefix("the ") else { return (words + [name.text]).joined(separator: " ") }
      return (["the"] + words + [String(name.text.dropFirst(4))]).joined(separator: " ")
    }
    words.append(name.text)
    return ([English.article(before: words[0])] + words).joined(separator: " ")
  }

  /// One of an object's names, after an adjective of color in many cases; `counted` names have a plural.
  mutating func coloredName(_ object: SceneObject, counted: Bool, _ words: inout [String]) -> EmojiEntry.Name {
    switch object {
    case .shape(let shape, let color):
      if scene.look.showsColors, world == .small || isFull || !random.chance(0.04) {
        words.append(color.rawValue)
      } else {
        claims.colors = false
      }
      return EmojiEntry.Name(random.pick(shape.captionNames))
    case .emoji(let name):
      guard let entry = world.entry(name) else { fatalError("\(name) is not in the vocabulary") }
      if let color = entry.color, scene.look.showsColors, random.chance(0.3) { words.append(color) }
      return random.chance(0.7) ? entry.allNames[0] : random.pick(counted ? entry.countedNames : entry.allNames)
    }
  }
}

extension Scene.Relation {
  /// How the second object stands to the first.
  public var opposite: Scene.Relation {
    switch self {
    case .leftOf: .rightOf
    case .rightOf: .leftOf
    case .above: .below
    case .below: .above
    }
  }
}
