import Raster

/// Something that a scene can hold: an emoji in its own colours, or a vector shape in one of ten.
public enum SceneObject: Sendable, Hashable, Codable {
  case emoji(String)  // its first name in `Vocabulary.emoji`
  case shape(VectorShape, ColourName)

  /// The word that stands for it: "apple", "circle".
  public var noun: String {
    switch self {
    case .emoji(let name): name
    case .shape(let shape, _): shape.rawValue
    }
  }

  /// What makes it this object and no other: "apple", "red circle".
  public var label: String {
    switch self {
    case .emoji(let name): name
    case .shape(let shape, let colour): "\(colour.rawValue) \(shape.rawValue)"
    }
  }
}

/// The colours that shapes and plain backgrounds have.
public enum ColourName: String, Sendable, Codable, CaseIterable {
  case red, orange, yellow, green, blue, purple, pink, brown, black, white

  /// As shapes are painted.
  public var shapeColour: Colour {
    switch self {
    case .red: Colour(214, 34, 34)
    case .orange: Colour(246, 128, 12)
    case .yellow: Colour(252, 206, 16)
    case .green: Colour(30, 148, 60)
    case .blue: Colour(26, 86, 216)
    case .purple: Colour(116, 42, 178)
    case .pink: Colour(242, 92, 168)
    case .brown: Colour(110, 64, 32)
    case .black: Colour(20, 20, 22)
    case .white: Colour(252, 252, 252)
    }
  }

  /// As backgrounds are painted: quieter, so that a shape stands out even from a related colour.
  public var backgroundColour: Colour {
    switch self {
    case .red: Colour(228, 92, 84)
    case .orange: Colour(248, 170, 92)
    case .yellow: Colour(252, 228, 120)
    case .green: Colour(122, 196, 114)
    case .blue: Colour(98, 156, 234)
    case .purple: Colour(162, 122, 210)
    case .pink: Colour(248, 182, 208)
    case .brown: Colour(164, 122, 92)
    case .black: Colour(42, 42, 48)
    case .white: Colour(246, 246, 244)
    }
  }
}

/// An emoji of the world: how it is drawn and what people call it.
public struct EmojiEntry: Sendable {
  public let scalar: Unicode.Scalar
  public let names: [String]  // the first is its identity, the others are synonyms
  public let colour: String?  // an adjective that is true of it and that people may add
}

/// The words of the first world.
public enum Vocabulary {
  /// Emoji that are well apart in shape and colour, with their names.
  public static let emoji: [EmojiEntry] = table.map { row in
    EmojiEntry(scalar: Unicode.Scalar(row.0)!, names: row.1, colour: row.2)
  }

  /// The entry of an emoji by its first name.
  public static func entry(_ name: String) -> EmojiEntry? { byName[name].map { emoji[$0] } }

  private static let byName = Dictionary(uniqueKeysWithValues: emoji.enumerated().map { ($1.names[0], $0) })

  private static let table: [(UInt32, [String], String?)] = [
    // food
    (0x1f34e, ["apple"], "red"),
    (0x1f34c, ["banana"], "yellow"),
    (0x1f353, ["strawberry"], "red"),
    (0x1f955, ["carrot"], "orange"),
    (0x1f349, ["watermelon", "slice of watermelon"], nil),
    (0x1f34d, ["pineapple"], nil),
    (0x1f347, ["bunch of grapes"], "purple"),
    (0x1f352, ["pair of cherries"], "red"),
    (0x1f966, ["broccoli"], "green"),
    (0x1f355, ["pizza", "slice of pizza"], nil),
    (0x1f354, ["hamburger", "burger"], nil),
    (0x1f369, ["doughnut", "donut"], nil),
    (0x1f382, ["birthday cake", "cake"], nil),
    (0x1f366, ["ice cream", "ice cream cone"], nil),
    (0x1f95a, ["egg"], nil),
    (0x1f34b, ["lemon"], "yellow"),
    // animals
    (0x1f431, ["cat", "kitty", "cat face"], nil),
    (0x1f436, ["dog", "puppy", "dog face"], nil),
    (0x1f98a, ["fox"], nil),
    (0x1f43c, ["panda"], nil),
    (0x1f438, ["frog"], "green"),
    (0x1f437, ["pig"], "pink"),
    (0x1f981, ["lion"], nil),
    (0x1f430, ["rabbit", "bunny"], nil),
    (0x1f427, ["penguin"], nil),
    (0x1f989, ["owl"], "brown"),
    (0x1f422, ["turtle", "tortoise"], "green"),
    (0x1f40d, ["snake"], "green"),
    (0x1f419, ["octopus"], nil),
    (0x1f980, ["crab"], "red"),
    (0x1f420, ["fish"], nil),
    (0x1f433, ["whale"], "blue"),
    (0x1f98b, ["butterfly"], nil),
    (0x1f984, ["unicorn"], nil),
    (0x1f418, ["elephant"], "grey"),
    // vehicles and places
    (0x1f680, ["rocket", "spaceship"], nil),
    (0x1f697, ["car", "automobile"], "red"),
    (0x1f68c, ["bus"], nil),
    (0x26f5, ["sailboat", "boat"], nil),
    (0x1f3e0, ["house"], nil),
    (0x1f3f0, ["castle"], nil),
    // nature
    (0x1f332, ["pine tree", "fir tree"], "green"),
    (0x1f334, ["palm tree"], nil),
    (0x1f335, ["cactus"], "green"),
    (0x1f33b, ["sunflower"], "yellow"),
    (0x1f339, ["rose"], "red"),
    (0x1f344, ["mushroom", "toadstool"], "red"),
    (0x1f31e, ["sun"], "yellow"),
    (0x1f525, ["fire", "flame"], nil),
    (0x1f308, ["rainbow"], nil),
    (0x26c4, ["snowman"], nil),
    // things
    (0x1f3b8, ["guitar"], nil),
    (0x26bd, ["soccer ball", "football"], nil),
    (0x1f3c0, ["basketball"], "orange"),
    (0x1f388, ["balloon"], "red"),
    (0x1f514, ["bell"], nil),
    (0x1f511, ["key"], nil),
    (0x1f4d5, ["book"], "red"),
    (0x2602, ["umbrella"], "purple"),
    (0x1f381, ["gift", "present"], nil),
    (0x1f451, ["crown"], nil),
    (0x1f47b, ["ghost"], "white"),
    (0x1f916, ["robot"], nil),
    (0x1f4a1, ["light bulb"], nil),
  ]
}
