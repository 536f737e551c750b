import Scenes

extension Judge {
  /// Whether a picture shows all that a prompt asks for, GenEval's rule: one wrong fact and it is wrong.
  ///
  /// Each object must be there, shapes in their colour; of counted ones exactly as many; of a relation any two of the
  /// objects that were asked for must have it. What was not asked for does not count against a picture.
  public static func isRight(_ reading: PictureReading, for prompt: EvaluationPrompt) -> Bool {
    let objects = prompt.scene.objects.map(\.object)
    func all(_ object: SceneObject) -> [PictureReading.Found] { reading.found.filter { $0.isLike(object) } }
    switch prompt.category {
    case .single, .colours: return !all(objects[0]).isEmpty
    case .counting: return all(objects[0]).count == objects.count
    case .two, .attribution: return !all(objects[0]).isEmpty && !all(objects[1]).isEmpty
    case .position:
      guard let relation = prompt.scene.relation else { return false }
      return all(objects[0]).contains { first in
        all(objects[1]).contains { relations(of: first.segment, to: $0.segment).contains(relation) }
      }
    }
  }

  /// How one part stands to another, as GenEval decides it: what is left of the distance between the centres after a
  /// tenth of both sizes must point within 60° of a direction.
  static func relations(of first: Segment, to second: Segment) -> [Scene.Relation] {
    func beyond(_ offset: Double, _ sizes: Int) -> Double {
      let rest = max(0, abs(offset) - 0.1 * Double(sizes))
      return offset < 0 ? -rest : rest
    }
    let dx = beyond(first.centre.x - second.centre.x, first.width + second.width)
    let dy = beyond(first.centre.y - second.centre.y, first.height + second.height)
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
