import Support

/// The combinations that training never sees, so that evaluation can ask for them: about one in twenty of the cells
/// (object, background), (object, place), (object, object), (shape, colour) and (count, object), chosen by a hash of
/// their words.
public enum HeldOut {
  /// Whether a scene has a held-out combination.
  public static func contains(_ scene: Scene) -> Bool { !cells(of: scene).isEmpty }

  /// The held-out combinations of a scene, as words.
  public static func cells(of scene: Scene) -> [String] { combinations(of: scene).filter(isHeldOut) }

  /// Whether training never sees a combination, given in the words of `combinations`.
  static func isHeldOut(_ combination: String) -> Bool { stableHash(combination) % 20 == 0 }

  /// All combinations of a scene, each once.
  static func combinations(of scene: Scene) -> [String] {
    var cells: [String] = []
    // Several of one kind are that kind once, with its count.
    let kinds = scene.isGroup ? [scene.objects[0].object] : scene.objects.map(\.object)
    for object in kinds {
      cells.append("\(object.noun) | on \(scene.background.kind)")
      if let place = scene.place, place != .centre { cells.append("\(object.noun) | at \(place.rawValue)") }
      if case .shape(let shape, let colour) = object { cells.append("\(colour.rawValue) | \(shape.rawValue)") }
    }
    if scene.isGroup { cells.append("\(scene.objects.count) | \(kinds[0].noun)") }
    for (index, first) in kinds.enumerated() {
      for second in kinds[(index + 1)...] {
        cells.append([first.noun, second.noun].sorted().joined(separator: " | with "))
      }
    }
    return cells
  }
}
