extension SceneCaption {
  /// "three apples in a row".
  mutating func group() -> String {
    var words: [String] = []
    let name = coloredName(scene.objects[0].object, counted: true, &words)
    let count = scene.objects.count
    let number = random.chance(0.9) ? English.number(count) : String(count)
    let body = ([number] + words + [name.plural ?? name.text]).joined(separator: " ")
    guard let arrangement = scene.arrangement else { return body }
    guard isFull || random.chance(0.6) else {
      claims.place = false
      return body
    }
    let phrases: [String] =
      switch arrangement {
      case .row: count == 2 ? ["side by side", "next to each other"] : ["in a row", "side by side", "in a line"]
      case .column:
        count == 2 ? ["one above the other", "on top of each other"] : ["in a column", "on top of each other"]
      case .triangle: ["in a triangle", "arranged in a triangle"]
      }
    return "\(body) \(random.pick(phrases))"
  }

  /// Three different objects, in a row or a triangle.
  mutating func trio() -> String {
    let names = scene.objects.map { noun($0) }
    let form = isFull ? random.pick([1, 2, 3, 6, 7, 8, 9]) : random.below(10)
    if form == 0 {
      // In any order.
      claims.place = false
      let turn = random.below(3)
      return English.list((0..<3).map { names[($0 + turn) % 3] })
    }
    if scene.arrangement == .row {
      switch form {
      case 1...3: return "\(names[0]) on the left, \(names[1]) in the middle and \(names[2]) on the right"
      case 4...5:
        claims.place = false  // which of the outer two is on the left is not said
        let (a, b) = random.chance(0.5) ? (names[0], names[2]) : (names[2], names[0])
        return "\(names[1]) between \(a) and \(b)"
      case 6: return "from left to right: \(English.list(names))"
      default:
        return "\(English.list(names)) \(random.pick(["in a row", "side by side", "in a row from left to right"]))"
      }
    }
    switch form {
    case 1...3: return "\(names[0]) at the top, \(names[1]) at the bottom left and \(names[2]) at the bottom right"
    case 4...5:
      claims.place = false  // nor here
      let (a, b) = random.chance(0.5) ? (names[1], names[2]) : (names[2], names[1])
      return random.chance(0.5) ? "\(names[0]) above \(a) and \(b)" : "\(a) and \(b) below \(names[0])"
    default:
      let above = random.pick(["above", "over"])
      return "\(names[0]) \(above) \(names[1]) on the left and \(names[2]) on the right"
    }
  }

  /// The words for a look that is not flat, before or after the rest.
  mutating func inLook(_ text: String) -> String {
    switch scene.look {
    case .flat: return text
    case .sticker:
      if scene.isGroup {
        return random.pick(["stickers of \(text)", "\(text), as stickers", "\(text), sticker style"])
      }
      return random.pick([
        "a sticker of \(text)", "a sticker of \(text)", "\(text) as a sticker", "\(text), sticker style",
      ])
    case .grayscale:
      return random.pick([
        "a black and white picture of \(text)", "\(text), in black and white", "a greyscale picture of \(text)",
        "\(text), in greyscale", "a grayscale image of \(text)",
      ])
    case .sepia:
      return random.pick([
        "a sepia picture of \(text)", "\(text), in sepia", "an old sepia photograph of \(text)",
        "\(text), in sepia tones",
      ])
    case .pixelArt:
      return random.pick([
        "a pixel art picture of \(text)", "pixel art of \(text)", "\(text), pixel art", "\(text) in pixel art style",
        "an 8-bit picture of \(text)",
      ])
    case .blueprint:
      return random.pick([
        "a blueprint of \(text)", "a blueprint of \(text)", "\(text) as a blueprint", "\(text), blueprint",
        "a technical drawing of \(text) on blue paper",
      ])
    }
  }
}
