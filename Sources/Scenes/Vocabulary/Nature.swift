extension EmojiTable {
  /// Animals, plants, and what they leave behind.
  static let nature = """
    🐵 monkey face
    🐒 brown: monkey, ape
    🦍 gorilla
    🦧 orange: orangutan
    🐶 dog face, puppy face
    🐕 dog, puppy
    🦮 guide dog
    🐩 poodle
    🐺 grey: wolf/wolves, wolf face
    🦊 orange: fox, fox face
    🦝 grey: raccoon
    🐱 cat face, kitty face
    🐈 cat, kitty
    🦁 lion, lion face
    🐯 tiger face
    🐅 tiger
    🐆 leopard, cheetah
    🐴 brown: horse face
    🐎 brown: horse
    🫎 brown: moose/moose, elk/elk
    🫏 grey: donkey
    🦄 unicorn
    🦓 zebra
    🦌 brown: deer/deer, stag
    🦬 brown: bison/bison, American buffalo/American buffaloes
    🐮 cow face
    🐂 brown: ox/oxen, bull
    🐃 grey: water buffalo/water buffaloes
    🐄 cow
    🐷 pink: pig face, piglet face
    🐖 pink: pig
    🐗 brown: boar, wild boar
    🐽 pink: pig nose, snout
    🐏 ram
    🐑 white: sheep/sheep, ewe
    🐐 brown: goat
    🐪 camel, one-humped camel
    🐫 two-humped camel
    🦙 llama, alpaca
    🦒 giraffe
    🐘 grey: elephant
    🦣 brown: mammoth
    🦏 grey: rhinoceros/rhinoceroses, rhino
    🦛 hippopotamus/hippopotamuses, hippo
    🐭 grey: mouse face/mouse faces
    🐁 mouse/mice
    🐀 grey: rat
    🐹 hamster, hamster face
    🐰 rabbit face, bunny face
    🐇 rabbit, bunny
    🐿 brown: chipmunk, squirrel
    🦫 brown: beaver
    🦔 hedgehog, porcupine
    🦇 bat
    🐻 brown: bear, bear face
    🐨 grey: koala, koala bear
    🐼 panda, panda bear
    🦥 sloth
    🦦 brown: otter
    🦨 skunk
    🦘 kangaroo
    🦡 badger
    🐾 pair of paw prints, ~paw prints
    🦃 turkey
    🐔 white: chicken, hen
    🐓 rooster, cockerel
    🐣 hatching chick
    🐤 yellow: chick, baby chick
    🐦 blue: bird
    🐧 penguin
    🕊 white: dove
    🦅 eagle
    🦆 duck, mallard
    🦢 white: swan
    🦉 brown: owl
    🦤 dodo
    🪶 feather, quill
    🦩 pink: flamingo
    🦚 peacock
    🦜 parrot
    🪽 wing
    🪿 goose/geese
    🐸 green: frog, toad
    🐊 green: crocodile, alligator
    🐢 green: turtle, tortoise
    🦎 green: lizard, gecko
    🐍 green: snake, serpent
    🐲 green: dragon face
    🐉 green: dragon
    🦕 long-necked dinosaur, sauropod, brontosaurus/brontosauruses
    🦖 green: tyrannosaurus/tyrannosauruses, T. rex/T. rexes
    🐳 blue: spouting whale
    🐋 blue: whale
    🐬 dolphin
    🦭 grey: seal
    🐟 blue: fish/fish
    🐠 tropical fish/tropical fish
    🐡 pufferfish/pufferfish, blowfish/blowfish
    🦈 grey: shark
    🐙 octopus
    🐚 seashell, spiral shell
    🪸 coral
    🪼 jellyfish/jellyfish
    🐌 snail
    🦋 butterfly
    🐛 green: caterpillar
    🐜 ant
    🐝 bee, honeybee
    🪲 green: beetle
    🐞 red: ladybug, ladybird
    🦗 brown: cricket, grasshopper
    🪳 brown: cockroach, roach
    🕷 black: spider
    🕸 spider web, cobweb
    🦂 scorpion
    🦟 mosquito
    🪰 fly/flies, housefly
    🪱 pink: worm, earthworm
    🦠 green: microbe, germ
    🥚 egg
    🪺 nest with eggs
    🪹 empty nest
    🦴 white: bone
    💐 bouquet, bunch of flowers
    🌸 pink: cherry blossom
    🪷 pink: lotus/lotuses, water lily
    🌹 red: rose
    🥀 wilted flower, withered rose
    🌺 hibiscus/hibiscuses
    🌻 yellow: sunflower
    🌼 yellow: daisy
    🌷 pink: tulip
    🪻 purple: hyacinth
    🌱 green: seedling, sprout
    🪴 potted plant, houseplant
    🌲 green: pine tree, fir tree
    🌳 green: tree, leafy tree
    🌴 palm tree
    🌵 green: cactus
    🌾 sheaf of rice, ear of rice
    🌿 green: sprig, herb
    ☘ green: shamrock, three-leaf clover
    🍀 green: four-leaf clover, lucky clover
    🍁 red: maple leaf
    🍂 brown: fallen leaf, autumn leaf
    🍄 red: mushroom, toadstool
    🪵 brown: log, piece of wood
    🪨 grey: rock, stone, boulder
    """
}
