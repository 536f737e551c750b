import ArgumentParser
import Diffusion
import Flux
import Foundation

/// The options that draw a series of images over seeds, settings and parts of the prompt.
struct SeriesOptions: ParsableArguments {
  @Option(
    help: "Seeds of one image each, as numbers and ranges: 1-16 or 3,7,10-12. Instead of --seed and --batch-count.")
  var seeds: SeedList?
  @Option(
    help: ArgumentHelp(
      """
      A setting with its values, one for each column of the grid: \(SeriesAxis.Setting.names). replace takes a word of \
      the prompt and what stands in its place: replace=apple,pear,fox.
      """, valueName: "setting=value,value,…"))
  var gridX: SeriesAxis?
  @Option(help: ArgumentHelp("The same for the rows of the grid.", valueName: "setting=value,value,…"))
  var gridY: SeriesAxis?
  @Flag(
    help:
      "Draw every combination of the parts of the prompt that follow the first |: \"a fox|in snow|at night\" is four prompts."
  )
  var promptMatrix = false

  /// Throws for options that exclude each other.
  func check(batchCount: Int) throws {
    for fault in [seeds?.fault, gridX?.fault, gridY?.fault] {
      if let fault { throw ValidationError(fault) }
    }
    if seeds != nil, batchCount != 1 {
      throw ValidationError("--seeds is one image for each seed: remove --batch-count")
    }
    let axes = [gridX, gridY].compactMap { $0?.setting }
    if axes.count == 2, axes[0] == axes[1], axes[0] != .replace {
      throw ValidationError("--grid-x and --grid-y both have \(axes[0].rawValue): choose two settings")
    }
    if seeds != nil, axes.contains(.seed) { throw ValidationError("--seeds and a grid of seeds exclude each other") }
  }

  /// The images of one prompt before the settings of the grid: one a seed.
  func batch(of request: GenerationRequest, count: Int) throws -> [GenerationRequest] {
    guard let seeds else { return request.batch(count) }
    if Arguments.options(in: try Arguments.text()).contains("--seed") {
      throw Failure("--seeds and --seed exclude each other: remove one", code: 2)
    }
    return seeds.values.map { seed in
      var one = request
      one.seed = seed
      return one
    }
  }

  /// Whether the contact sheet has labels.
  var isLabeled: Bool { seeds != nil || gridX != nil || gridY != nil || promptMatrix }
}

/// Seeds: numbers and ranges, separated by commas.
struct SeedList: ExpressibleByArgument {
  let values: [UInt64]
  /// What is wrong with the text; nil if nothing is.
  let fault: String?

  init(argument: String) {
    var values: [UInt64] = []
    var fault: String?
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) where fault == nil {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64($0) }
      guard let first = ends[0], ends.count <= 2, let last = ends[ends.count - 1] else {
        fault = "\"\(part)\" is neither a seed nor a range of seeds such as 1-16"
        continue
      }
      guard first <= last else {
        fault = "the range \(part) ends before it begins"
        continue
      }
      guard last - first < UInt64(Self.most), values.count + Int(last - first) < Self.most else {
        fault = "these are more than \(Self.most) seeds"
        continue
      }
      values += Array(first...last)
    }
    (self.values, self.fault) = (values, fault.map { "--seeds \(argument): \($0)" })
  }

  private static let most = 10_000
}

/// A setting with the values that a series has of it.
struct SeriesAxis: ExpressibleByArgument {
  /// The settings of an axis.
  enum Setting: String, CaseIterable {
    case seed, steps, sampler, scheduler, eta, replace
    case guidanceScale = "cfg-scale"
    case guidanceRescale = "cfg-rescale"
    case negativePrompt = "negative-prompt"

    static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }
  }

  let setting: Setting
  let values: [String]
  /// What is wrong with the text; nil if nothing is.
  let fault: String?

  init(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let name = parts[0].trimmingCharacters(in: .whitespaces)
    guard parts.count == 2, let setting = Setting(rawValue: name) else {
      (setting, values) = (.seed, [])
      fault =
        parts.count == 2
        ? "a grid has no setting \"\(name)\"; there are \(Setting.names)"
        : "\"\(argument)\" is no setting of a grid with its values: --grid-x steps=5,10,20"
      return
    }
    (self.setting, fault) = (setting, nil)
    let values = parts[1].split(separator: ",", omittingEmptySubsequences: false).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    let seeds = setting == .seed ? SeedList(argument: values.joined(separator: ",")) : nil
    self.values = seeds.flatMap { $0.fault == nil ? $0.values.map(String.init) : nil } ?? values
  }

  /// The axis as the option's text.
  var text: String { "\(setting.rawValue)=\(values.joined(separator: ","))" }

  /// The label of a value.
  func label(_ value: String) -> String { setting == .replace ? value : "\(setting.rawValue) \(value)" }

  /// Gives a request a value; throws where it is none of the setting.
  func apply(_ value: String, to request: inout GenerationRequest) throws {
    func wrong(_ expected: String) -> Failure {
      Failure("\(setting.rawValue) \"\(value)\" of a grid is not \(expected)", code: 2)
    }
    func number(_ range: ClosedRange<Double>) throws -> Double {
      guard let number = Double(value), range.contains(number) else {
        throw wrong("a number from \(Int(range.lowerBound)) to \(Int(range.upperBound))")
      }
      return number
    }
    switch setting {
    case .seed:
      guard let seed = UInt64(value) else { throw wrong("a seed") }
      request.seed = seed
    case .steps:
      guard let steps = Int(value) else { throw wrong("a number of steps") }
      request.steps = steps
    case .sampler:
      let named = try SamplerKind.read(value)
      request.sampler = named.kind
      if let spacing = named.spacing { request.spacing = spacing }
    case .scheduler: request.spacing = value.lowercased() == "automatic" ? nil : try Spacing(named: value)
    case .eta: request.eta = try number(0...1)
    case .guidanceScale: request.guidance.scale = try number(0...100)
    case .guidanceRescale: request.guidance.rescale = try number(0...1)
    case .negativePrompt: request.negativePrompt = value
    case .replace:
      guard request.prompt.contains(values[0]) else {
        throw Failure("the prompt has no \"\(values[0])\" to replace: \(request.prompt)", code: 2)
      }
      request.prompt = request.prompt.replacingOccurrences(of: values[0], with: value)
    }
  }
}
