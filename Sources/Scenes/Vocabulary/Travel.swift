extension EmojiTable {
  /// Vehicles, and what stands along roads.
  static let travel = """
    🚂 steam train, steam locomotive
    🚃 railway car, railway carriage
    🚄 high-speed train
    🚅 bullet train
    🚆 train
    🚇 subway train, metro
    🚊 tram, streetcar
    🚝 monorail
    🚞 mountain railway
    🚌 bus
    🚍 oncoming bus, front of a bus/fronts of buses
    🚎 trolleybus
    🚐 minibus, van
    🚑 ambulance
    🚒 red: fire engine, fire truck
    🚓 police car
    🚔 oncoming police car, front of a police car
    🚕 yellow: taxi, taxi cab
    🚖 oncoming taxi, front of a taxi
    🚗 red: car, automobile
    🚘 oncoming car, front of a car
    🚙 blue: jeep, sport utility vehicle, SUV
    🛻 red: pickup truck
    🚚 delivery truck
    🚛 articulated lorry, lorry
    🚜 tractor
    🏎 red: racing car, race car
    🏍 motorcycle, motorbike
    🛵 motor scooter, moped
    🦽 wheelchair, manual wheelchair
    🦼 electric wheelchair, motorized wheelchair
    🛺 auto rickshaw, tuk-tuk
    🚲 bicycle, bike
    🛴 kick scooter, scooter
    🛹 skateboard
    🛼 roller skate
    🚏 bus stop
    🛣 motorway, highway
    🛤 railway track
    🛢 oil drum, oil barrel
    ⛽ red: petrol pump, gas pump, fuel pump
    🛞 wheel, tyre, tire
    🚨 red: siren, police light
    🚥 horizontal traffic light
    🚦 traffic light
    🛑 red: stop sign
    🚧 road barrier, construction barrier
    ⚓ anchor
    🛟 life ring, lifebuoy, ring buoy
    ⛵ sailboat, sailing boat
    🛶 brown: canoe
    🚤 speedboat
    🛳 cruise ship, passenger ship
    ⛴ ferry
    🛥 motor boat
    🚢 ship
    ✈ airplane, plane, aeroplane
    🛩 small airplane, propeller plane
    🛫 departing airplane, airplane taking off/airplanes taking off
    🛬 arriving airplane, airplane landing/airplanes landing
    🪂 parachute, person with a parachute/people with parachutes
    💺 seat, airplane seat
    🚁 helicopter
    🚟 suspension railway
    🚠 cable car
    🚡 aerial tramway
    🛰 satellite
    🚀 rocket, spaceship, space rocket
    🛸 flying saucer, UFO
    🛎 bellhop bell, reception bell
    🧳 suitcase, luggage bag
    ⌛ hourglass
    ⏳ hourglass with running sand
    ⌚ wristwatch, watch
    ⏰ red: alarm clock
    ⏱ stopwatch
    ⏲ timer, timer clock
    🕰 mantelpiece clock
    🕒 round clock, wall clock
    🧯 red: fire extinguisher
    🦯 white cane
    """
}
