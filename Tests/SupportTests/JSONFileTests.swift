import Foundation
import Support
import TestSupport
import Testing

@Suite struct JSONFileTests {
  private enum Shape: String, ConfigurationChoice { case linear, cosine }

  private struct Part: Codable, Equatable {
    var sideLength: Double
  }

  private struct Network: ModelConfiguration, Equatable {
    var layerCount: Int
    var widths: [Int]
    var betaSchedule: Shape
    var isCentered: Bool
    var part: Part?

    func validate() throws(ConfigurationError) { try require("layer_count", layerCount, in: 1...8) }
  }

  private static let good = #""layer_count": 3, "widths": [8, 16], "beta_schedule": "linear", "is_centered": true"#

  /// The error of a file with these fields, after its path; nil if there is none.
  private func reason(
    _ text: String, check: ([String: Any]) throws(ConfigurationError) -> Void = { _ in }
  ) throws -> String? {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("config.json")
      try Data(text.utf8).write(to: url)
      do throws(JSONFileError) {
        _ = try JSONFile.read(url, as: Network.self, check: check)
        return nil
      } catch {
        #expect(error.description.hasPrefix("\(url.path): "))
        return String(error.description.dropFirst(url.path.count + 2))
      }
    }
  }

  /// The good fields, of which those with these keys are replaced.
  private func changed(_ fields: [String: String]) -> String {
    var all = [
      "layer_count": "3", "widths": "[8, 16]", "beta_schedule": "\"linear\"", "is_centered": "true",
    ]
    all.merge(fields) { $1 }
    return "{" + all.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", ") + "}"
  }

  @Test func aConfigurationIsReadAsItWasWritten() throws {
    try Project.inTemporaryFolder { folder in
      let url = folder.appendingPathComponent("config.json")
      let network = Network(
        layerCount: 2, widths: [4], betaSchedule: .cosine, isCentered: false, part: Part(sideLength: 0.5))
      try JSONFile.write(network, className: "FluxNetwork", to: url)
      #expect(try JSONFile.read(url, as: Network.self) == network)
      #expect(JSONFile.className(url) == "FluxNetwork")
      let text = try String(contentsOf: url, encoding: .utf8)
      #expect(text.contains("\"side_length\" : 0.5") && text.hasSuffix("}\n"))
    }
  }

  @Test func unknownFieldsAreLeftAloneAndCanBeChecked() throws {
    let text = changed(["_class_name": "\"Other\"", "more": "7"])
    #expect(try reason(text) == nil)
    let refused = try reason(text) { table throws(ConfigurationError) in
      if let name = table["_class_name"] as? String, name != "FluxNetwork" {
        throw ConfigurationError("_class_name", JSONFile.shown(name), expected: "\"FluxNetwork\"")
      }
    }
    #expect(refused == "_class_name is \"Other\", expected \"FluxNetwork\"")
  }

  @Test func aMissingKeyIsNamed() throws {
    #expect(try reason("{}")?.hasSuffix(" is missing") == true)
    #expect(try reason(#"{"layer_count": 3, "widths": [], "beta_schedule": "linear"}"#) == "is_centered is missing")
    #expect(try reason(changed(["part": "{}"])) == "part.side_length is missing")
  }

  @Test(arguments: [
    ("layer_count", "\"x\"", "layer_count is \"x\", expected a whole number"),
    ("layer_count", "null", "layer_count is null, expected a whole number"),
    ("layer_count", "[1]", "layer_count is a list, expected a whole number"),
    ("layer_count", "true", "layer_count is true, expected a whole number"),
    ("layer_count", "2.5", "layer_count is 2.5, expected a whole number that fits"),
    ("layer_count", "1e300", "layer_count is 1e+300, expected a whole number that fits"),
    ("widths", "[1, 0.5]", "widths[1] is 0.5, expected a whole number that fits"),
    ("widths", "{}", "widths is an object, expected a list"),
    ("widths", "[1, \"two\"]", "widths[1] is \"two\", expected a whole number"),
    ("is_centered", "1", "is_centered is 1, expected true or false"),
    ("part", "{\"side_length\": \"wide\"}", "part.side_length is \"wide\", expected a number"),
    ("part", "7", "part is 7, expected an object"),
    ("beta_schedule", "\"square\"", "beta_schedule is \"square\", expected one of \"linear\", \"cosine\""),
    ("beta_schedule", "3", "beta_schedule is 3, expected one of \"linear\", \"cosine\""),
    ("layer_count", "9", "layer_count is 9, expected 1 to 8"),
  ])
  func aWrongValueIsNamedWithItsKeyAndWhatWasExpected(_ key: String, _ value: String, _ sentence: String) throws {
    #expect(try reason(changed([key: value])) == sentence)
  }

  /// Other fields may hold such numbers.
  @Test func ofSeveralNumbersThatAreNotWholeTheWrongOneIsNamed() throws {
    let fields = ["a_number": "1.5", "part": "{\"side_length\": 1e300}", "widths": "[8, 2.5]"]
    #expect(try reason(changed(fields)) == "widths[1] is 2.5, expected a whole number that fits")
    #expect(try reason(changed(["a_number": "1.5", "part": "{\"side_length\": 0.5}"])) == nil)
  }

  @Test(arguments: ["", "[1]", "3", "{\"a\": }", "\"text\"", "{\"layer_count\": 3"])
  func whatIsNoObjectIsSaidToBeNone(_ text: String) throws {
    #expect(try reason(text) == "it is not a JSON object")
  }

  @Test func aFileThatCannotBeReadIsNamed() throws {
    try Project.inTemporaryFolder { folder in
      let missing = folder.appendingPathComponent("none.json")
      let error = #expect(throws: JSONFileError.self) { try JSONFile.read(missing, as: Network.self) }
      #expect(error?.description == "cannot read \(missing.path): No such file or directory")
      #expect(JSONFile.className(missing) == nil)
      let inside = #expect(throws: JSONFileError.self) { try JSONFile.read(folder, as: Network.self) }
      #expect(inside?.description == "cannot read \(folder.path): it is not a regular file")
    }
  }

  @Test func valuesAreShownAsTheFileHasThem() {
    #expect(JSONFile.shown(nil) == "missing" && JSONFile.shown(NSNull()) == "null")
    #expect(JSONFile.shown("a") == "\"a\"" && JSONFile.shown(String(repeating: "a", count: 99)).count == 62)
    #expect(JSONFile.shown(NSNumber(value: 1)) == "1" && JSONFile.shown(NSNumber(value: true)) == "true")
    #expect(JSONFile.shown([1]) == "a list" && JSONFile.shown(["a": 1]) == "an object")
  }

  /// Python writes numbers that JSON does not have.
  @Test func infinityAndNaNAreReadAsNull() throws {
    #expect(try reason(changed(["a": "-Infinity", "b": "[NaN, Infinity, 1]", "c": #""say \"NaN\"""#])) == nil)
    #expect(try reason(changed(["layer_count": "NaN"])) == "layer_count is null, expected a whole number")
  }
}
