import Images
import Support

/// Draws the facts of a scene of the medium or the full world.
///
/// Every layout keeps its objects apart by construction: the largest side and the jitter fit between the centers.
struct SceneSampler {
  /// How many objects a scene has, and of what kind.
  enum Composition {
    case single, pair, shapePair, trio, group
  }

  let world: World
  let choice: ObjectChoice

  /// What is decided before anything else, so that held-out combinations, of which large scenes have more, do not make
  /// them rarer; nil where worlds have always decided later.
  func composition(_ wanted: SceneEmphasis.Wanted, _ random: inout SplitMix64) -> Composition? {
    guard world == .medium else { return nil }
    switch wanted {
    case .pair: return .pair
    case .shapePair: return .shapePair
    case .any:
      switch random.unit() {
      case ..<0.45: return .single
      case ..<0.70: return .pair
      case ..<0.85: return .shapePair
      default: return .group
      }
    }
  }

  /// A scene; of a composition that is decided by now where there is none.
  func draw(_ composition: Composition?, _ random: inout SplitMix64) -> Scene {
    let look = world == .medium ? (random.chance(0.8) ? .flat : .sticker) : Self.drawLook(&random)
    let background = look == .blueprint ? .plain(.white) : drawBackground(&random)
    let horizon = random.real(0.56, 0.64)
    let sampler = ObjectSampler(world: world, choice: choice, background: background, look: look)
    var scene = Scene(
      objects: [], place: nil, relation: nil, background: background, horizon: horizon, look: look)
    switch composition ?? Self.composition(random.unit()) {
    case .single: single(&scene, sampler, &random)
    case .pair: pair(&scene, sampler, &random)
    case .shapePair: pair(&scene, sampler.ofShapes, &random)
    case .trio: trio(&scene, sampler, &random)
    case .group: group(&scene, sampler, &random)
    }
    return scene
  }

  /// That of the full world, by a number from 0 to 1.
  private static func composition(_ chance: Double) -> Composition {
    switch chance {
    case ..<0.34: .single
    case ..<0.60: .pair
    case ..<0.70: .trio
    default: .group
    }
  }

  private static func drawLook(_ random: inout SplitMix64) -> Scene.Look {
    switch random.unit() {
    case ..<0.70: .flat
    case ..<0.77: .sticker
    case ..<0.85: .pixelArt
    case ..<0.90: .grayscale
    case ..<0.95: .sepia
    default: .blueprint
    }
  }

  private func drawBackground(_ random: inout SplitMix64) -> Scene.Background {
    let colors = world.colors
    func two(_ random: inout SplitMix64) -> (ColorName, ColorName) {
      let first = random.pick(colors)
      var second = random.pick(colors)
      while second == first { second = random.pick(colors) }
      return (first, second)
    }
    switch random.unit() {
    case ..<0.50: return .plain(random.pick(colors))
    case ..<0.80: return .landscape(random.pick(world.landscapes))
    case ..<(world == .medium ? 1 : 0.90):
      let (top, bottom) = two(&random)
      return .gradient(top: top, bottom: bottom)
    default:
      let (ground, figure) = two(&random)
      return .pattern(random.pick(Scene.Pattern.allCases), ground: ground, figure: figure)
    }
  }

  // MARK: - Layouts

  private typealias Point = (x: Double, y: Double)

  private func single(_ scene: inout Scene, _ sampler: ObjectSampler, _ random: inout SplitMix64) {
    let place = random.chance(0.4) ? Scene.Place.center : random.pick(Array(Scene.Place.allCases.dropFirst()))
    let sizes: [Scene.Size] = place == .center ? [.small, .medium, .medium, .large] : [.small, .medium, .medium]
    let size = random.pick(sizes)
    let side =
      switch size {
      case .small: random.real(max(0.18, leastSide), 0.24)
      case .medium: random.real(0.36, 0.46)
      case .large: random.real(0.62, 0.72)
      }
    scene.place = place
    scene.objects = [Self.put(sampler.draw(&random), size, side, at: place.center, 0.02, &random)]
  }

