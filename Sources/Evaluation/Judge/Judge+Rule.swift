import Scenes

extension Judge {
  /// Whether an image shows everything in the prompt (GenEval's rule).
  ///
  /// Each object must be present, shapes in their color; counts must be exact; a relation must hold for any two of the
  /// requested objects. Additional objects do not matter.
  public static func isRight(_ reading: ImageReading, for prompt: EvaluationPrompt) -> Bool {
    let objects = prompt.scene.objects.map(\.object)
    func all(_ object: SceneObject) -> [ImageReading.Found] { reading.found.filter { $0.isLike(object) } }
    switch prompt.category {
    case .single, .colors: return !all(objects[0]).isEmpty
    case .counting: return all(objects[0]).count == objects.count
    case .two, .attribution: return !all(objects[0]).isEmpty && !all(objects[1]).isEmpty
    case .position:
      guard let relation = prompt.scene.relation else { return false }
      return all(objects[0]).contains { first in
        all(objects[1]).contains { relations(of: first.segment, to: $0.segment).contains(relation) }
      }
    }
  }

  /// The relations of one part to another by GenEval's rule: the offset of the centers, reduced by a tenth of both sizes,
  /// must point within 60° of a direction.
  static func relations(of first: Segment, to second: Segment) -> [Scene.Relation] {
    func beyond(_ offset: Double, _ sizes: Int) -> Double {
      let rest = max(0, abs(offset) - 0.1 * Double(sizes))
      return offset < 0 ? -rest : rest
    }
    let dx = beyond(first.center.x - second.center.x, first.width + second.width)
    let dy = beyond(first.center.y - second.center.y, first.height + second.height)
    let length = (dx * dx + dy * dy).squareRoot()
    guard length > 0 else { return [] }
    var found: [Scene.Relation] = []
    if dx / length < -0.5 { found.append(.leftOf) }
    if dx / length > 0.5 { found.append(.rightOf) }
    if dy / length < -0.5 { found.append(.above) }
    if dy / length > 0.5 { found.append(.below) }
    return found
  }
}
