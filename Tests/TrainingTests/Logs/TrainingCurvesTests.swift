import Foundation
import FoundationXML
import TestSupport
import Testing

@testable import Training

@Suite struct TrainingCurvesTests {
  private let log = """
    {"step":10,"stage":"autoencoder","stepsPerSecond":2,"seconds":5,"reconstruction":0.5}
    {"step":20,"stage":"autoencoder","stepsPerSecond":3,"seconds":9,"reconstruction":0.25}
    {"step":30,"stage":"diffusion","stepsPerSecond":1,"seconds":20,"diffusion":0.9}
    {"step":40,"sta
    """

  @Test func everyMeasurementIsACurve() {
    let curves = TrainingCurves(log: log)
    #expect(curves.curves.map(\.name) == ["reconstruction", "stepsPerSecond", "diffusion"])
    #expect(curves.curves[0].points.map(\.value) == [0.5, 0.25])
    #expect(curves.stages.map(\.name) == ["autoencoder", "diffusion"])
    #expect(curves.stages[0].steps == 10...20)
  }

  @Test func manyPointsBecomeFewMeans() {
    let points = (0..<1000).map { TrainingCurves.Point(step: $0, value: Double($0 % 10)) }
    let smooth = TrainingCurves.Curve(name: "x", points: points).smoothed(to: 100)
    #expect(smooth.count == 100)
    #expect(smooth.allSatisfy { $0.value == 4.5 })
  }

  @Test func theDrawingIsXML() throws {
    let document = try XMLDocument(xmlString: TrainingCurves(log: log).svg())
    #expect(try document.nodes(forXPath: "//*[local-name()='polyline']").count == 3)
  }

  @Test func aFolderWithoutALogIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      #expect(throws: TrainingError.noLog(folder.path + "/log.jsonl")) { try TrainingCurves(run: folder) }
    }
  }

  @Test func stepsThatWereMadeAgainCountOnce() {
    let log = """
      {"step":10,"stage":"joint","loss":1}
      {"step":20,"stage":"joint","loss":2}
      {"step":30,"stage":"diffusion","loss":3}
      {"step":12,"stage":"joint","note":"continues after step 12"}
      {"step":20,"stage":"joint","loss":4}
      {"step":3
      """
    let curves = TrainingCurves(log: log)
    #expect(curves.curves.map { $0.points.map(\.step) } == [[10, 20]])
    #expect(curves.curves[0].points.map(\.value) == [1, 4])
    #expect(curves.stages == [TrainingCurves.StageSpan(name: "joint", steps: 10...20)])
  }
}
