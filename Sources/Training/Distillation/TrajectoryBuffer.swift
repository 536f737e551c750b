import Models
import Torch

/// Sampling trajectories from noise to an image in student steps, with the training target at each step.
struct Trajectories {
  let starts: Tensor  // [P, steps, C, h, w], where each step begins
  let targets: Tensor  // [P, steps, C, h, w], the network's target there
  let text: TextConditioning  // P rows
  let ends: Tensor  // [P, C, h, w], where the teacher's last step ends
}

/// A ring buffer of the newest trajectories, from which batches are drawn: each is computed once and used several times.
///
/// It is not saved; a continued run refills it with the current student.
final class TrajectoryBuffer {
  private var chunks: [Trajectories] = []
  let limit: Int  // chunks
  private var next = 0

  init(limit: Int) { self.limit = max(limit, 1) }

  var isEmpty: Bool { chunks.isEmpty }

  func append(_ trajectories: Trajectories) {
    if chunks.count < limit {
      chunks.append(trajectories)
    } else {
      chunks[next % limit] = trajectories
    }
    next += 1
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
    func stack(_ pick: (Trajectories, Int, Int) -> Tensor) -> Tensor {
      Tensor.stack(zip(rows, places).map { pick(chunks[$0 / size], $0 % size, $1) })
    }
    return Batch(
      x: stack { $0.starts[$1][$2] }, target: stack { $0.targets[$1][$2] }, steps: places,
      text: TextConditioning(
        context: stack { trajectories, row, _ in trajectories.text.context[row] },
        mask: stack { trajectories, row, _ in trajectories.text.mask[row] },
        pooled: stack { trajectories, row, _ in trajectories.text.pooled[row] }))
  }
}
