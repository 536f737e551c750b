/// The emoji of the medium world: all of the small one's, and 192 of the full one's, no two of which look alike.
///
/// `flux data distinct-emoji` chooses them (`DistinctEmoji`) and prints the table.
enum MediumVocabulary {
  static let emoji: [EmojiEntry] = Vocabulary.emoji + added

  private static let added: [EmojiEntry] = {
    let entries = Dictionary(uniqueKeysWithValues: EmojiTable.entries.map { ($0.names[0], $0) })
    let names = table.replacing("\n", with: " ").split(separator: ", ").map(String.init)
    return names.map { name in
      guard let entry = entries[name] else { fatalError("\(name) is not in the full world") }
      return entry
    }
  }()

  private static let table = """
    monkey, melon, globe, train, fireworks, scarf, loudspeaker, cowboy, gorilla, compass, tram, sparkler, coat,
    megaphone, skull, orangutan, mango, mountain, monorail, firecracker, dress, telephone, clown, poodle, pear,
    volcano, trolleybus, bow, kimono, pager, ogre, wolf, peach, campsite, minibus, ribbon, sari, battery, goblin,
    raccoon, kiwi, stadium, ambulance, ticket, swimsuit, laptop, alien, tiger, taxi, trophy, bikini, printer,
    brain, leopard, olive, hut, jeep, baseball, blouse, keyboard, tooth, horse, coconut, hospital, tractor, purse,
    trackball, eye, moose, avocado, bank, motorcycle, handbag, minidisc, tongue, donkey, eggplant, hotel,
    wheelchair, sled, backpack, mouth, zebra, potato, school, bicycle, bullseye, shoe, abacus, menorah, deer,
    cucumber, factory, skateboard, kite, sneaker, television, trident, bison, lettuce, church, motorway, joystick,
    sandal, camera, ox, mosque, wheel, piñata, boot, flashlight, cow, chestnut, synagogue, siren, knot, cap,
    notebook, boar, croissant, fountain, anchor, microphone, lipstick, scroll, ram, baguette, tent, canoe, radio,
    gem, newspaper, sheep, flatbread, thermometer, speedboat, saxophone, door, bookmark, goat, pretzel, cloud,
    ferry, accordion, elevator, label, camel, bagel, thunderstorm, ship, trumpet, mirror, llama, tornado,
    airplane, violin, window, receipt, giraffe, steak, cyclone, parachute, banjo, bed, envelope, mammoth,
    sandwich, snowflake, seat, drum, chair, package, rhinoceros, taco, comet, helicopter, flute, toilet, postbox,
    hippopotamus, burrito, wave, satellite, clapperboard, plunger, pencil, mouse, tamale, explosion, suitcase,
    shower, pen
    """
}
