import Datasets
import Testing

@Suite struct DatasetReportTests {
  private func survey(_ source: ImageFolder, size: Int = 8) -> DatasetReport {
    DatasetReport(of: source, size: size, maxTokens: 4, thumbnails: (3, 4)) { caption in
      let words = caption.split(separator: " ").map(String.init)
      return .init(tokens: words.count, dropped: Array(words.dropFirst(4)))
    }
  }

  @Test func everythingThatIsWrongIsFoundAndNamed() throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      try folder.writeImage("b.png", 1)
      try folder.writeImage("c.png", 2, width: 3, height: 9)
      try folder.writeImage("d.png", 3, width: 13, height: 4)
      try folder.write("e.png", "no")
      for name in ["a", "b", "d", "e"] { try folder.write("\(name).txt", "one two") }
      try folder.write("a.txt", "one two three four five six")
      try folder.write("b.txt", Array("caf".utf8) + [0xe9])
      let found = survey(try folder.open()).findings.map { "\($0.id) \($0.kind.rawValue): \($0.detail)" }
      #expect(
        found == [
          "a.png cutCaption: 6 tokens; truncated: \"five six\"",
          "b.png duplicate: the same pixels as a.png",
          "b.png brokenText: \"caf\u{FFFD}\"",
          "c.png small: 3×9",
          "c.png uncaptioned: no caption",
          "d.png narrow: 13×4",
          "e.png unreadable: e.png is not a supported image (JPEG, PNG, WebP): it begins with \"no\"",
        ])
    }
  }

  @Test func manyImagesAreCountedInOrder() throws {
    try TestImageFolder.with { folder in
      for index in 0..<150 {
        try folder.writeImage("\(1000 + index).png", UInt8(index), width: 6 + index, height: 6 + index)
        try folder.write("\(1000 + index).txt", "a b")
      }
      var told: [Int] = []
      let source = try folder.open()
      let survey = DatasetReport(
        of: source, size: 8, maxTokens: 32, thumbnails: (40, 8), read: { _ in .init(tokens: 4, dropped: []) },
        progress: { told.append($0) })
      #expect(survey.findings.isEmpty && survey.sound == 150)
      #expect(survey.thumbnails.map { $0.pixels[0] } == stride(from: 0, to: 150, by: 4).map { UInt8($0) })
      #expect(told == [64, 128, 150])
      #expect(survey.shorterSides.counts == [58, 64, 28, 0, 0, 0, 0, 0])
      #expect(survey.tokens.mean == 4 && survey.tokens.largest == 4)
    }
  }

  @Test(arguments: [
    (2, [3]), (8, [9]), (32, [9, 17, 25, 33]), (77, Array(stride(from: 9, through: 73, by: 8)) + [78]),
    (512, Array(stride(from: 9, through: 505, by: 8)) + [513]),
  ])
  func theLastClassOfTokensIsWhatIsCut(_ maxTokens: Int, _ bounds: [Int]) throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      let survey = DatasetReport(
        of: try folder.open(), size: 8, maxTokens: maxTokens, read: { _ in .init(tokens: 4, dropped: []) })
      #expect(survey.tokens.bounds == bounds)
    }
  }

  @Test(arguments: [999_999_999_999, Int.max]) func absurdNumbersOfTokensMakeFewClasses(_ maxTokens: Int) throws {
    try TestImageFolder.with { folder in
      try folder.writeImage("a.png", 1)
      let survey = DatasetReport(
        of: try folder.open(), size: 8, maxTokens: maxTokens, read: { _ in .init(tokens: 4, dropped: []) })
      #expect(survey.tokens.bounds.count <= 66)
    }
  }

  @Test func histogramsShowTheClassesThatAreNotEmpty() {
    var histogram = Histogram(bounds: [9, 17, 25])
    for value in [10, 11, 12, 30] { histogram.add(value) }
    let bar = String(repeating: "━", count: 24)
    #expect(histogram.lines == ["      9–16  \(bar) 3", "     17–24  0", "25 or more  ━━━━━━━━ 1"])
    #expect(histogram.mean == 15.75)
  }
}
