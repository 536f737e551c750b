/// The six categories of GenEval (Ghosh, Hajishirzi & Schmidt 2023), on the objects of Scenes.
public enum PromptCategory: String, Sendable, Codable, CaseIterable {
  case single  // "a panda"
  case two  // "a panda and an apple"
  case counting  // "three apples"
  case colours  // "a red circle"
  case position  // "a panda to the left of an apple"
  case attribution  // "a red circle and a blue star"

  /// How many prompts it has, as GenEval: 553 together.
  public var count: Int {
    switch self {
    case .single, .counting: 80
    case .two: 99
    case .colours: 94
    case .position, .attribution: 100
    }
  }

  /// In words, for tables.
  public var title: String {
    switch self {
    case .single: "single object"
    case .two: "two objects"
    case .counting: "counting"
    case .colours: "colours"
    case .position: "position"
    case .attribution: "colour attribution"
    }
  }
}
