import Foundation
import FoundationXML
import TestSupport
import Testing

@testable import Runs

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

  @Test func logsOfEarlierVersionsHaveTheNamesOfToday() {
    let old = #"{"step":10,"stage":"joint","decibels":20,"participation":9,"captions":0.1,"waiting":0.5,"names":2}"#
    #expect(
      TrainingCurves(log: old).curves.map(\.name) == ["captionGap", "psnr", "alignment", "effectiveRank", "dataWait"])
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
      #expect(throws: RunError.noLog(folder.path + "/log.jsonl")) { try TrainingCurves(run: folder) }
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

  @Test(arguments: [
    "1e308", "-1e308", "1.7976931348623157e308", "5e-324", "0", "-0.0", "1e-300", "123456789012345678901234567890",
  ])
  func absurdValuesAreDrawn(_ value: String) throws {
    let many = (1...600).map { "{\"step\":\($0),\"stage\":\"a\",\"x\":1.7e308}\n" }.joined()
    let log = """
      {"step":0,"stage":"a","x":\(value)}
      \(many)
      {"step":2305843009213693952,"stage":"a","x":-1e308}
      {"step":4611686018427387904,"stage":"b","x":\(value)}
      {"step":9223372036854775807,"stage":"b","x":1}
      {"step":1e300,"stage":"b","x":1}
      {"step":-9223372036854775808,"stage":"b","x":1}
      {"step":4611686018427387904.5,"stage":"b","x":1}
      """
    let text = TrainingCurves(log: log).svg()
    _ = try XMLDocument(xmlString: text)
    #expect(!text.contains("nan") && !text.contains("inf"))
  }

  @Test func namesOfALogAreEscaped() throws {
    let log = #"{"step":1,"stage":"<b> & \"c\"","<script>&\u0007":1}"#
    let document = try XMLDocument(xmlString: TrainingCurves(log: log).svg())
    #expect(try document.nodes(forXPath: "//*[local-name()='script']").isEmpty)
    #expect(try document.nodes(forXPath: "//*[local-name()='title']").first?.stringValue == "<b> & \"c\"")
  }

  @Test func whatIsNoMeasurementIsPassedOver() {
    let log = """
      {"step":1,"stage":"joint","seconds":3,"text":"a","list":[1],"none":null,"loss":0.5}

      {"stage":"joint","loss":9}
      {"step":"2","loss":9}
      [1, 2]
      {"step":-1,"loss":9}
      {"step":1.5,"loss":9}
      """
    let curves = TrainingCurves(log: log)
    #expect(curves.curves == [.init(name: "loss", points: [.init(step: 1, value: 0.5)])])
    #expect(curves.stages == [.init(name: "joint", steps: 1...1)])
  }

  @Test func aStageThatComesBackIsAnotherSpan() {
    let stages = ["a", "a", "b", "a"].enumerated().map { "{\"step\":\($0 + 1),\"stage\":\"\($1)\",\"x\":1}" }
    let spans = TrainingCurves(log: stages.joined(separator: "\n")).stages
    #expect(spans.map(\.name) == ["a", "b", "a"] && spans.map(\.steps) == [1...2, 3...3, 4...4])
  }

  @Test func aCurveOfFewPointsStaysAsItIs() {
    let curve = TrainingCurves.Curve(name: "x", points: (0..<5).map { .init(step: $0, value: Double($0)) })
    #expect(curve.smoothed(to: 5) == curve.points && curve.smoothed(to: 0) == curve.points)
    // Five points as two: the means of two and of three.
    #expect(curve.smoothed(to: 2).map(\.value).map { ($0 * 1e9).rounded() / 1e9 } == [0.5, 3])
  }

  @Test func panelsLieInRowsOfThreeOverOneAxis() throws {
    let log = (1...5).map { "{\"step\":\($0 * 10),\"stage\":\"joint\",\"m\($0)\":1}" }.joined(separator: "\n")
    let document = try XMLDocument(xmlString: TrainingCurves(log: log).svg())
    let groups = try document.nodes(forXPath: "//*[local-name()='g']/@transform").compactMap(\.stringValue)
    #expect(
      groups == [
        "translate(0 0)", "translate(320 0)", "translate(640 0)", "translate(0 190)", "translate(320 190)",
      ])
    let labels = try document.nodes(forXPath: "//*[local-name()='text']").compactMap(\.stringValue)
    #expect(labels.count { $0 == "50 steps" } == 5)
  }

  @Test func anEmptyLogIsAnEmptyDrawing() throws {
    let curves = TrainingCurves(log: "")
    #expect(curves.curves.isEmpty && curves.stages.isEmpty)
    _ = try XMLDocument(xmlString: curves.svg())
  }
}
