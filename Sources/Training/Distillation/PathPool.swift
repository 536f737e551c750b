import Models
import Torch

/// Ways from noise to a picture, one step of the student's after the other, and what it should say at each.
struct Paths {
  let starts: Tensor  // [P, steps, C, h, w], where each step begins
  let targets: Tensor  // [P, steps, C, h, w], what the network should say there
  let text: TextConditioning  // P rows
  let ends: Tensor  // [P, C, h, w], where the teacher's last step ends
}

/// The newest paths, of which batches are drawn: the teacher is asked for a path once, and the student learns from it
/// several times.
///
/// A ring. It is not saved: a run that is continued fills it anew, with the student as it then is.
final class PathPool {
  private var chunks: [Paths] = []
  let limit: Int  // chunks
  private var next = 0

  init(limit: Int) { self.limit = max(limit, 1) }

  var isEmpty: Bool { chunks.isEmpty }

  func append(_ paths: Paths) {
    if chunks.count < limit {
      chunks.append(paths)
    } else {
      chunks[next % limit] = paths
    }
    next += 1
  }

  /// What a step of training learns from.
  struct Batch {
    let x: Tensor  // [B, C, h, w]
    let target: Tensor  // [B, C, h, w]
    let steps: [Int]  // of the student's, one a row
    let text: TextConditioning
  }

  /// Single steps of paths, picked at random.
  func draw(_ count: Int, generator: Generator) -> Batch {
    let size = chunks[0].starts.shape[0]
    let steps = chunks[0].starts.shape[1]
    let rows = Tensor.randint(0..<chunks.count * size, [count], generator: generator).ints()
    let places = Tensor.randint(0..<steps, [count], generator: generator).ints()
    func stack(_ pick: (Paths, Int, Int) -> Tensor) -> Tensor {
      Tensor.stack(zip(rows, places).map { pick(chunks[$0 / size], $0 % size, $1) })
    }
    return Batch(
      x: stack { $0.starts[$1][$2] }, target: stack { $0.targets[$1][$2] }, steps: places,
      text: TextConditioning(
        context: stack { paths, row, _ in paths.text.context[row] },
        mask: stack { paths, row, _ in paths.text.mask[row] },
        pooled: stack { paths, row, _ in paths.text.pooled[row] }))
  }
}