  private func pair(_ scene: inout Scene, _ sampler: ObjectSampler, _ random: inout SplitMix64) {
    let relation = random.pick(Scene.Relation.allCases)
    let (a, b) = (0.25, 0.75)
    let centers: [Point] =
      switch relation {
      case .leftOf: [(a, 0.5), (b, 0.5)]
      case .rightOf: [(b, 0.5), (a, 0.5)]
      case .above: [(0.5, a), (0.5, b)]
      case .below: [(0.5, b), (0.5, a)]
      }
    scene.relation = relation
    let small = world == .medium ? leastSide...0.24 : 0.17...0.21
    scene.objects = different(sampler, at: centers, sides: (small, 0.30...0.36, 0.42...0.46), 0.015, &random)
  }

  private func trio(_ scene: inout Scene, _ sampler: ObjectSampler, _ random: inout SplitMix64) {
    let isRow = random.chance(0.6)
    scene.arrangement = isRow ? .row : .triangle
    scene.objects =
      isRow
      ? different(sampler, at: Self.row(3), sides: (0.15...0.17, 0.22...0.26, 0.29...0.31), 0.008, &random)
      : different(sampler, at: Self.triangle, sides: (0.17...0.21, 0.29...0.34, 0.40...0.43), 0.012, &random)
  }

  /// Objects that differ from each other, most of them of medium size.
  private func different(
    _ sampler: ObjectSampler, at centers: [Point],
    sides: (small: ClosedRange<Double>, medium: ClosedRange<Double>, large: ClosedRange<Double>), _ jitter: Double,
    _ random: inout SplitMix64
  ) -> [Scene.Placed] {
    let hasSizes = random.chance(0.4)
    var placed: [Scene.Placed] = []
    for center in centers {
      var object = sampler.draw(&random)
      while placed.contains(where: { $0.object == object }) { object = sampler.draw(&random) }
      let size = hasSizes ? random.pick(Scene.Size.allCases) : .medium
      let range =
        switch size {
        case .small: sides.small
        case .medium: sides.medium
        case .large: sides.large
        }
      let side = random.real(range.lowerBound, range.upperBound)
      placed.append(Self.put(object, size, side, at: center, jitter, &random))
    }
    return placed
  }

  private func group(_ scene: inout Scene, _ sampler: ObjectSampler, _ random: inout SplitMix64) {
    let layouts = world == .medium ? Self.roomyLayouts : Self.layouts
    let layout = random.pick(layouts[random.below(layouts.count)])
    scene.arrangement = layout.arrangement
    let object = sampler.draw(&random, counted: true)
    let side = random.real(layout.sides.lowerBound, layout.sides.upperBound)
    scene.objects = layout.centers.map { Self.put(object, .medium, side, at: $0, 0.008, &random) }
  }

  /// Where several of one kind stand.
  private struct Layout {
    let arrangement: Scene.Arrangement?
    let centers: [Point]
    let sides: ClosedRange<Double>
  }

  /// The layouts of two to six.
  private static let layouts: [[Layout]] = [
    [
      Layout(arrangement: .row, centers: [(0.27, 0.5), (0.73, 0.5)], sides: 0.30...0.42),
      Layout(arrangement: .column, centers: [(0.5, 0.27), (0.5, 0.73)], sides: 0.30...0.42),
    ],
    [
      Layout(arrangement: .row, centers: row(3), sides: 0.22...0.30),
      Layout(arrangement: .column, centers: column(3), sides: 0.22...0.30),
      Layout(arrangement: .triangle, centers: triangle, sides: 0.28...0.40),
    ],
    [
      Layout(arrangement: nil, centers: grid([0.27, 0.73], [0.27, 0.73]), sides: 0.28...0.40),
      Layout(arrangement: nil, centers: grid([0.27, 0.73], [0.27, 0.73]), sides: 0.28...0.40),
      Layout(arrangement: .row, centers: row(4), sides: 0.17...0.22),
    ],
    [
      Layout(arrangement: nil, centers: grid([0.22, 0.78], [0.22, 0.78]) + [(0.5, 0.5)], sides: 0.20...0.25),
      Layout(
        arrangement: nil, centers: [(0.3, 0.3), (0.7, 0.3)] + row(3).map { ($0.x, 0.7) }, sides: 0.22...0.29),
      Layout(arrangement: .row, centers: row(5), sides: 0.145...0.175),
    ],
    [
      Layout(arrangement: nil, centers: grid([1.0 / 6, 0.5, 5.0 / 6], [0.3, 0.7]), sides: 0.22...0.29),
      Layout(arrangement: nil, centers: grid([0.3, 0.7], [1.0 / 6, 0.5, 5.0 / 6]), sides: 0.22...0.29),
    ],
  ]

