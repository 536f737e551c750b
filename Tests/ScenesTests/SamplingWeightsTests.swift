import Foundation
import TestSupport
import Testing

@testable import Scenes

@Suite struct SamplingWeightsTests {
  private func count(_ noun: String, _ scenes: Scenes) -> Int {
    (0..<3000).count { scenes[$0].scene.objects.contains { $0.object.noun == noun } }
  }

  @Test(arguments: [World.small, .medium, .full]) func neededObjectsAreDrawnMoreOften(world: World) {
    var weights = Dictionary(uniqueKeysWithValues: world.nouns.map { ($0, 0.1) })
    (weights["apple"], weights["star"]) = (2, 0.5)
    let scenes = Scenes(
      seed: 1, world: world, emphasis: SceneEmphasis(samplingWeights: SamplingWeights(world: world, weights: weights)))
    let plain = Scenes(seed: 1, world: world)
    #expect(count("apple", scenes) > 5 * max(count("apple", plain), 1))
    #expect(count("star", scenes) > 2 * count("star", plain))
  }

  @Test func objectsThatAFileLeavesOutWeighAsMuchAsTheMean() {
    let samplingWeights = SamplingWeights(world: .small, weights: ["apple": 0.1, "owl": 0.3])
    let sums = samplingWeights.sums(of: ["apple", "fox", "owl"])
    #expect(zip(sums, [0.1, 0.3, 0.6]).allSatisfy { abs($0 - $1) < 1e-12 })
  }

  @Test func weightsAreWhatAModelMisses() {
    let samplingWeights = SamplingWeights(world: .small, shown: ["apple": (98, 98), "owl": (0, 98)])
    // Two images of mean accuracy, a half, are added to each.
    #expect(
      samplingWeights.weights["apple"] == 0.11 && samplingWeights.weights["owl"] == 1.09
        && samplingWeights.weights["fox"] == 0.6)
    #expect(Set(samplingWeights.weights.keys) == Set(World.small.nouns))
    #expect(SamplingWeights(world: .small, shown: [:]).weights["fox"] == 0.6)
  }

  @Test func aFileIsReadAsItWasWritten() throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("need.json")
      let samplingWeights = SamplingWeights(world: .medium, weights: ["apple": 0.25, "circle": 1])
      try Data(samplingWeights.json).write(to: file)
      #expect(try SamplingWeights(file: file, world: .medium) == samplingWeights)
    }
  }

  @Test(arguments: [
    (#"{"world": "full", "weights": {}}"#, #""world" is "full", but the scenes are from the medium world"#),
    (
      #"{"world": "medium", "weights": {"appel": 1}}"#,
      #""weights" has "appel", which is not an object of the medium world"#
    ),
    (
      #"{"world": "medium", "weights": {"apple": 0}}"#,
      #"the weight of "apple" is 0.0; it must be above 0 and at most 1000"#
    ),
    (
      #"{"world": "medium"}"#, #"has no sampling weights: "weights" or "world" is missing or malformed"#
    ),
  ])
  func badFilesAreNamedWithWhatIsWrong(_ text: String, _ message: String) throws {
    try Project.inTemporaryFolder { folder in
      let file = folder.appendingPathComponent("need.json")
      try Data(text.utf8).write(to: file)
      let error = #expect(throws: SamplingWeights.Failure.self) { try SamplingWeights(file: file, world: .medium) }
      #expect(error?.description.hasPrefix(file.path) == true)
      #expect(error?.description.hasSuffix(message) == true, "\(error?.description ?? "")")
    }
    let missing = URL(fileURLWithPath: "/nowhere/need.json")
    #expect(throws: SamplingWeights.Failure.self) { try SamplingWeights(file: missing, world: .medium) }
  }

  /// Other need is other data, for runs, caches and folders of scenes.
  @Test func needAndFullCaptionsAreInTheNameOfTheData() {
    let first = SceneEmphasis(samplingWeights: SamplingWeights(world: .small, weights: ["apple": 1]))
    let second = SceneEmphasis(samplingWeights: SamplingWeights(world: .small, weights: ["apple": 2]))
    #expect(first.name != second.name && first.name.hasPrefix(", need "))
    #expect(SceneEmphasis(fullCaptions: 0.5).name == ", 0.5 full captions")
    #expect(SceneEmphasis(pairs: 0.2).name == " with 0.2 pairs and 0.0 pairs of shapes more")
    #expect(SceneEmphasis.none.name.isEmpty)
  }
}
