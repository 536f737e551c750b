import ArgumentParser
import Diffusion
import Flux
import Foundation
import Support

/// Saves the state of images that are being drawn together: when a signal asks to stop, and from time to time.
final class StateKeeper {
  /// Thrown after a signal, with the state saved.
  struct Stopped: Error {}

  private let requests: [GenerationRequest]
  private let command: String
  private let pipeline: Pipeline
  private let file: (url: URL, shown: String)
  private let interval: Double  // seconds
  private let share: Double
  private let clock = ContinuousClock()
  private var last: ContinuousClock.Instant
  private var cost = 0.0  // seconds
  private var isStored: Bool
  private var hasFailed = false

  /// The most of the time that saving takes where the interval is not given.
  private static let defaultShare = 0.01
  private static let defaultInterval = 10.0

  /// - Parameters:
  ///   - requests: those of the images.
  ///   - call: what goes on with them.
  ///   - file: where their state is saved, and its name in messages.
  ///   - interval: seconds between two times; nil is the default.
  ///   - isStored: whether the file is there already, to be removed at the end.
  init(
    _ requests: [GenerationRequest], _ call: InterruptedCall, _ pipeline: Pipeline, file: (url: URL, shown: String),
    every interval: Double?, isStored: Bool
  ) {
    (self.requests, command, self.pipeline, self.file) = (requests, call.text, pipeline, file)
    (self.interval, share) = (interval ?? Self.defaultInterval, interval == nil ? Self.defaultShare : 1)
    (self.isStored, last) = (isStored, clock.now)
  }

  /// Looks for a signal after a step, and for the time; throws `Stopped` after a signal.
  func note(_ step: DenoisingStep) throws {
    if Interruption.isRequested {
      try save(step.state)
      throw Stopped()
    }
    let elapsed = (clock.now - last) / .seconds(1)
    guard !hasFailed, elapsed >= interval, elapsed * share >= cost else { return }
    do {
      try save(step.state)
    } catch {
      hasFailed = true
      say("flux: \(error); unfinished images are not saved")
    }
  }

  private func save(_ state: DenoisingState) throws {
    let began = clock.now
    try UnfinishedImages(state, of: requests, by: pipeline, command: command).write(to: file.url)
    (isStored, last) = (true, clock.now)
    cost = max(cost, (last - began) / .seconds(1))
  }

  /// Removes the file: the images are written.
  func finish() { if isStored { unlink(file.url.path) } }

  /// The sentence about images that were stopped after a step.
  func sentence(after step: DenoisingStep, images: Range<Int>, of count: Int) -> String {
    let which =
      count == 1
      ? ""
      : images.count == 1
        ? " of image \(images.upperBound) of \(count)"
        : " of images \(images.lowerBound + 1)-\(images.upperBound) of \(count)"
    return "flux: stopped and saved after step \(step.index + 1) of \(step.count)\(which); this goes on: "
      + "flux generate --resume \(Self.quoted(file.shown))"
  }

  /// A path as a word of a shell.
  static func quoted(_ path: String) -> String {
    let plain = path.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "+")...UInt8(ascii: ":"), UInt8(ascii: "_"), UInt8(ascii: "@"), UInt8(ascii: "%"):
        true
      default: byte >= 0x80
      }
    }
    return plain ? path : "'" + path.replacing("'", with: "'\\''") + "'"
  }
}
