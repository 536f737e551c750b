/// The grammar of captions: many phrasings of the same facts, articles right, nothing false.
///
/// What a caption leaves out has a default, so that a short prompt has a picture to expect: no size means medium, no
/// place means the centre. A left-out background may be any.
enum SceneCaption {
  static func write(_ scene: Scene, _ random: inout SceneRandom) -> CaptionedScene {
    var claims = CaptionedScene.Claims(background: true, place: true)
    let caption = text(scene, &random, &claims)
    return CaptionedScene(scene: scene, caption: caption, claims: claims)
  }

  private static func text(
    _ scene: Scene, _ random: inout SceneRandom, _ claims: inout CaptionedScene.Claims
  ) -> String {
    let background = random.chance(0.06) ? nil : phrase(scene.background, &random)
    let body = scene.objects.count == 1 ? single(scene, &random) : pair(scene, &random, &claims)
    claims.background = background != nil
    guard let background else { return opening(&random) + body }
    switch random.below(20) {
    case 0: return "\(background.bare) with \(body)"
    case 1: return "\(body), \(background.bare)"
    default: return opening(&random) + "\(body) \(background.attached)"
    }
  }

  private static func opening(_ random: inout SceneRandom) -> String {
    random.chance(0.8)
      ? "" : random.pick(["a picture of ", "an image of ", "a drawing of ", "there is ", "an emoji of "])
  }

  private static func single(_ scene: Scene, _ random: inout SceneRandom) -> String {
    let object = noun(scene.objects[0], &random)
    guard let place = scene.place else { return object }
    let words: [String] =
      switch place {
      case .centre: random.chance(0.85) ? [""] : ["in the middle", "in the centre", "in the center"]
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

  private static func pair(
    _ scene: Scene, _ random: inout SceneRandom, _ claims: inout CaptionedScene.Claims
  ) -> String {
    var (first, second) = (noun(scene.objects[0], &random), noun(scene.objects[1], &random))
    guard var relation = scene.relation else { return "\(first) and \(second)" }
    if random.chance(0.12) {
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
      return "\(noun(left, &random)) on the left and \(noun(right, &random)) on the right"
    }
    (first, second) = (noun(scene.objects[0], &random), noun(scene.objects[1], &random))
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

  /// "a small red apple": article, size unless medium, colour of shapes always and of emoji sometimes, name.
  private static func noun(_ placed: Scene.Placed, _ random: inout SceneRandom) -> String {
    var words: [String] = []
    switch placed.size {
    case .small: words.append(random.pick(["small", "little", "tiny"]))
    case .large: words.append(random.pick(["large", "big", "huge"]))
    case .medium: break
    }
    switch placed.object {
    case .shape(let shape, let colour):
      words += [colour.rawValue, random.pick(synonyms(shape.rawValue))]
    case .emoji(let name):
      guard let entry = Vocabulary.entry(name) else { fatalError("\(name) is not in the vocabulary") }
      if let colour = entry.colour, random.chance(0.3) { words.append(colour) }
      words.append(random.chance(0.7) ? name : random.pick(entry.names))
    }
    let vowel = words[0].first.map { "aeiou".contains($0) } ?? false
    let article = vowel && !words[0].hasPrefix("un") ? "an" : "a"  // "a unicorn"
    return ([article] + words).joined(separator: " ")
  }

  private static func synonyms(_ shape: String) -> [String] {
    switch shape {
    case "circle": ["circle", "circle", "disc", "disk"]
    case "diamond": ["diamond", "diamond", "rhombus"]
    case "cross": ["cross", "cross", "plus sign"]
    default: [shape]
    }
  }

  /// A background as it stands after the objects, and by itself.
  private static func phrase(_ background: Scene.Background, _ random: inout SceneRandom) -> (
    attached: String, bare: String
  ) {
    switch background {
    case .plain(let colour):
      let name = colour.rawValue
      let article = name == "orange" ? "an" : "a"
      let attached = random.pick([
        "on \(article) \(name) background", "on \(article) \(name) background",
        "on \(article) \(name) background",
        "with \(article) \(name) background", "against \(article) \(name) background", "on \(name)",
      ])
      return (attached, "\(article) \(name) background")
    case .landscape(let landscape):
      return switch landscape {
      case .grass: (random.pick(["on grass", "in a field", "on a meadow", "on the lawn"]), "a green field")
      case .beach: (random.pick(["on a beach", "on the sand", "at the beach"]), "a sandy beach")
      case .night: (random.pick(["at night", "under the night sky", "under the stars"]), "a starry night")
      case .snow: (random.pick(["in the snow", "on snow", "in winter"]), "a snowy landscape")
      case .sea: (random.pick(["at sea", "on the ocean", "on the sea"]), "the open sea")
      }
    }
  }
}

extension Scene.Relation {
  /// How the second object stands to the first.
  var opposite: Scene.Relation {
    switch self {
    case .leftOf: .rightOf
    case .rightOf: .leftOf
    case .above: .below
    case .below: .above
    }
  }
}
