import Foundation
import Testing

@testable import Evaluation
@testable import Scenes

@Suite struct HeldOutReportTests {
  private func report(_ prompts: Int = 2) -> HeldOutReport {
    HeldOutReport(model: "m", modelHash: "h", world: .small, version: .v2, seed: 1, prompts: prompts, steps: 20)
  }

  private func captioned(_ object: SceneObject) -> CaptionedScene {
    CaptionedScene(
      scene: Readings.scene([object]), caption: "the caption",
      claims: CaptionedScene.Claims(background: true, place: false))
  }

  private func reading(_ object: SceneObject) -> ImageReading { Readings.reading([Readings.part(object)]) }

  @Test(arguments: World.allCases) func scenesAreHeldOutFlatAndTheFirstOfTheirSeed(_ world: World) {
    let scenes = HeldOutReport.scenes(world: world, seed: 4, count: 12)
    #expect(scenes.count == 12)
    #expect(scenes.allSatisfy { HeldOut.contains($0.scene) && $0.scene.look == .flat })
    #expect(HeldOutReport.scenes(world: world, seed: 4, count: 5).map(\.caption) == scenes.prefix(5).map(\.caption))
    #expect(HeldOutReport.scenes(world: world, seed: 5, count: 12).map(\.caption) != scenes.map(\.caption))
  }

  @Test func generatedImagesRendersAndReconstructionsAreCountedApart() {
    var report = report()
    report.add(
      captioned(Readings.panda), generated: reading(Readings.apple), rendered: reading(Readings.panda),
      reconstructed: nil)
    report.add(
      captioned(Readings.apple), generated: reading(Readings.apple), rendered: reading(Readings.apple),
      reconstructed: reading(Readings.panda))
    #expect(report.generated[.object].right == 1 && report.generated[.object].count == 2)
    #expect(report.rendered[.object].share == 1 && report.rendered[.color].count == 2)
    #expect(report.reconstructions[.object].right == 0 && report.reconstructions[.object].count == 1)
    #expect(report.images.map(\.prompt) == ["the caption", "the caption"] && report.agreement == nil)
  }

  @Test func theJudgesAgreeWhereBothFindAllFactsOrNeither() {
    var report = report(3)
    for (template, learned) in [
      (Readings.panda, Readings.panda), (Readings.apple, Readings.apple), (Readings.panda, Readings.apple),
    ] {
      report.add(
        captioned(Readings.panda), generated: reading(template), rendered: reading(Readings.panda), reconstructed: nil,
        learned: (generated: reading(learned), rendered: reading(Readings.panda)))
    }
    #expect(report.agreement == Agreement([(true, true), (false, false), (true, false)]))
    #expect(report.learnedGenerated[.object].right == 1 && report.learnedRendered[.object].right == 3)
  }

  @Test func shufflingJudgesAgainstThePromptHalfTheListAway() {
    let kinds = [Readings.panda, Readings.apple, Readings.panda, Readings.apple]
    let scenes = kinds.map(captioned)
    var report = report(4)
    for (scene, kind) in zip(scenes, kinds) {
      report.add(scene, generated: reading(kind), rendered: reading(kind), reconstructed: nil)
    }
    report.shuffle(scenes)
    #expect(report.shuffled[.object].right == 4 && report.shuffled[.object].count == 4, "two further is the same")
    var one = self.report(1)
    one.add(scenes[0], generated: reading(kinds[0]), rendered: reading(kinds[0]), reconstructed: nil)
    one.shuffle([scenes[0]])
    #expect(one.shuffled[.object].count == 0, "there is no other prompt")
  }

  @Test func theTableHasTheAspectsThatPromptsState() {
    var report = report(1)
    report.add(
      captioned(Readings.panda), generated: reading(Readings.panda), rendered: reading(Readings.panda),
      reconstructed: nil)
    let rows = report.table.split(separator: "\n").map(String.init)
    #expect(rows.contains { $0.hasPrefix("object   100.0") } && rows.contains { $0.hasPrefix("color") })
    #expect(!rows.contains { $0.hasPrefix("place") || $0.hasPrefix("count") || $0.hasPrefix("denoising") })
    report.denoising = [
      HeldOutReport.Denoising(timestep: 10, own: 0.5, other: 0.75),
      HeldOutReport.Denoising(timestep: 999, own: 0.01234, other: 1),
    ]
    #expect(
      report.table.hasSuffix(
        """
        denoising, timestep      10    999
        error, own caption   0.5000 0.0123
        another caption      0.7500 1.0000
        """), "\(report.table)")
  }

  @Test func theJSONHasVerdictsAndNoReadings() throws {
    var report = report(1)
    report.add(
      captioned(Readings.redCircle), generated: reading(Readings.blueCircle), rendered: reading(Readings.redCircle),
      reconstructed: nil)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(report.json().utf8)) as? [String: Any])
    #expect(object["readings"] == nil && object["scenesVersion"] as? Int == 2 && object["world"] as? String == "small")
    let images = try #require(object["images"] as? [[String: Any]])
    let verdicts = try #require(images[0]["verdicts"] as? [[String: String]])
    #expect(verdicts.contains(["aspect": "color", "expected": "red", "found": "blue"]))
  }
}
