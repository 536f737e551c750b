extension EmojiTable {
  /// What people wear, carry, and keep at home.
  static let belongings = """
    👓 pair of glasses, ~glasses, ~eyeglasses
    🕶 pair of sunglasses, ~sunglasses
    🥽 pair of goggles, ~goggles
    🥼 white: lab coat
    🦺 orange: safety vest
    👔 shirt with a tie
    👕 blue: T-shirt, shirt
    👖 blue: pair of jeans, ~jeans, ~trousers
    🧣 red: scarf
    🧤 pair of gloves, ~gloves
    🧥 coat, jacket
    🧦 pair of socks, ~socks
    👗 dress
    👘 kimono
    🥻 sari
    🩱 swimsuit, bathing suit
    🩲 pair of briefs, ~briefs
    🩳 pair of shorts, ~shorts, ~swimming trunks
    👙 bikini
    👚 blouse
    🪭 folding fan, hand fan
    👛 purse, coin purse
    👜 brown: handbag
    👝 clutch bag, pouch
    🛍 pair of shopping bags, ~shopping bags
    🎒 backpack, school bag, rucksack
    🩴 flip-flop, thong sandal
    👞 brown: shoe, leather shoe
    👟 sneaker, running shoe, trainer
    🥾 brown: hiking boot
    🥿 blue: flat shoe, ballet flat
    👠 red: high heel, high-heeled shoe
    👡 sandal
    🩰 pink: pair of ballet shoes, ~ballet shoes
    👢 brown: boot
    🪮 hair pick
    👑 golden: crown
    👒 sun hat, straw hat
    🎩 black: top hat
    🎓 graduation cap
    🧢 blue: cap, baseball cap
    🪖 green: military helmet
    ⛑ rescue helmet
    📿 string of prayer beads, ~prayer beads
    💄 red: lipstick
    💍 diamond ring, wedding ring
    💎 blue: gem, gemstone
    🌂 purple: folded umbrella, closed umbrella
    ☂ purple: umbrella
    ☔ umbrella in the rain
    ⛱ beach umbrella, parasol
    🚪 brown: door
    🛗 elevator, lift
    🪞 mirror
    🪟 window
    🛏 bed
    🛋 couch with a lamp, sofa with a lamp
    🪑 chair
    🚽 white: toilet
    🪠 plunger
    🚿 shower
    🛁 bathtub, bath
    🪤 mousetrap
    🪒 razor
    🧴 lotion bottle, bottle of lotion
    🧷 safety pin
    🧹 broom
    🧺 basket
    🧻 roll of toilet paper, ~toilet paper
    🪣 bucket, pail
    🧼 bar of soap, ~soap
    🫧 blue: cluster of bubbles, ~bubbles, ~soap bubbles
    🪥 toothbrush
    🧽 yellow: sponge
    🛒 shopping cart, shopping trolley
    🚬 cigarette
    ⚰ brown: coffin
    🪦 grey: headstone, gravestone
    ⚱ funeral urn, urn
    🧿 blue: evil eye amulet, nazar amulet
    🪬 hamsa
    🗿 grey: moai/moai, Easter Island head
    🪧 placard
    🪪 identity card, ID card
    🕯 candle
    🪔 oil lamp, diya lamp
    🏮 red: paper lantern
    """
}
