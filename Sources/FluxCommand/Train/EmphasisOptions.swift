import ArgumentParser
import Scenes

/// Which scenes a run learns from more often than its world draws them.
struct EmphasisOptions: ParsableArguments {
  @Option(help: "Share of the scenes that hold two objects, besides those that do by chance.") var pairs: Double = 0
  @Option(help: "Share of the scenes that hold two coloured shapes, besides those that do by chance.")
  var shapePairs: Double = 0

  func validate() throws {
    for (flag, value) in [("pairs", pairs), ("shape-pairs", shapePairs)] where !(0...1).contains(value) {
      throw ValidationError("--\(flag) \(value) must be 0 to 1")
    }
    if pairs + shapePairs > 1 { throw ValidationError("--pairs and --shape-pairs together must be at most 1") }
  }

  var emphasis: SceneEmphasis { SceneEmphasis(pairs: pairs, shapePairs: shapePairs) }
}
