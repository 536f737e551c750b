extension SceneCaption {
  /// A background as it stands after the objects, and by itself; nil when its look leaves nothing of it to say.
  mutating func backgroundPhrase() -> (attached: String, bare: String)? {
    switch scene.background {
    case .plain(let color):
      guard scene.look.showsColors else { return nil }
      let name = color.rawValue
      let article = English.article(before: name)
      var phrases = [
        "on \(article) \(name) background", "on \(article) \(name) background",
        "on \(article) \(name) background",
        "with \(article) \(name) background", "against \(article) \(name) background", "on \(name)",
      ]
      if world != .small { phrases.append("in front of \(article) \(name) wall") }
      return (random.pick(phrases), "\(article) \(name) background")
    case .landscape(let landscape): return landscapePhrase(landscape)
    case .gradient(let top, let bottom):
      guard scene.look.showsColors else { return nil }
      let names = "\(top.rawValue) to \(bottom.rawValue)"
      let article = English.article(before: top.rawValue)
      return (
        random.pick([
          "on a gradient from \(names)", "on \(article) \(names) gradient", "against \(article) \(names) gradient",
          "on a background that fades from \(names)",
        ]), "a gradient from \(names)"
      )
    case .pattern(let pattern, let ground, let figure):
      guard scene.look.showsColors else {
        claims.background = false  // the colors are missing
        let word = pattern.adjective
        return ("on a \(word) background", "a \(word) background")
      }
      return patternPhrase(pattern, ground.rawValue, figure.rawValue)
    }
  }

  private mutating func landscapePhrase(_ landscape: Scene.Landscape) -> (attached: String, bare: String) {
    switch landscape {
    case .grass: (random.pick(["on grass", "in a field", "on a meadow", "on the lawn"]), "a green field")
    case .beach: (random.pick(["on a beach", "on the sand", "at the beach"]), "a sandy beach")
    case .night: (random.pick(["at night", "under the night sky", "under the stars"]), "a starry night")
    case .snow: (random.pick(["in the snow", "on snow", "in winter"]), "a snowy landscape")
    case .sea: (random.pick(["at sea", "on the ocean", "on the sea"]), "the open sea")
    case .sky: (random.pick(["in the sky", "up in the sky", "among the clouds", "in the clouds"]), "a cloudy sky")
    case .desert: (random.pick(["in the desert", "in a desert", "among the dunes"]), "a sandy desert")
    case .street: (random.pick(["on a street", "in the street", "in the city", "on the road"]), "a city street")
    case .room: (random.pick(["in a room", "in the living room", "indoors", "at home"]), "an empty room")
    }
  }

  private mutating func patternPhrase(
    _ pattern: Scene.Pattern, _ ground: String, _ figure: String
  ) -> (attached: String, bare: String) {
    let article = English.article(before: ground)
    switch pattern {
    case .dots:
      let bare = "\(article) \(ground) background with \(figure) dots"
      return (
        random.pick(["on \(bare)", "on \(figure) dots over \(ground)", "on \(ground) with \(figure) polka dots"]), bare
      )
    case .stripes, .checks:
      // Either color may come first: there is as much of one as of the other.
      let (a, b) = random.chance(0.5) ? (ground, figure) : (figure, ground)
      let bare = "\(English.article(before: a)) \(a) and \(b) \(pattern.adjective) background"
      let noun = pattern == .stripes ? "stripes" : "checks"
      return (random.pick(["on \(bare)", "on \(bare)", "on \(a) and \(b) \(noun)"]), bare)
    }
  }
}

extension Scene.Pattern {
  var adjective: String {
    switch self {
    case .stripes: "striped"
    case .dots: "dotted"
    case .checks: "checkered"
    }
  }
}

extension VectorShape {
  /// What captions call it, common names more often.
  var captionNames: [String] {
    switch self {
    case .circle: ["circle", "circle", "disc", "disk"]
    case .diamond: ["diamond", "diamond", "rhombus"]
    case .cross: ["cross", "cross", "plus sign"]
    case .oval: ["oval", "oval", "ellipse"]
    case .semicircle: ["semicircle", "half circle"]
    case .square, .triangle, .star, .heart, .ring, .hexagon, .crescent: [rawValue]
    }
  }
}
