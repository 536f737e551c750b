extension EmojiTable {
  /// Food, drink, and what they are served in.
  static let food = """
    🍇 purple: bunch of grapes, ~grapes
    🍈 green: melon, honeydew melon
    🍉 watermelon, slice of watermelon, watermelon slice
    🍊 orange: tangerine, mandarin
    🍋 yellow: lemon
    🍌 yellow: banana
    🍍 pineapple
    🥭 mango
    🍎 red: apple
    🍏 green apple
    🍐 green: pear
    🍑 pink: peach
    🍒 red: pair of cherries, ~cherries
    🍓 red: strawberry
    🫐 bunch of blueberries, ~blueberries
    🥝 green: kiwi, kiwi fruit
    🍅 red: tomato
    🫒 green: olive, olive branch
    🥥 brown: coconut
    🥑 green: avocado
    🍆 purple: eggplant, aubergine
    🥔 brown: potato
    🥕 orange: carrot
    🌽 yellow: ear of corn, corn cob, ~corn
    🌶 red: chili pepper, hot pepper
    🫑 green: bell pepper
    🥒 green: cucumber
    🥬 green: lettuce, head of lettuce
    🥦 green: head of broccoli, ~broccoli
    🧄 white: bulb of garlic, head of garlic, ~garlic
    🧅 onion
    🥜 pair of peanuts, ~peanuts
    🫘 brown: handful of beans, ~beans
    🌰 brown: chestnut
    🫚 ginger root, ~ginger
    🫛 green: pea pod, ~peas
    🍞 loaf of bread, ~bread
    🥐 croissant
    🥖 baguette, ~French bread
    🫓 flatbread
    🥨 brown: pretzel
    🥯 bagel
    🥞 stack of pancakes, ~pancakes
    🧇 waffle
    🧀 yellow: piece of cheese, cheese wedge, ~cheese
    🍖 piece of meat, ~meat on a bone
    🍗 brown: chicken leg, drumstick, turkey leg
    🥩 red: steak, cut of meat
    🥓 strip of bacon, ~bacon
    🍔 hamburger, burger, cheeseburger
    🍟 box of fries, portion of French fries, ~French fries
    🍕 pizza, slice of pizza, pizza slice
    🌭 hot dog
    🥪 sandwich
    🌮 taco
    🌯 burrito
    🫔 tamale
    🥙 pita, stuffed flatbread, kebab
    🧆 falafel
    🍳 fried egg
    🥘 pan of paella, ~paella
    🍲 pot of stew, pot of food
    🫕 pot of fondue, ~cheese fondue
    🥣 bowl of cereal, bowl with a spoon
    🥗 bowl of salad, green salad
    🍿 bucket of popcorn, ~popcorn
    🧈 yellow: stick of butter, ~butter
    🧂 salt shaker
    🥫 tin can, can of food
    🍱 bento box, lunch box
    🍘 rice cracker
    🍙 rice ball
    🍚 bowl of rice
    🍛 plate of curry, curry with rice
    🍜 bowl of noodles, bowl of ramen, ~ramen
    🍝 plate of spaghetti, plate of pasta, ~spaghetti
    🍠 sweet potato
    🍢 skewer, ~oden
    🍣 piece of sushi, ~sushi
    🍤 fried shrimp/fried shrimps, fried prawn
    🍥 fish cake, naruto
    🥮 moon cake
    🍡 stick of dango, ~dango
    🥟 dumpling, gyoza/gyozas
    🥠 fortune cookie
    🥡 takeout box, takeaway box
    🦀 red: crab
    🦞 red: lobster
    🦐 orange: shrimp/shrimps, prawn
    🦑 squid/squid
    🦪 oyster
    🍦 soft ice cream, ice cream cone
    🍧 bowl of shaved ice, ~shaved ice
    🍨 bowl of ice cream, ice cream sundae, sundae
    🍩 doughnut, donut
    🍪 brown: cookie, biscuit
    🎂 birthday cake
    🍰 slice of cake, piece of cake, strawberry shortcake
    🧁 cupcake, muffin
    🥧 pie
    🍫 brown: chocolate bar, bar of chocolate, ~chocolate
    🍬 piece of candy, candy
    🍭 lollipop
    🍮 custard, pudding, flan
    🍯 pot of honey, honey pot, jar of honey, ~honey
    🍼 baby bottle
    🥛 white: glass of milk, ~milk
    ☕ cup of coffee, cup of tea, ~coffee
    🫖 teapot
    🍵 cup of green tea, teacup
    🍶 bottle of sake, ~sake
    🍾 bottle of champagne, champagne bottle, ~champagne
    🍷 glass of wine, glass of red wine, wine glass
    🍸 cocktail, martini
    🍹 tropical drink
    🍺 mug of beer, beer, beer mug
    🍻 pair of beer mugs, ~two clinking beer mugs
    🥂 pair of champagne glasses
    🥃 glass of whisky, tumbler, ~whisky
    🥤 cup with a straw, soft drink, soda
    🧋 glass of bubble tea, ~bubble tea
    🧃 juice box, carton of juice
    🧉 cup of mate
    🧊 ice cube
    🥢 pair of chopsticks, ~chopsticks
    🍽 plate with fork and knife, place setting
    🍴 fork and knife/forks and knives
    🥄 spoon
    🔪 kitchen knife/kitchen knives, knife/knives
    🫙 jar, glass jar
    🏺 brown: amphora, vase
    """
}
