extension EmojiTable {
  /// Faces, fabulous beings, parts of the body and signs.
  static let figures = """
    😀 yellow: grinning face, smiley
    😂 face with tears of joy
    🙃 upside-down face
    🫠 melting face
    😉 yellow: winking face
    😇 angel face, face with a halo
    😍 face with heart eyes
    🤩 starry-eyed face
    😘 face blowing a kiss/faces blowing kisses
    😜 winking face with its tongue out/winking faces with their tongues out
    🤑 money-mouth face
    🤔 thinking face
    🤐 zipper-mouth face
    😐 yellow: neutral face
    😬 yellow: grimacing face
    🤥 long-nosed face, lying face
    😴 sleeping face
    😷 masked face, face with a medical mask
    🤒 face with a thermometer
    🤕 face with a head bandage
    🤢 green: nauseated face
    🥵 hot face
    🥶 blue: freezing face, cold face
    🤯 exploding head
    🤠 cowboy, cowboy face
    🥳 partying face
    🥸 disguised face
    😎 face with sunglasses
    🤓 nerd face
    🧐 face with a monocle
    🙁 frowning face, sad face
    😭 crying face
    😱 screaming face
    🥱 yawning face
    😡 red: angry face
    🤬 swearing face
    😈 purple: devil face, smiling devil
    💀 white: skull
    ☠ skull and crossbones/skulls and crossbones
    💩 brown: pile of poo
    🤡 clown, clown face
    👹 red: ogre
    👺 red: goblin
    👻 white: ghost
    👽 alien
    👾 purple: space invader, alien monster
    🤖 robot, robot head
    😺 grinning cat face
    😻 cat face with heart eyes
    🙀 screaming cat face
    🙈 monkey that covers its eyes/monkeys that cover their eyes
    🙉 monkey that covers its ears/monkeys that cover their ears
    🙊 monkey that covers its mouth/monkeys that cover their mouths
    💘 heart with an arrow
    💝 heart with a ribbon
    💕 pair of pink hearts
    💔 broken heart
    💋 red: kiss mark, lipstick kiss
    💬 speech balloon, speech bubble
    💭 thought balloon, thought bubble
    🦾 mechanical arm, robot arm
    🦿 mechanical leg, robot leg
    🧠 pink: brain
    🫀 red: anatomical heart
    🫁 pink: pair of lungs, ~lungs
    🦷 white: tooth
    👀 pair of eyes, ~eyes
    👁 eye
    👅 pink: tongue
    👄 red: mouth, pair of lips
    👣 pair of footprints, ~footprints
    ♿ wheelchair symbol
    ⚠ yellow: warning sign
    ⛔ red: no entry sign
    🚫 red: prohibition sign
    🚭 no smoking sign
    ☢ radioactivity sign, radiation sign
    ☣ biohazard sign
    ♻ green: recycling symbol
    ☯ yin-yang symbol, yin and yang symbol
    ☮ peace symbol, peace sign
    ⚛ atom symbol
    🕎 menorah
    🔱 golden: trident
    ⚜ fleur-de-lis/fleurs-de-lis
    📛 name badge
    ❓ red: question mark
    ❗ red: exclamation mark
    ✅ green: check mark
    ❌ red: cross mark
    ♾ infinity symbol
    """
}
