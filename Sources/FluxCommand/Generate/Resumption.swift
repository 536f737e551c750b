import Diffusion
import Flux
import Foundation
import Support
import Torch

/// The call whose images a file of unfinished images holds: what it takes to make the call again.
struct InterruptedCall: Codable, Equatable {
  /// The folder in which it was called.
  var folder: String
  /// Its arguments, `generate` or `variations` and what follows.
  var arguments: [String]
  /// Its prompts, which may have come through a pipe.
  var prompts: [String]
  /// The seed, which may have been random.
  var seed: UInt64
  /// The second seed of a variation, which may have been random.
  var variationSeed: UInt64?
  /// The first of the unfinished images in the series, from 0; those before it are written.
  var first: Int

  /// The call as JSON.
  var text: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    guard let data = try? encoder.encode(self) else { fatalError("plain values always encode") }
    return String(decoding: data, as: UTF8.self)
  }

  /// Reads JSON; nil if it is no call.
  init?(text: String) {
    guard let call = try? JSONDecoder().decode(InterruptedCall.self, from: Data(text.utf8)) else { return nil }
    self = call
  }

  init(_ arguments: [String], prompts: [String], request: GenerationRequest) {
    (folder, self.arguments) = (FileManager.default.currentDirectoryPath, arguments)
    (self.prompts, seed, variationSeed, first) = (prompts, request.seed, request.variation?.seed, 0)
  }
}

/// A file of unfinished images with which a call goes on.
struct Resumption {
  /// The file, as it was typed, and where it is.
  let file: FilePath
  let url: URL
  /// The call that was interrupted.
  let call: InterruptedCall
  let images: UnfinishedImages

  /// Reads a file; throws if no call can go on with it.
  init(_ file: FilePath) throws {
    (self.file, url) = (file, file.url.absoluteURL.standardizedFileURL)
    images = try UnfinishedImages(url)
    guard let call = InterruptedCall(text: images.command), !call.prompts.isEmpty, call.first >= 0 else {
      throw Failure("\(file.text) holds no call of flux generate with which to go on")
    }
    self.call = call
  }

  /// Makes the call again, with what `given` says about output beside the images, and with its model, if it has one.
  func run(_ given: Generate) throws {
    let (names, previewing) = (Arguments.options(in: try Arguments.text()), given.previewing.absolute)
    if call.folder != FileManager.default.currentDirectoryPath {
      guard FileManager.default.changeCurrentDirectoryPath(call.folder) else {
        throw Failure("\(file.text): the folder \(call.folder) of its call does not exist any more")
      }
      if !given.quiet { say("in \(call.folder)") }
    }
    Arguments.replace(by: call.arguments)
    if ThreadCount.range.contains(images.run.threads) { Libtorch.threads = images.run.threads }
    switch try? Arguments.parse(call.arguments) {
    case var command as Generate where command.state.resume == nil && !command.report.dryRun:
      command.model = given.model ?? command.model
      command.quiet = command.quiet || given.quiet
      // What would have been written still is.
      if previewing.show, !command.previewing.show { command.output = command.output ?? Generate.defaultOutput }
      command.previewing = command.previewing.replaced(by: previewing, names)
      command.state.saveStateEvery = given.state.saveStateEvery ?? command.state.saveStateEvery
      command.seed = known(command.seed, call.seed)
      if let seed = call.variationSeed { command.variations.variationSeed = Generate.Seed(value: seed) }
      try command.draw(goingOnWith: self)
    case var command as Variations:
      command.model = given.model ?? command.model
      command.quiet = command.quiet || given.quiet
      if previewing.show, !command.previewing.show { command.output = command.output ?? Variations.defaultOutput }
      command.previewing = command.previewing.replaced(by: previewing, names)
      command.variationSeed = known(command.variationSeed, call.variationSeed ?? call.seed)
      try command.draw(goingOnWith: self)
    default: throw Failure("\(file.text): its call is none of flux generate: \(call.arguments.joined(separator: " "))")
    }
  }

  private func known(_ seed: Generate.Seed, _ value: UInt64) -> Generate.Seed {
    seed.isRandom ? Generate.Seed(value: value) : seed
  }

  /// The images in the series, one of its batches; throws if they are none of it, or were begun with another model or with
  /// other settings.
  func check(_ series: Series, batches: [Range<Int>], _ pipeline: Pipeline) throws(Failure) {
    guard let batch = batches.first(where: { $0.lowerBound == call.first }) else {
      throw Failure(
        "\(file.text): image \(call.first + 1) begins no batch of the \(series.requests.count) images of its call")
    }
    if let difference = images.difference(from: Array(series.requests[batch]), pipeline) {
      throw Failure("\(file.text) was begun with something else: \(difference)")
    }
    let now = [("flux", Version.current, images.version), ("libtorch", Libtorch.version, images.run.libtorch)]
    for (name, current, before) in now where current != before {
      say(
        "flux: \(file.text) was begun by \(name) \(before), and this is \(current): the image may differ in the last bits"
      )
    }
  }
}
