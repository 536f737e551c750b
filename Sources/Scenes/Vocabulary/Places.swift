extension EmojiTable {
  /// Buildings, landscapes, sky and weather.
  static let places = """
    🌍 globe, ~planet Earth
    🌐 blue: wire globe, globe with meridians
    🗺 world map, map
    🧭 compass
    🏔 snowy mountain, snow-capped mountain
    ⛰ mountain
    🌋 volcano
    🏕 campsite
    🏝 desert island, tropical island
    🏞 national park, valley
    🏟 stadium, arena
    🏛 Greek temple, classical building
    🏗 construction crane, building site
    🧱 brick, brick wall
    🛖 hut
    🏘 row of houses
    🏚 abandoned house, derelict house
    🏠 house
    🏡 house with a garden
    🏢 office building, office block
    🏤 post office
    🏥 hospital
    🏦 bank
    🏨 hotel
    🏪 convenience store, shop
    🏫 school
    🏬 department store
    🏭 factory, power plant
    🏯 Japanese castle
    🏰 castle
    💒 wedding chapel
    🗼 red: radio tower, ~Tokyo Tower
    🗽 ~the Statue of Liberty
    ⛪ church
    🕌 mosque
    🛕 Hindu temple
    🕍 synagogue
    ⛩ red: torii gate, Shinto shrine
    🕋 black: ~the Kaaba
    ⛲ fountain
    ⛺ tent
    🌁 foggy bridge
    🏙 city skyline
    🌄 sunrise over mountains
    🌅 sunrise over the sea
    🌇 sunset over the city
    🎠 carousel horse
    🛝 playground slide, slide
    🎡 Ferris wheel
    🎢 roller coaster
    💈 barber pole
    🎪 circus tent, big top
    🌑 dark moon, new moon
    🌓 half moon
    🌕 full moon
    🌙 yellow: crescent moon
    🌚 moon with a dark face
    🌛 crescent moon with a face
    🌝 yellow: full moon with a face
    🌡 thermometer
    ☀ yellow: sun
    🌞 yellow: smiling sun, sun with a face
    🪐 ringed planet, ~Saturn
    🌠 shooting star, falling star
    🌌 ~the Milky Way
    ☁ white: cloud
    ⛅ sun behind a cloud
    🌧 rain cloud, rainy cloud
    🌨 snow cloud, snowy cloud
    🌩 lightning cloud
    ⛈ thunderstorm, storm cloud
    🌪 grey: tornado, whirlwind
    🌬 wind face
    🌀 blue: cyclone, spiral
    🌈 rainbow
    ⚡ yellow: lightning bolt, bolt of lightning
    ❄ blue: snowflake
    ☃ snowman in the snow
    ⛄ snowman
    ☄ comet
    🔥 fire, flame
    💧 blue: drop of water, water drop
    🌊 blue: wave, ocean wave
    💦 blue: splash of water, ~sweat drops
    💨 puff of wind
    💥 explosion, collision
    🕳 black: hole
    """
}
