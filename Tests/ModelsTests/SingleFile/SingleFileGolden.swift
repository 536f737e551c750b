import Foundation
import Support
import TestSupport
import Testing
import Torch

@testable import Models

/// The files of Tools/golden/single_file.py, which are smaller than what keys and shapes can say.
enum SingleFileGolden {
  static let names = ["sd1", "sd2", "sdxl"]

  static func url(_ name: String) -> URL { Project.golden("single_file/\(name).safetensors") }

  static func assumptions(_ name: String) -> CheckpointAssumptions {
    var assumed = CheckpointAssumptions()
    (assumed.headWidth, assumed.textHeadWidth, assumed.groups, assumed.sizeWidth) = (4, 4, 4, 8)
    return assumed
  }

  static func open(_ url: URL, like name: String) throws -> SingleFileCheckpoint {
    try SingleFileCheckpoint(url, assuming: assumptions(name))
  }

  static func open(_ name: String) throws -> SingleFileCheckpoint { try open(url(name), like: name) }

  /// What the reference has of a part: its configuration, and of each key the shape and the fingerprint.
  static func reference(_ name: String, _ part: String) throws -> (config: JSONValue, keys: [String: JSONValue])? {
    let json = try #require(JSONValue(Data(contentsOf: Project.golden("single_file/\(name).json"))))
    guard let part = json[part], let config = part["config"], let keys = part["keys"]?.fields else { return nil }
    return (config, Dictionary(uniqueKeysWithValues: keys.map { ($0.key, $0.value) }))
  }

  /// A number that another order of the values changes; the script has the same.
  static func fingerprint(_ tensor: Tensor) -> Double {
    tensor.to(.float64).doubles().enumerated().reduce(0) { $0 + $1.element * sin(Double($1.offset + 1)) }
  }

  /// A copy of a golden after `change`.
  static func changed(
    _ name: String, in folder: URL, _ change: (inout [(key: String, tensor: Tensor)]) throws -> Void
  ) throws -> URL {
    let file = try SafetensorsFile(url(name))
    var tensors = try file.keys.map { (key: $0, tensor: try file.tensor($0)) }
    try change(&tensors)
    let copy = folder.appendingPathComponent("model.safetensors")
    try Safetensors.write(tensors, to: copy)
    return copy
  }
}