  /// Those of the medium world, whose objects may not be small.
  private static let roomyLayouts = layouts.map { layouts in
    layouts.filter { $0.sides.upperBound > 0.2 }.map { layout in
      Layout(
        arrangement: layout.arrangement, centers: layout.centers,
        sides: max(0.2, layout.sides.lowerBound)...layout.sides.upperBound)
    }
  }

  /// The longer side of the smallest object, as a share of the canvas.
  private var leastSide: Double { world == .medium ? 0.2 : 0.145 }

  private static func row(_ count: Int) -> [Point] { (0..<count).map { ((Double($0) + 0.5) / Double(count), 0.5) } }
  private static func column(_ count: Int) -> [Point] { row(count).map { ($0.y, $0.x) } }
  private static let triangle: [Point] = [(0.5, 0.26), (0.26, 0.74), (0.74, 0.74)]
  private static func grid(_ xs: [Double], _ ys: [Double]) -> [Point] { ys.flatMap { y in xs.map { ($0, y) } } }

  private static func put(
    _ object: SceneObject, _ size: Scene.Size, _ side: Double, at center: Point, _ jitter: Double,
    _ random: inout SplitMix64
  ) -> Scene.Placed {
    let limit = side / 2 + 0.005
    func jittered(_ value: Double) -> Double {
      min(max(value + random.real(-jitter, jitter), limit), 1 - limit)
    }
    let x = jittered(center.x)
    return Scene.Placed(object: object, size: size, x: x, y: jittered(center.y), side: side)
  }
}

/// Draws objects that can be seen on a background.
private struct ObjectSampler {
  let world: World
  let choice: ObjectChoice
  let background: Scene.Background
  let look: Scene.Look
  var emojiShare = 0.75

  /// One that draws nothing but shapes.
  var ofShapes: ObjectSampler {
    var other = self
    other.emojiShare = 0
    return other
  }

  /// An emoji three times out of four, unless told otherwise; `counted` ones have a plural.
  func draw(_ random: inout SplitMix64, counted: Bool = false) -> SceneObject {
    if emojiShare > 0, random.chance(emojiShare) {
      while true {
        let entry = choice.emoji(&random)
        if !counted || entry.allNames[0].plural != nil { return .emoji(entry.names[0]) }
      }
    }
    let shape = choice.shape(&random)
    while true {
      let color = random.pick(world.colors)
      if isVisible(color) { return .shape(shape, color) }
    }
  }

  private func isVisible(_ color: ColorName) -> Bool {
    if background.colors.contains(color) { return false }
    let paint = color.shapeColor
    let behind: [Color]
    switch background {
    case .plain, .gradient, .pattern: behind = background.colors.map(\.backgroundColor)
    case .landscape(let landscape):
      let colors = landscape.colors
      behind = [colors.top, colors.horizon, colors.ground] + (landscape == .sky ? [Color(250, 252, 255)] : [])
    }
    return behind.allSatisfy { other in
      let difference = [(paint.red, other.red), (paint.green, other.green), (paint.blue, other.blue)]
        .map { Int($0.0) - Int($0.1) }
      // In shades of gray brightness alone tells them apart.
      let brightness = abs(77 * difference[0] + 150 * difference[1] + 29 * difference[2]) >> 8
      return look.showsColors ? difference.reduce(0) { $0 + abs($1) } > 70 : brightness > 36
    }
  }
}
