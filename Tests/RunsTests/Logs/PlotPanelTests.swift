import Foundation
import FoundationXML
import Runs
import Testing

@Suite struct PlotPanelTests {
  @Test func measuredPointsAreMarkedAndNumberedOnAScaleFromZero() throws {
    let panel = PlotPanel(
      "images/s by steps", measured: [.init(x: 1, y: 4), .init(x: 20, y: 2.5), .init(x: 50, y: 3)], unit: "steps")
    let document = try XMLDocument(xmlString: PlotPanel.document([panel]))
    let heights = try document.nodes(forXPath: "//*[local-name()='circle']/@cy").compactMap {
      $0.stringValue.flatMap { Double($0) }
    }
    try #require(heights.count == 3)
    #expect(heights[0] < heights[2] && heights[2] < heights[1], "higher values are higher up")
    let texts = try document.nodes(forXPath: "//*[local-name()='text']").compactMap(\.stringValue)
    for text in ["images/s by steps", "steps", "0", "1", "20", "50"] { #expect(texts.contains(text), "\(text)") }
  }

  @Test func numbersThatWouldOverlapAreLeftOut() throws {
    let panel = PlotPanel("t", measured: [1, 2, 1000].map { .init(x: $0, y: 1) }, unit: "u")
    let texts = try XMLDocument(xmlString: PlotPanel.document([panel])).nodes(forXPath: "//*[local-name()='text']")
      .compactMap(\.stringValue)
    #expect(texts.contains("1") && !texts.contains("2") && texts.contains("1000"))
  }

  @Test func valuesThatAreNotFiniteAndNamesOfAnyKindMakeNoBrokenDocument() throws {
    let panels = [
      PlotPanel(
        "a<b & \u{1}", measured: [.init(x: .nan, y: 1), .init(x: 1, y: .infinity), .init(x: 2, y: 1)], unit: ">"),
      PlotPanel("none", measured: [], unit: ""),
    ]
    let document = try XMLDocument(xmlString: PlotPanel.document(panels))
    #expect(try document.nodes(forXPath: "//*[local-name()='circle']").count == 1)
  }
}
