extension World {
  /// An object with its article or its number: "an apple", "three apples", "a red circle", "popcorn".
  ///
  /// `name` chooses among the words for it, the most common being 0; it may be any number.
  public func phrase(_ object: SceneObject, count: Int = 1, name: Int = 0) -> String {
    let (colour, word) = words(for: object, counted: count > 1, name)
    if count > 1 {
      return ([English.number(count), colour, word.plural ?? word.text] as [String?]).compactMap { $0 }
        .joined(separator: " ")
    }
    guard word.plural != nil else { return word.text }
    let noun = [colour, word.text].compactMap { $0 }.joined(separator: " ")
    return "\(English.article(before: noun)) \(noun)"
  }

  /// How many words there are for an object.
  public func nameCount(_ object: SceneObject) -> Int {
    switch object {
    case .emoji(let name): entry(name)?.allNames.count ?? 0
    case .shape(let shape, _): shape.distinctNames.count
    }
  }

  private func words(
    for object: SceneObject, counted: Bool, _ name: Int
  ) -> (colour: String?, word: EmojiEntry.Name) {
    switch object {
    case .shape(let shape, let colour):
      let names = shape.distinctNames
      return (colour.rawValue, EmojiEntry.Name(names[name % names.count]))
    case .emoji(let identity):
      guard let entry = entry(identity) else { fatalError("\(identity) is not in the vocabulary") }
      let names = counted && !entry.countedNames.isEmpty ? entry.countedNames : entry.allNames
      return (nil, names[name % names.count])
    }
  }
}

extension VectorShape {
  /// What captions call it, each name once.
  var distinctNames: [String] {
    captionNames.reduce(into: []) { names, name in if !names.contains(name) { names.append(name) } }
  }
}
