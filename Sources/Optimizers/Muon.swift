import NN
import Torch

/// Muon: momentum whose matrix is made orthogonal before it is applied, for the matrices and kernels of hidden layers
/// (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024).
///
/// A kernel `[out, in, k, k]` counts as a matrix of `out` rows. Five Newton-Schulz steps bring all singular values near 1;
/// the update is scaled by `0.2 · √max(rows, columns)`, which gives it about the size of AdamW's (Liu et al., "Muon is
/// Scalable for LLM Training", 2025, §2.2). Weight decay is decoupled. Parameters of equal shape are updated as one batch.
public final class Muon: UpdateRule {
  /// The matrices and kernels that are updated in place, under their checkpoint keys.
  public let parameters: [NamedTensor]
  private let groups: [Group]
  private let learningRateScale: Double
  private let weightDecay: Double
  private let momentum: Double

  /// Parameters of equal matrix shape.
  private struct Group {
    let shape: [Int]  // [rows, columns]
    let indices: [Int]  // of the parameters
    let momenta: Tensor  // [parameters, rows, columns]
  }

  /// `learningRateScale` multiplies the learning rate that `update` gets.
  public init(_ parameters: [NamedTensor], learningRateScale: Double, weightDecay: Double, momentum: Double = 0.95) {
    self.parameters = parameters
    var order: [[Int]] = []
    var places: [[Int]: Int] = [:]
    for (index, named) in parameters.enumerated() {
      let shape = Self.matrixShape(named.tensor)
      if let place = places[shape] {
        order[place].append(index)
      } else {
        places[shape] = order.count
        order.append([index])
      }
    }
    groups = order.map { indices in
      let first = parameters[indices[0]].tensor
      let shape = Self.matrixShape(first)
      return Group(shape: shape, indices: indices, momenta: .zeros([indices.count] + shape, device: first.device))
    }
    (self.learningRateScale, self.weightDecay, self.momentum) = (learningRateScale, weightDecay, momentum)
  }

  /// One update of all parameters; where `skip` is 1 neither parameters nor momenta change.
  public func update(_ gradients: [Tensor], learningRate: Double, skip: Tensor?) {
    let learningRate = learningRate * learningRateScale
    withNoGrad {
      let applied = skip.map { 1 - $0 }  // 0 or 1
      let decay = applied.map { 1 - $0 * (learningRate * weightDecay) }
      for group in groups {
        let own = Tensor.stack(group.indices.map { gradients[$0].reshaped(group.shape) })
        let gradient = skip.map { Tensor.where($0 .> 0.5, group.momenta, own) } ?? own
        group.momenta.lerp_(gradient, 1 - momentum)
        let directions = Self.orthogonalized(gradient.lerp(group.momenta, momentum))  // Nesterov's look ahead
        let scale = learningRate * 0.2 * Double(max(group.shape[0], group.shape[1])).squareRoot()
        let moves = applied.map { directions * ($0 * -scale) } ?? directions * -scale
        let targets = group.indices.map { parameters[$0].tensor }
        if let decay {
          Foreach.scale(targets, by: decay)
        } else {
          Foreach.scale(targets, by: 1 - learningRate * weightDecay)
        }
        Foreach.add(targets, targets.indices.map { moves[$0].reshaped(targets[$0].shape) })
      }
    }
  }

  /// The momentum of each parameter, under `momentum.` with its key.
  public var state: [NamedTensor] {
    var momenta: [Int: Tensor] = [:]
    for group in groups {
      for (place, index) in group.indices.enumerated() {
        momenta[index] = group.momenta[place].reshaped(parameters[index].tensor.shape)  // shares its memory
      }
    }
    return parameters.enumerated().map { ("momentum.\($1.key)", momenta[$0]!) }
  }

  /// The nearest matrices with singular values near 1, of `[count, rows, columns]`.
  ///
  /// A step multiplies `x` by a polynomial of its Gram matrix `x·xᵀ`, and the next Gram matrix follows from that polynomial
  /// alone. Where rows and columns differ much, as in 3×3 kernels, all steps therefore happen on the small square matrix
  /// and `x` is multiplied once: a third of the work at nine columns a row.
  static func orthogonalized(_ matrices: Tensor) -> Tensor {
    let isTall = matrices.shape[1] > matrices.shape[2]
    var x = isTall ? matrices.transposed(1, 2) : matrices
    x = x / (x.square().sum([1, 2], keepDims: true).sqrt() + 1e-7)
    let isWide = x.shape[2] > 2 * x.shape[1]
    x = isWide ? newtonSchulzOnGram(x) : newtonSchulz(x)
    return isTall ? x.transposed(1, 2) : x
  }

  /// Newton-Schulz steps, and the quintic's coefficients (Jordan et al., 2024).
  private static let steps = 5
  private static let (linear, cubic, quintic) = (3.4445, -4.7750, 2.0315)

  /// The steps on `x` itself: `x ← (3.4445·I − 4.7750·A + 2.0315·A²)·x` with `A = x·xᵀ`.
  static func newtonSchulz(_ x: Tensor) -> Tensor {
    var x = x
    for _ in 0..<steps {
      let gram = x.matmulWithoutGradients(x.transposed(1, 2))
      x = x * linear + (gram * cubic + gram.matmulWithoutGradients(gram) * quintic).matmulWithoutGradients(x)
    }
    return x
  }

  /// The same steps on `A` alone: with the factor `P`, `A ← P·A·P`, and the product of all factors multiplies `x`.
  static func newtonSchulzOnGram(_ x: Tensor) -> Tensor {
    var gram = x.matmulWithoutGradients(x.transposed(1, 2))
    let indices = Tensor.arange(0, Double(x.shape[1]), device: x.device)
    let identity = (indices.reshaped([-1, 1]) .== indices).to(.float32) * linear
    var product: Tensor?
    for step in 1...steps {
      let factor = identity + gram * cubic + gram.matmulWithoutGradients(gram) * quintic
      product = product.map { factor.matmulWithoutGradients($0) } ?? factor
      if step < steps { gram = factor.matmulWithoutGradients(gram).matmulWithoutGradients(factor) }
    }
    return product!.matmulWithoutGradients(x)
  }

  private static func matrixShape(_ tensor: Tensor) -> [Int] {
    [tensor.shape[0], tensor.shape.dropFirst().reduce(1, *)]
  }
}
