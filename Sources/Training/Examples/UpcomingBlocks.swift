import Dispatch
import Support
import Torch

/// The next blocks of scenes, rendered in the background while a device computes.
///
/// A GPU takes milliseconds for a step, and rendering the images that renew its pool takes as long on the cores that
/// otherwise wait for it. What is rendered does not depend on it.
final class UpcomingBlocks {
  private let examples: SceneExamples
  private let size: Int  // pixels
  private let depth: Int  // blocks ahead
  private let queue = DispatchQueue(label: "flux.upcoming-blocks")
  private var waiting: [(first: Int, rendering: Rendering)] = []

  /// `depth` is the number of blocks ahead of the last one that was asked for.
  init(_ examples: SceneExamples, size: Int, depth: Int = 8) {
    (self.examples, self.size, self.depth) = (examples, size, depth)
  }

  /// A block's images, as soon as they are rendered; those of the blocks after it are begun.
  func batch(_ range: Range<Int>) -> ExampleBatch {
    waiting.removeAll { $0.first < range.lowerBound }
    var next = range
    for _ in 0...depth {
      if !waiting.contains(where: { $0.first == next.lowerBound }) { begin(next) }
      next = examples.block(at: next.upperBound).range
    }
    guard let place = waiting.firstIndex(where: { $0.first == range.lowerBound }) else { fatalError("it was begun") }
    return waiting.remove(at: place).rendering.wait()
  }

  private func begin(_ range: Range<Int>) {
    let rendering = Rendering()
    waiting.append((range.lowerBound, rendering))
    let (examples, size) = (examples, size)
    queue.async { rendering.finish(examples.batch(.diffusion, range, size: size)) }
  }

  /// A batch that is handed over by the thread that made it.
  ///
  /// Unchecked because the batch has one owner at a time: it is written before the signal and taken after it.
  private final class Rendering: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    private var batch: ExampleBatch?

    func finish(_ batch: ExampleBatch) {
      self.batch = batch
      done.signal()
    }

    func wait() -> ExampleBatch {
      done.wait()
      guard let batch else { fatalError("a rendering ended without its images") }
      return batch
    }
  }
}
