extension EmojiTable {
  /// Devices, office, tools and science.
  static let things = """
    🔈 loudspeaker, speaker
    📢 public address horn, bullhorn
    📣 megaphone
    🔔 golden: bell
    📱 mobile phone, smartphone, cell phone
    ☎ red: telephone
    📞 telephone receiver
    📟 pager
    📠 fax machine
    🔋 green: battery
    🪫 empty battery, low battery
    🔌 electric plug, plug
    💻 laptop, notebook computer
    🖥 desktop computer
    🖨 printer
    ⌨ keyboard, computer keyboard
    🖱 computer mouse/computer mice
    🖲 trackball
    💽 minidisc
    💾 floppy disk, diskette
    💿 CD, compact disc
    📀 golden disc, DVD
    🧮 abacus
    🎥 movie camera
    🎞 strip of film, film frames/strips of film frames
    📽 film projector
    📺 television, TV
    📷 camera
    📸 camera with a flash
    📹 video camera, camcorder
    📼 black: video cassette, video tape
    🔍 magnifying glass
    💡 light bulb
    🔦 flashlight, torch
    📔 notebook with a decorated cover
    📕 red book
    📖 open book
    📗 green book
    📘 blue book
    📙 orange book
    📚 stack of books, pile of books, ~books
    📓 notebook
    📃 curled page
    📜 scroll
    📄 sheet of paper
    📰 newspaper
    🗞 rolled-up newspaper
    📑 bookmark tabs/sheets of bookmark tabs
    🔖 bookmark
    🏷 label, price tag
    💰 money bag, bag of money
    🪙 golden: coin
    💵 green: stack of dollar bills, dollar banknote
    💶 euro banknote
    💷 pound banknote
    💴 yen banknote
    💸 ~flying money, ~money with wings
    💳 credit card, bank card
    🧾 receipt
    ✉ envelope, letter
    💌 love letter
    📤 outbox tray
    📥 inbox tray
    📦 brown: package, parcel, cardboard box
    📫 mailbox with a raised flag
    📪 mailbox with a lowered flag
    📭 open mailbox
    📮 red: postbox, pillar box
    🗳 ballot box
    ✏ pencil
    ✒ pen nib
    🖋 fountain pen
    🖊 pen, ballpoint pen
    🖌 paintbrush
    🖍 crayon
    📝 memo, note with a pencil
    💼 brown: briefcase
    📁 folder, file folder
    📂 open folder
    🗂 set of card dividers
    📅 calendar, calendar page
    🗓 spiral calendar
    🗒 spiral notepad
    📇 card index
    📈 rising chart, chart with a rising line
    📉 falling chart, chart with a falling line
    📊 bar chart
    📋 clipboard
    📌 red: pushpin, thumbtack
    📍 round pushpin, map pin
    📎 paper clip
    🖇 pair of linked paper clips
    📏 ruler, straight ruler
    📐 triangular ruler, set square
    ✂ red: pair of scissors, ~scissors
    🗃 card file box
    🗄 file cabinet
    🗑 wastebasket, trash can
    🔒 closed padlock, padlock
    🔓 open padlock, unlocked padlock
    🔏 padlock with a pen
    🔐 padlock with a key
    🔑 golden: key
    🗝 old key
    🔨 hammer
    🪓 axe
    ⛏ pickaxe
    ⚒ crossed hammer and pick/crossed hammers and picks
    🛠 crossed hammer and wrench/crossed hammers and wrenches
    🗡 dagger
    ⚔ pair of crossed swords, ~crossed swords
    💣 black: bomb
    🪃 brown: boomerang
    🏹 bow and arrow/bows and arrows
    🛡 shield
    🪚 saw, handsaw
    🔧 wrench, spanner
    🪛 screwdriver
    🔩 nut and bolt/nuts and bolts
    ⚙ grey: gear, cogwheel
    🗜 clamp
    ⚖ balance scale, pair of scales
    🔗 chain link
    ⛓ chain, pair of chains
    🪝 hook
    🧰 red: toolbox
    🧲 red: magnet, horseshoe magnet
    🪜 ladder
    ⚗ alembic, distilling flask
    🧪 test tube
    🧫 petri dish
    🧬 strand of DNA, DNA helix/DNA helices
    🔬 microscope
    🔭 telescope
    📡 satellite dish
    💉 syringe
    🩸 red: drop of blood, blood drop
    💊 pill, capsule
    🩹 bandage, sticking plaster
    🩼 crutch
    🩺 stethoscope
    🩻 X-ray picture
    """
}
