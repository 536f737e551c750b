import Scenes

/// A prompt with the facts it states, and one scene that it is true of.
public struct EvaluationPrompt: Sendable, Codable {
  /// The category, which determines how an image is judged.
  public let category: PromptCategory
  /// The prompt as the model gets it.
  public let text: String
  /// A scene that the prompt is true of: the prompt states its objects and, for `.position`, their relation.
  public let scene: Scene

  /// A prompt whose text states the facts of the scene.
  public init(category: PromptCategory, text: String, scene: Scene) {
    self.category = category
    self.text = text
    self.scene = scene
  }
}

/// The prompts of an evaluation: the same for the same world and seed, and none with a held-out combination.
public struct PromptSet: Sendable {
  /// The world whose objects the prompts name.
  public let world: World
  /// The plain prompts, category by category.
  public let prompts: [EvaluationPrompt]
  /// Some of the prompts in other words, with the index of the prompt that states the same.
  public let paraphrases: [(index: Int, prompt: EvaluationPrompt)]

  /// Chosen prompts, without paraphrases.
  public init(world: World, prompts: [EvaluationPrompt]) {
    self.world = world
    self.prompts = prompts
    paraphrases = []
  }

  /// The categories that scenes of a world belong to: the small one has at most one object of a kind.
  public static func categories(of world: World) -> [PromptCategory] {
    PromptCategory.allCases.filter { $0 != .counting || world != .small }
  }

  /// Scenes are drawn until every category is full; `quick` keeps a tenth of each.
  public init(world: World, seed: UInt64, quick: Bool = false) {
    self.world = world
    var drafts = Self.categories(of: world).map { Draft(category: $0, world: world) }
    let source = Scenes(seed: seed, world: world)
    var index = 0
    while drafts.contains(where: { !$0.isFull }) {
      let scene = source[index].scene
      for draft in drafts.indices where drafts[draft].take(scene, index: index) { break }
      index += 1
    }
    let prompts = drafts.flatMap { draft in
      quick ? Array(draft.prompts.prefix((draft.prompts.count + 5) / 10)) : draft.prompts
    }
    // Every fifth, and so a fifth of every category.
    paraphrases = prompts.indices.filter { $0 % 5 == 2 }.map { index in
      let prompt = prompts[index]
      let text = PromptWording.other(prompt, in: world, variant: index / 5)
      return (index, EvaluationPrompt(category: prompt.category, text: text, scene: prompt.scene))
    }
    self.prompts = prompts
  }

  /// A category that is being filled.
  private struct Draft {
    let category: PromptCategory
    let world: World
    var prompts: [EvaluationPrompt] = []
    private var texts: Set<String> = []
    private var quotas: [String: Int] = [:]

    init(category: PromptCategory, world: World) {
      self.category = category
      self.world = world
    }

    var isFull: Bool { prompts.count == category.count }

    /// Adds the scene's prompt where it belongs here and is new.
    mutating func take(_ scene: Scene, index: Int) -> Bool {
      // What prompts leave out means medium, the center and flat.
      guard !isFull, scene.look == .flat, scene.objects.allSatisfy({ $0.size == .medium }), scene.showsAllShapes,
        let (kind, limit) = quota(scene), quotas[kind, default: 0] < limit
      else { return false }
      var text = PromptWording.plain(scene, category, in: world)
      // The small world has fewer colored shapes than this category has prompts: some are asked for twice.
      if texts.contains(text), category == .colors, index > 20_000 { text = "a picture of \(text)" }
      guard texts.insert(text).inserted else { return false }
      quotas[kind, default: 0] += 1
      prompts.append(EvaluationPrompt(category: category, text: text, scene: scene))
      return true
    }

    /// The part of the category that a scene belongs to and how many that part holds; nil where it does not belong.
    private func quota(_ scene: Scene) -> (kind: String, limit: Int)? {
      let kinds = scene.objects.map(\.object)
      let shapes = kinds.compactMap { object -> (String, ColorName)? in
        if case .shape(let shape, let color) = object { (shape.rawValue, color) } else { nil }
      }
      let isBeside = scene.relation == .leftOf || scene.relation == .rightOf
      switch category {
      case .single:
        guard kinds.count == 1, scene.place == .center else { return nil }
        return shapes.isEmpty ? ("emoji", 64) : ("shape", 16)
      case .colors: return scene.place == .center && shapes.count == 1 ? ("", category.count) : nil
      case .two: return kinds.count == 2 && isBeside && kinds[0].noun != kinds[1].noun ? ("", category.count) : nil
      case .attribution:
        guard kinds.count == 2, shapes.count == 2, isBeside else { return nil }
        return shapes[0].0 != shapes[1].0 && shapes[0].1 != shapes[1].1 ? ("", category.count) : nil
      case .position:
        guard let relation = scene.relation, kinds[0].noun != kinds[1].noun else { return nil }
        return (relation.rawValue, category.count / Scene.Relation.allCases.count)
      case .counting: return scene.isGroup ? (String(kinds.count), category.count / 5) : nil  // two to six
      }
    }
  }
}

extension Scene {
  /// Whether no shape has nearly the color of the landscape that it stands in, as white on snow: half of it would be
  /// there to see, and a render would be no image of the prompt.
  fileprivate var showsAllShapes: Bool {
    guard case .landscape(let landscape) = background else { return true }
    return objects.allSatisfy { placed in
      guard case .shape(_, let color) = placed.object else { return true }
      let edges = landscape.edgeColors
      return [edges.top, edges.bottom].allSatisfy { distance($0.vector, color.shapeColor.vector) > 34 }
    }
  }
}

/// The six categories of GenEval (Ghosh, Hajishirzi & Schmidt 2023), on the objects of Scenes.
public enum PromptCategory: String, Sendable, Codable, CaseIterable {
  /// One object: "a panda".
  case single
  /// Two objects side by side: "a panda and an apple".
  case two
  /// Two to six objects of one kind: "three apples".
  case counting
  /// A shape in a color: "a red circle".
  case colors
  /// Two objects and their relation: "a panda to the left of an apple".
  case position
  /// Two shapes in two colors: "a red circle and a blue star".
  case attribution

  /// Number of prompts, as in GenEval: 553 in all categories.
  public var count: Int {
    switch self {
    case .single, .counting: 80
    case .two: 99
    case .colors: 94
    case .position, .attribution: 100
    }
  }

  /// In words, for tables.
  public var title: String {
    switch self {
    case .single: "single object"
    case .two: "two objects"
    case .counting: "counting"
    case .colors: "colors"
    case .position: "position"
    case .attribution: "color attribution"
    }
  }
}
