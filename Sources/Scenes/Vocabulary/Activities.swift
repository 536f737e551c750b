extension EmojiTable {
  /// Feasts, sports, games, arts and music.
  static let activities = """
    🎃 orange: jack-o'-lantern, Halloween pumpkin
    🎄 Christmas tree
    🎆 ~fireworks
    🎇 sparkler
    🧨 red: firecracker, stick of dynamite
    ✨ yellow: cluster of sparkles, ~sparkles
    🎈 red: balloon
    🎉 party popper
    🎊 confetti ball
    🎋 tanabata tree
    🎍 bamboo decoration, pine decoration
    🎎 pair of Japanese dolls
    🎏 carp streamer, carp flag
    🎐 wind chime
    🧧 red envelope
    🎀 bow, ribbon bow
    🎁 gift, present, wrapped gift
    🎗 yellow: ribbon, reminder ribbon
    🎟 red: admission ticket
    🎫 ticket
    🎖 military medal
    🏆 golden: trophy, trophy cup
    🏅 sports medal
    🥇 gold medal
    🥈 silver medal
    🥉 bronze medal
    ⚽ soccer ball, football
    ⚾ white: baseball
    🥎 yellow: softball
    🏀 orange: basketball
    🏐 volleyball
    🏈 brown: American football
    🏉 rugby ball
    🎾 tennis ball, tennis racket with a ball
    🥏 flying disc, frisbee
    🎳 bowling ball with pins
    🏏 cricket bat
    🏑 field hockey stick
    🏒 ice hockey stick
    🥍 lacrosse stick
    🏓 table tennis bat, ping pong paddle
    🏸 badminton racket
    🥊 red: boxing glove
    🥋 martial arts uniform, judo suit
    🥅 goal net
    ⛳ golf flag, flag in a hole
    ⛸ ice skate
    🎣 fishing rod, fishing pole
    🤿 diving mask
    🎽 running shirt
    🎿 pair of skis, ~skis
    🛷 red: sled, sledge
    🥌 curling stone
    🎯 bullseye, dartboard
    🪀 yo-yo
    🪁 kite
    🔫 orange: water pistol, water gun, squirt gun
    🎱 black: billiard ball, pool ball
    🔮 purple: crystal ball
    🪄 magic wand
    🎮 game controller, gamepad
    🕹 joystick
    🎰 slot machine
    🎲 game die/game dice, die/dice
    🧩 green: puzzle piece, jigsaw piece
    🧸 brown: teddy bear
    🪅 piñata
    🪩 mirror ball, disco ball
    🪆 nesting doll, matryoshka
    ♠ black: spade symbol
    ♣ black: club symbol
    ♟ black: chess pawn
    🃏 joker card, playing card
    🀄 mahjong tile
    🎴 flower card
    🎭 pair of theatre masks, ~theatre masks
    🖼 framed picture, painting
    🎨 artist's palette, paint palette
    🧵 spool of thread
    🪡 sewing needle
    🧶 ball of yarn, ~yarn
    🪢 knot, knotted rope
    🎼 musical score, sheet of music
    🎵 musical note
    🎶 group of musical notes
    🎙 studio microphone
    🎚 level slider
    🎤 microphone
    🎧 pair of headphones, ~headphones
    📻 radio
    🎷 golden: saxophone
    🪗 accordion
    🎸 guitar, electric guitar
    🎹 piano keyboard, piano, musical keyboard
    🎺 golden: trumpet
    🎻 brown: violin, fiddle
    🪕 banjo
    🥁 drum, snare drum
    🪘 long drum, conga
    🪇 pair of maracas, ~maracas
    🪈 brown: flute
    📯 golden: post horn, postal horn
    🎬 clapperboard, film clapper
    """
}
