import Scenes

/// How prompts are worded: plainly, or the same facts in other words.
enum PromptWording {
  /// The plain wording, which is one of the forms that captions have.
  static func plain(_ scene: Scene, _ category: PromptCategory, in world: World) -> String {
    let objects = scene.objects.map(\.object)
    switch category {
    case .single, .colors: return world.phrase(objects[0])
    case .counting: return world.phrase(objects[0], count: objects.count)
    case .two, .attribution: return "\(world.phrase(objects[0])) and \(world.phrase(objects[1]))"
    case .position:
      return "\(world.phrase(objects[0])) \(words(scene.relation)) \(world.phrase(objects[1]))"
    }
  }

  /// Other words: synonyms where there are any, another form of sentence always; `variant` chooses the form.
  static func other(_ prompt: EvaluationPrompt, in world: World, variant: Int) -> String {
    let scene = prompt.scene
    let count = prompt.category == .counting ? scene.objects.count : 1
    let names = scene.objects.prefix(2).map { world.phrase($0.object, count: count, name: 1) }
    switch prompt.category {
    case .single, .colors:
      let forms = ["a picture of \(names[0])", "there is \(names[0])", "\(names[0]) in the middle"]
      return forms[variant % 3] == prompt.text ? forms[1] : forms[variant % 3]
    case .counting: return ["a picture of \(names[0])", "there are \(names[0])"][variant % 2]
    case .two, .attribution:
      let (a, b) = (names[1], names[0])
      return ["\(a) next to \(b)", "there is \(a) beside \(b)", "a picture of \(a) and \(b)"][variant % 3]
    case .position:
      switch scene.relation {
      case .leftOf where variant % 2 == 0: return "\(names[0]) on the left and \(names[1]) on the right"
      case .rightOf where variant % 2 == 0: return "\(names[1]) on the left and \(names[0]) on the right"
      default: return "\(names[1]) \(words(scene.relation?.opposite)) \(names[0])"
      }
    }
  }

  private static func words(_ relation: Scene.Relation?) -> String {
    switch relation {
    case .leftOf: "to the left of"
    case .rightOf: "to the right of"
    case .above: "above"
    case .below: "below"
    case nil: "and"
    }
  }
}
