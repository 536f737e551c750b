import Models
import NN
import Torch

/// Sampling trajectories from noise to an image in student steps, with the training target at each step.
struct Trajectories {
  let starts: Tensor  // [P, steps, C, h, w], where each step begins
  let targets: Tensor  // [P, steps, C, h, w], the network's target there
  let text: TextConditioning  // P rows
}

/// A ring buffer of the newest trajectories, from which batches are drawn: each is computed once and used several times.
final class TrajectoryBuffer {
  private var chunks: [Trajectories] = []
  let limit: Int  // chunks
  private(set) var added = 0  // chunks so far

  init(limit: Int) { self.limit = max(limit, 1) }

  var isEmpty: Bool { chunks.isEmpty }

  func append(_ trajectories: Trajectories) {
    if chunks.count < limit {
      chunks.append(trajectories)
    } else {
      chunks[added % limit] = trajectories
    }
    added += 1
  }

  /// A training batch.
  struct Batch {
    let x: Tensor  // [B, C, h, w]
    let target: Tensor  // [B, C, h, w]
    let steps: [Int]  // student step of each row
    let text: TextConditioning
  }

  /// Random steps of random trajectories.
  func draw(_ count: Int, generator: Generator) -> Batch {
    let size = chunks[0].starts.shape[0]
    let steps = chunks[0].starts.shape[1]
    let rows = Tensor.randint(0..<chunks.count * size, [count], generator: generator).ints()
    let places = Tensor.randint(0..<steps, [count], generator: generator).ints()
    // One selection a chunk instead of one a row, which on a GPU would take longer than the step; then the order of the draw.
    let device = chunks[0].starts.device
    let drawn = chunks.indices.map { chunk in rows.indices.filter { rows[$0] / size == chunk } }
    let used = chunks.indices.filter { !drawn[$0].isEmpty }
    var order = [Int64](repeating: 0, count: count)
    for (place, row) in used.flatMap({ drawn[$0] }).enumerated() { order[row] = Int64(place) }
    let inOrder = Tensor(order).to(device)
    func index(_ of: (Int) -> Int) -> [Tensor] {
      used.map { chunk in Tensor(drawn[chunk].map { Int64(of($0)) }).to(device) }
    }
    let (trajectory, step) = (index { rows[$0] % size }, index { rows[$0] % size * steps + places[$0] })
    func select(_ index: [Tensor], _ part: (Trajectories) -> Tensor) -> Tensor {
      Tensor.cat(zip(used, index).map { part(chunks[$0]).indexed(0, $1) }).indexed(0, inOrder)
    }
    func flat(_ part: Tensor) -> Tensor { part.reshaped([size * steps] + part.shape.dropFirst(2)) }
    return Batch(
      x: select(step) { flat($0.starts) }, target: select(step) { flat($0.targets) }, steps: places,
      text: TextConditioning(
        context: select(trajectory, \.text.context), mask: select(trajectory, \.text.mask),
        pooled: select(trajectory, \.text.pooled)))
  }

  // MARK: - Checkpoints

  /// All chunks, each under its place in the ring.
  var state: [NamedTensor] {
    chunks.enumerated().flatMap { place, chunk in
      zip(Self.parts, [chunk.starts, chunk.targets, chunk.text.context, chunk.text.mask, chunk.text.pooled]).map {
        (Self.key(place, $0), $1)
      }
    }
  }

  /// Reads the chunks of a checkpoint, whose latents have the shape `[P, steps, C, h, w]`, after `added` were added.
  ///
  /// Returns false, and changes nothing, if the checkpoint does not have as many as it says.
  func restore(from set: WeightSet, added: Int, shape: [Int], _ device: Device) throws -> Bool {
    let count = min(added, limit)
    guard count > 0, set.info(Self.key(count - 1, Self.parts[0])) != nil else { return false }
    chunks = try (0..<count).map { place in
      func read(_ part: Int, _ shape: [Int]? = nil) throws -> Tensor {
        try set.tensor(Self.key(place, Self.parts[part]), shape: shape).to(device)
      }
      return Trajectories(
        starts: try read(0, shape), targets: try read(1, shape),
        text: TextConditioning(context: try read(2), mask: try read(3), pooled: try read(4)))
    }
    self.added = added
    return true
  }

  private static let parts = ["starts", "targets", "context", "mask", "pooled"]

  private static func key(_ place: Int, _ part: String) -> String { "trajectories.\(place).\(part)" }
}
