/// The words of the small world.
public enum Vocabulary {
  /// Emoji that are well apart in shape and color, with their names.
  public static let emoji: [EmojiEntry] = table.map { row in
    EmojiEntry(scalar: Unicode.Scalar(row.0)!, names: row.1.map { EmojiEntry.Name($0) }, color: row.2)
  }

  /// The entry of an emoji by its first name.
  public static func entry(_ name: String) -> EmojiEntry? { World.small.entry(name) }

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
